"""Whether a file is still the one that was checked, without reading all of it each time."""

from dataclasses import dataclass
from pathlib import Path

from digitkit.core.files import sha256


@dataclass(frozen=True)
class Seal:
    """A checked file: its sha256, its size in bytes and when it was last written, in nanoseconds."""

    sha256: str
    size: int
    mtime_ns: int


def seal(path: Path) -> Seal:
    """Read a file whole and remember what it is."""
    before = path.stat()
    return Seal(sha256(path), before.st_size, before.st_mtime_ns)


def holds(path: Path, known: Seal) -> bool:
    """Whether the file is the one that was sealed; it is read again only when it was touched since."""
    try:
        now = path.stat()
        if now.st_size != known.size:
            return False
        return now.st_mtime_ns == known.mtime_ns or sha256(path) == known.sha256
    except OSError:
        return False
