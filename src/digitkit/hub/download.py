"""One file from a hub, going on where an earlier attempt broke off, also in another process.

huggingface_hub 2.4 throws an unfinished download away and starts from the beginning, so this is done here, on its
session.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from digitkit import __version__
from digitkit.core.errors import HubError, StoreError
from digitkit.core.files import size_of
from digitkit.hub.access import CONNECT_TIMEOUT_S, Access

if TYPE_CHECKING:
    from httpx2 import Response

READ_TIMEOUT_S = 30.0  # the longest silence within a download
ATTEMPTS = 10  # requests for one file, each of which brought a part of it
PARTIAL, RANGE_REFUSED = 206, 416

Advance = Callable[[int], None]  # takes the bytes so far


def download(access: Access, url: str, part: Path, size: int, advance: Advance) -> None:
    """Bring a URL into `part`, or the rest of it when some of it is there; nothing is read beyond `size` bytes.

    Raises: HubError when it breaks off or is of another size, StoreError when it cannot be written, httpx2.HTTPError
    when the hub refuses or cannot be reached.
    """
    from httpx2 import ConnectError, TransportError

    for attempt in range(1, ATTEMPTS + 1):
        before, reason = size_of(part), "no more came"
        try:
            _get_rest(access, url, part, size, advance)
        except ConnectError:
            raise
        except TransportError as error:
            reason = access.hide(str(error)) or type(error).__name__
        kept = size_of(part)
        if kept == size:
            return
        if kept <= before or attempt == ATTEMPTS:
            break
    raise HubError(
        f"{access.host} broke off ({reason}); {kept:,} of {size:,} bytes are kept. Try again, it goes on from there."
    )


def _get_rest(access: Access, url: str, part: Path, size: int, advance: Advance) -> None:
    """One request for what is missing."""
    from httpx2 import Timeout
    from huggingface_hub import get_session, hf_raise_for_status

    start = size_of(part)
    if start > size:  # left over from something else
        part.unlink()
        start = 0
    if start == size and part.exists():
        return
    # Packed on the way, a file could not be continued; the session sends the token to the hub's own address only.
    headers = {"User-Agent": f"digitkit/{__version__}", "Accept-Encoding": "identity"}
    headers |= {"Authorization": f"Bearer {access.token}"} if access.token else {}
    headers |= {"Range": f"bytes={start}-"} if start else {}
    patience = Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    with get_session().stream("GET", url, headers=headers, timeout=patience) as response:
        is_refused = start > 0 and response.status_code == RANGE_REFUSED
        if not is_refused:
            hf_raise_for_status(response)
            _append(response, part, start if response.status_code == PARTIAL else 0, size, advance)
    if is_refused:  # what is here is no beginning of that file
        part.unlink()
        _get_rest(access, url, part, size, advance)


def _append(response: "Response", part: Path, start: int, size: int, advance: Advance) -> None:
    """Write the answer behind the first `start` bytes of the file."""
    done = start
    try:
        with part.open("ab" if start else "wb") as file:
            for piece in response.iter_bytes():  # as they come: pieces of one size would hold back the last
                done += len(piece)
                if done > size:
                    file.truncate(0)
                    raise HubError(f"{response.url.host} gives more than the {size:,} bytes that it announced.")
                file.write(piece)
                advance(done)
    except OSError as error:
        raise StoreError(
            f"Cannot write {part}: {error.strerror or error}. Free some space or choose another place."
        ) from error
