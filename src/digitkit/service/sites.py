"""Which web pages may ask: a browser sends forms of any page anywhere, and only hides the answer from it."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from digitkit.core.errors import Forbidden

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))  # they change nothing, and only named sites can read the answer
ANY = "*"


def check_site(scope: Scope, allowed: Collection[str]) -> None:
    """Make sure that no page of another site asks, unless its origin is named; programs send none.

    Raises: Forbidden.
    """
    headers = Headers(scope=scope)
    if scope["method"] in SAFE or ANY in allowed or headers.get("origin") in allowed or not _is_foreign(headers):
        return
    raise Forbidden(
        "A page of another web site asked. Whoever runs the service can name it in DIGITKIT_ALLOWED_ORIGINS."
    )


def _is_foreign(headers: Headers) -> bool:
    """What the browser says itself; without HTTPS it says only the origin, whose host must be the one that is asked."""
    relation, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if relation is not None:
        return relation in ("cross-site", "same-site")
    return origin is not None and _host(origin) != headers.get("host", "").lower()


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets that do not close
        return None
