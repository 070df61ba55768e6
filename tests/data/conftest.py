"""A cache folder for each test, and a mirror that misbehaves on demand."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from digitkit.core.digitset import DigitSet
from digitkit.data.source import TRAIN, RemoteFile, Source, Step

CONTENT = bytes(range(256)) * 4_000  # 1 MB: several pieces of a download
WRONG = CONTENT[::-1]
UNREACHABLE = "http://mirror.invalid"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIGITKIT_CACHE", str(folder))
    return folder


@dataclass
class Mirror:
    """A web server on this machine: `files` by name, and how it treats them."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks_after: dict[str, int] = field(default_factory=dict)  # bytes of one answer, then the line is cut, once
    hangs_up: set[str] = field(default_factory=set)  # names for which there is no answer at all
    does_ranges: bool = True
    tells_length: bool = True
    requests: list[tuple[str, str]] = field(default_factory=list)  # name, Range header

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Serve one request."""
        name, wanted = request.path.lstrip("/"), request.headers.get("Range", "")
        self.requests.append((name, wanted))
        if name in self.hangs_up:
            return
        content = self.files.get(name)
        if content is None:
            request.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.does_ranges else 0
        if start and start >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if self.tells_length:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        end = start + self.breaks_after.pop(name, len(content))
        request.wfile.write(content[start:end])


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    served = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # a caller may hang up
                served.answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def remote(name: str, content: bytes, *urls: str, packed: bytes = b"") -> RemoteFile:
    """The published facts of a file."""
    return RemoteFile(name, urls, hashlib.sha256(content).hexdigest(), len(content), len(packed))


def source_of(*files: RemoteFile, steps: tuple[Step, ...] = ()) -> Source:
    """A source of these files that nobody reads."""

    def read(folder: Path, part: str) -> DigitSet:
        raise AssertionError("tests of fetching never read")

    return Source("tests", "files of a test", "none", "", files, (TRAIN,), read, steps)


class Lines(list[str]):
    """A report that keeps its lines."""

    def __call__(self, line: str) -> None:
        self.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self)
