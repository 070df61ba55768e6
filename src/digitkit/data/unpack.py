"""Unpack files without trusting them: never more than expected comes out."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from digitkit.core.errors import HashMismatch, SourceError
from digitkit.data.lzw import unpack_lzw

PIECE_BYTES = 2**20
MOST_BYTES = 2**30  # of one file, unpacked
# What damaged files make the unpackers of the standard library let out.
UNPACK_ERRORS = (
    OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError,
    zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip


def unpack(packed: Path, target: Path, size: int) -> None:
    """Unpack a gzip file into `target`, `size` bytes at most.

    Raises: HashMismatch when it is damaged or holds more; OSError when the target cannot be written.
    """
    done = 0
    with gzip.open(packed) as source, target.open("wb") as unpacked:
        while piece := _read(source, packed):
            done += len(piece)
            if done > size:
                raise HashMismatch(f"{packed.name}: more comes out than the published {size:,} bytes. Fetch it again.")
            unpacked.write(piece)


def _read(source: gzip.GzipFile, packed: Path) -> bytes:
    """The next piece of what comes out."""
    try:
        return source.read(PIECE_BYTES)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise HashMismatch(
            f"{packed.name}: does not unpack to the published file ({error}). Fetch it again."
        ) from error


class _Readable(Protocol):
    """What is needed of an open file."""

    def read(self, size: int, /) -> bytes: ...


class Unpacked:
    """What a file holds, read from its beginning: packed by gzip, bzip2, xz or compress (.Z), or as it is.

    With `member` it is that member of a zip, itself packed or not. At most `most` bytes come out.
    Raises: SourceError when it is missing, damaged, cut off or too long.
    """

    def __init__(self, path: Path, member: str = "", most: int = MOST_BYTES) -> None:
        self.path = path
        self.name = f"{path.name}: {member}" if member else path.name
        self._member = member
        self._left = most
        self._files = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._content = self._open()
        except UNPACK_ERRORS as error:
            self._files.close()
            raise self._damaged(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only where it ends."""
        try:
            piece = self._content.read(size)
        except UNPACK_ERRORS as error:
            raise self._damaged(error) from error
        self._left -= len(piece)
        if self._left < 0:
            raise SourceError(f"{self.name} unpacks to more than it should hold. Delete it and fetch it again.")
        return piece

    def read_all(self) -> bytes:
        """Everything that is left."""
        pieces = []
        while piece := self.read(PIECE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def _open(self) -> _Readable:
        """Open the file, the member in it and what that is packed with."""
        file: IO[bytes] = self._files.enter_context(self.path.open("rb"))
        if self._member:
            archive = self._files.enter_context(zipfile.ZipFile(file))
            file = self._files.enter_context(archive.open(self._member))
        match Path(self._member or self.path).suffix:
            case ".gz":
                return gzip.open(file)
            case ".bz2":
                return bz2.open(file)
            case ".xz":
                return lzma.open(file)
            case ".Z":
                return io.BytesIO(unpack_lzw(file.read(self._left), self._left))
        return file

    def _damaged(self, error: Exception) -> SourceError:
        """One message for every kind of damage."""
        if isinstance(error, FileNotFoundError):
            return SourceError(f"{self.path} is not there. Run `digitkit data fetch`, or put it there by hand.")
        reason = (error.args[0] if isinstance(error, KeyError) else str(error)) or type(error).__name__
        return SourceError(f"{self.name} is damaged or cut off ({reason}). Delete it and fetch it again.")
