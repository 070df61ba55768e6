"""Read pictures out of a zip file that a stranger made, without unpacking it.

Nothing is written, so no name can lead anywhere; what a member says of its size is never exceeded, and bounded.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from digitkit.core.errors import PictureError, SourceError
from digitkit.core.picture import LIMITS
from digitkit.data.parts import is_hidden
from digitkit.data.skipped import Skipped, legible

MAX_READ = 64 * 2**20  # bytes at once; so long may the list of members be, about half a million of them
MAX_BYTES = 64 * 2**30  # of all pictures together
MAX_TIMES = 100  # so many times its own size may an archive hold, from 1 GB on; pictures are packed already
FREE_BYTES = 2**30
KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others can ask for gigabytes of memory
ENCRYPTED = 1  # bit of the flags
# All that zipfile lets out for damaged bytes.
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, LookupError, NotImplementedError)

Members = dict[str, zipfile.ZipInfo]


class _Measured:
    """A file that refuses to be read in huge pieces: a list of members of 10 GB would fill the memory."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if size > MAX_READ:
            raise SourceError(
                f"{self.name}: its list of members takes {size:,} bytes, expected {MAX_READ:,} at most."
                " Unpack it, and name the folder."
            )
        return self.file.read(min(MAX_READ, size) if size >= 0 else MAX_READ)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file for reading.

    Raises: SourceError when it is none, or its list of members is too long.
    """
    with ExitStack() as opened:
        try:
            file = opened.enter_context(path.open("rb"))
            archive = opened.enter_context(zipfile.ZipFile(_Measured(file, path.name)))
        except ZIP_ERRORS as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"{path}: no zip file that can be read ({reason}). Get it again.") from error
        yield archive


def list_members(path: Path, skipped: Skipped) -> Members:
    """The members of a zip file that may be pictures, by name; what is not looked at is listed.

    Raises: SourceError when it is no zip file, or would unpack to far more than pictures can.
    """
    members: Members = {}
    with open_zip(path) as archive:
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            if info.is_dir() or _refuse(info, name, skipped):
                continue
            if name in members:
                skipped.add("members replaced by a later one", f"{name}: twice in the archive; the last is taken.")
            members[name] = info
    _check_total(path, sum(info.file_size for info in members.values()))
    return members


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """The bytes of one member, never more than it says and one more than a picture may have.

    Raises: PictureError when it is damaged.
    """
    try:
        with archive.open(info) as member:
            return member.read(LIMITS.content_bytes + 1)
    except (*ZIP_ERRORS, RuntimeError) as error:
        raise PictureError(f"{legible(name)}: damaged in the archive ({error}). Pack it again.") from error


def _refuse(info: zipfile.ZipInfo, name: str, skipped: Skipped) -> bool:
    """Whether a member is not looked at; all but hidden ones are listed."""
    path = PurePosixPath(name)
    if any(part != ".." and is_hidden(part) for part in path.parts):
        return True
    reasons = (
        ("members that lead out", path.is_absolute() or ".." in path.parts or ":" in name, "leads out of the archive"),
        ("encrypted members", bool(info.flag_bits & ENCRYPTED), "encrypted; pack it without a password"),
        ("members packed in an unusual way", info.compress_type not in KNOWN, "not packed by deflate; pack it so"),
        ("members that are too large", info.file_size > LIMITS.content_bytes, f"{info.file_size:,} bytes, over 20 MB"),
    )
    for kind, holds, reason in reasons:
        if holds:
            skipped.add(kind, f"{name}: {reason}.")
            return True
    return False


def _check_total(path: Path, total: int) -> None:
    """Stop a zip bomb before anything is unpacked."""
    packed = path.stat().st_size
    most = min(MAX_BYTES, max(FREE_BYTES, MAX_TIMES * packed))
    if total > most:
        raise SourceError(
            f"{path}: {packed:,} bytes that would unpack to {total:,}, expected {most:,} at most. No pictures are"
            " packed like that. If you trust it, unpack it and name the folder."
        )
