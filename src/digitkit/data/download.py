"""One file from one URL, going on where an earlier attempt broke off."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from digitkit import __version__
from digitkit.core.errors import FetchError, StoreError
from digitkit.core.files import size_of

CONNECT_TIMEOUT_S = 5.0  # a mirror that is shut off answers nothing at all; the next step should not wait for it
READ_TIMEOUT_S = 30.0  # the longest silence within a download
ATTEMPTS = 10  # requests for one file, each of which brought a part of it
PIECE_BYTES = 256 * 1024
MOST_BYTES = 4 * 2**30  # of a file whose size nobody has published
PARTIAL, RANGE_REFUSED = 206, 416

Advance = Callable[[int, int], None]  # takes the bytes so far, and in all by the publisher's or the mirror's word, or 0


class _Interrupted(Exception):
    """The mirror broke off in the middle."""


def _reach(address: tuple[str, int], timeout_s: float, source_address: object = None) -> socket.socket:
    """Connect to a host by its first address of each family.

    A host can have a dozen addresses; where packets vanish, each would cost the whole timeout.
    """
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    firsts = {family: (str(place[0]), address[1]) for family, _, _, _, place in reversed(found)}
    families = sorted(firsts, key=[family for family, *_ in found].index)
    for family in families[:-1]:
        with suppress(OSError):
            return socket.create_connection(firsts[family], timeout_s)
    return socket.create_connection(firsts[families[-1]], timeout_s)


class _PatientConnection(HTTPConnection):
    """Quick to give up on a host, patient with its answer."""

    def connect(self) -> None:
        self._create_connection = _reach
        super().connect()
        self.sock.settimeout(READ_TIMEOUT_S)


class _PatientTlsConnection(HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        self._create_connection = _reach
        super().connect()
        self.sock.settimeout(READ_TIMEOUT_S)


class _PatientHandler(HTTPHandler):
    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_PatientConnection, request)


class _PatientTlsHandler(HTTPSHandler):
    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_PatientTlsConnection, request, context=ssl.create_default_context())


def _opener() -> OpenerDirector:
    """An opener that verifies certificates and honours the proxies of the environment."""
    return build_opener(_PatientHandler, _PatientTlsHandler)


@dataclass
class Downloads:
    """The downloads of one fetch; a host that could not be reached once is not tried again."""

    unreachable: set[str] = field(default_factory=set)
    opener: OpenerDirector = field(default_factory=_opener)

    def can_try(self, url: str) -> bool:
        """Whether the host of a URL has not failed to answer yet."""
        return urlsplit(url).netloc not in self.unreachable

    def get(self, url: str, target: Path, size: int, advance: Advance) -> None:
        """Download a URL into `target`, or the rest of it when some of it is there.

        `size` is the published size in bytes; nothing is read beyond it. 0 means that it is unknown: then the mirror's
        word counts, up to 4 GB.
        Raises: FetchError when the mirror does not give the file, StoreError when it cannot be written.
        """
        for attempt in range(1, ATTEMPTS + 1):
            before = size_of(target)
            try:
                self._get_rest(url, target, size, advance)
            except _Interrupted as error:
                kept = size_of(target)
                if kept <= before or attempt == ATTEMPTS:
                    whole = f"{size:,}" if size else "unknown"
                    raise FetchError(f"{url} broke off ({error}); {kept:,} of {whole} bytes are kept") from error
            else:
                return

    def _get_rest(self, url: str, target: Path, size: int, advance: Advance) -> None:
        """One request for what is missing."""
        start = size_of(target)
        if size and start > size:  # left over from something else
            target.unlink()
            start = 0
        if size and start == size:
            return
        with closing(self._open(url, start)) as response:
            if start and response.status != PARTIAL:  # the server does not do ranges: all of it comes again
                start = 0
            total = _announced(response, start)
            _check_size(url, total, size)
            _append(response, url, target, start, size or total, advance)
        if size_of(target) < (size or total):
            raise _Interrupted(f"{size_of(target):,} of {size or total:,} bytes came")

    def _open(self, url: str, start: int) -> HTTPResponse:
        """The answer to a request for the bytes from `start` on, or for all of them where a rest cannot be had."""
        headers = {"User-Agent": f"digitkit/{__version__}"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            response: HTTPResponse = self.opener.open(Request(url, headers=headers), timeout=CONNECT_TIMEOUT_S)
        except HTTPError as error:
            error.close()
            if error.code == RANGE_REFUSED and start:
                return self._open(url, 0)
            raise FetchError(f"{url} answered {error.code} {error.reason}") from error
        except URLError as error:
            self.unreachable.add(urlsplit(url).netloc)
            raise FetchError(f"{urlsplit(url).netloc} cannot be reached ({error.reason})") from error
        except (OSError, HTTPException) as error:
            raise _Interrupted(str(error) or type(error).__name__) from error
        return response


def _announced(response: HTTPResponse, start: int) -> int:
    """The bytes that the whole file has by the mirror's word, 0 when it does not say."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else 0


def _check_size(url: str, announced: int, size: int) -> None:
    """Refuse another file, such as the page of a login, before any of it is written."""
    if announced and size and announced != size:
        raise FetchError(f"{url} has {announced:,} bytes, expected {size:,}")
    if announced > (size or MOST_BYTES):
        raise FetchError(f"{url} has {announced:,} bytes, more than the {MOST_BYTES:,} that are taken unchecked")


def _append(response: HTTPResponse, url: str, target: Path, start: int, size: int, advance: Advance) -> None:
    """Write the answer behind the first `start` bytes of the file; a size of 0 is unknown."""
    done = start
    try:
        with target.open("ab" if start else "wb") as file:
            for piece in _pieces(response):
                done += len(piece)
                if done > (size or MOST_BYTES):
                    file.truncate(0)
                    raise FetchError(f"{url} gives more than the {size or MOST_BYTES:,} bytes that it should have")
                file.write(piece)
                advance(done, size)
    except OSError as error:
        raise StoreError(
            f"Cannot write {target}: {error.strerror or error}. Free some space or choose another place."
        ) from error


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    """What the mirror sends, until it ends or breaks off."""
    while True:
        try:
            piece = response.read(PIECE_BYTES)
        except (OSError, HTTPException) as error:
            raise _Interrupted(str(error) or type(error).__name__) from error
        if not piece:
            return
        yield piece
