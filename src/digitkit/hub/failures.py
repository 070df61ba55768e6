"""What went wrong on a hub, said once and for people: errors of huggingface_hub become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digitkit.core.errors import ConfigError, DigitkitError, HubError, StoreError
from digitkit.hub.access import Access

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

UNAUTHORISED, FORBIDDEN, NOT_FOUND, TOO_MANY, SERVER = 401, 403, 404, 429, 500


@contextmanager
def explained(access: Access, repo: str, kind: str, revision: str = "") -> Iterator[None]:
    """Turn what huggingface_hub raises in this block into one message; the token is in none of them.

    Raises: HubError, ConfigError for a name that no repository has, StoreError for trouble on this machine.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import OfflineModeIsEnabled, OIDCError

    try:
        yield
    except DigitkitError:
        raise
    except RuntimeError as error:  # the library's threads wrap what stopped an upload
        raise _translate(error.__cause__ or error, access, repo, kind, revision) from error
    except (HTTPError, OfflineModeIsEnabled, OIDCError, ValueError, TypeError, LookupError, OSError) as error:
        raise _translate(error, access, repo, kind, revision) from error


def _translate(error: BaseException, access: Access, repo: str, kind: str, revision: str) -> DigitkitError:
    """Our error for one of theirs."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    reason = access.hide(str(error)) or type(error).__name__
    if isinstance(error, HfHubHTTPError):
        return HubError(_refusal(error, access, repo, kind, revision))
    if isinstance(error, HFValidationError):
        return ConfigError(f"{repo}: no name of a repository ({reason}).")
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(f"{access.host} was not asked: HF_HUB_OFFLINE is set. Unset it and try again.")
    if isinstance(error, HTTPError):
        return HubError(f"{access.host} cannot be reached ({reason}). Check the connection and HF_ENDPOINT, try again.")
    if isinstance(error, OSError):
        return StoreError(f"{repo}: a file of this machine cannot be used ({reason}). Check it and try again.")
    return HubError(f"{access.host} does not answer as a hub does ({reason}). Check HF_ENDPOINT, or try again later.")


def _refusal(error: "HfHubHTTPError", access: Access, repo: str, kind: str, revision: str) -> str:
    """What an answer of 400 or more means for the user."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    status, said = error.response.status_code, access.hide(error.server_message or error.response.reason_phrase)
    if isinstance(error, RevisionNotFoundError):
        return f"{repo} on {access.host} has no revision {revision!r}. Leave out --revision for the newest."
    if isinstance(error, GatedRepoError) or status == FORBIDDEN:
        return f"{access.host} does not allow this on {repo} ({said}). Use a token that may, or another --repo."
    if isinstance(error, RepositoryNotFoundError):
        hint = "the token may not see it" if access.token else f"it is private. {access.cure}"
        return f"{access.host} has no {kind} repository {repo}, or {hint}. Check --repo."
    if status == UNAUTHORISED:
        return f"{access.host} does not accept {'the token' if access.token else 'strangers'} ({said}). {access.cure}."
    if status == NOT_FOUND:
        return f"{access.host} does not find what was asked of {repo} ({said}). Check --repo and --revision."
    if status == TOO_MANY or status >= SERVER:
        return f"{access.host} cannot answer now ({status} {said}). Try again later."
    return f"{access.host} refused, for {repo} ({status} {said}). Check --repo, or try again later."
