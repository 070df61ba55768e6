"""Unpack gzip without trusting it: never more than expected comes out."""

import gzip
import zlib
from pathlib import Path

from digitkit.core.errors import HashMismatch

PIECE_BYTES = 2**20


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
