"""The IDX format, in which MNIST and its family are published: a short header, then bytes.

N pictures, H height, W width.
"""

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.errors import SourceError
from digitkit.core.files import write_bytes
from digitkit.core.picture import Pixels
from digitkit.data.unpack import Unpacked

UINT8, INT32 = 0x08, 0x0C
KINDS: dict[int, np.dtype[np.generic]] = {UINT8: np.dtype(np.uint8), INT32: np.dtype(">i4")}
PIECE_BYTES = 2**22  # of rows that are unpacked together


def read_idx(path: Path) -> Pixels:
    """Open an IDX file of bytes, memory-mapped and read-only.

    Shapes: uint8, as its header says: (N,H,W) for pictures, (N,) for labels.
    Raises: SourceError when it is no such file, or not all of it is there.
    """
    try:
        with path.open("rb") as file:
            zeros, kind, dimensions = struct.unpack(">HBB", file.read(4))
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
        start = 4 + 4 * dimensions
        found, expected = path.stat().st_size, start + math.prod(shape)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Fetch it again.") from error
    except struct.error as error:
        raise SourceError(f"{path} is too short for an IDX file. Delete it and fetch it again.") from error
    if zeros or kind != UINT8 or not dimensions or found != expected:
        raise SourceError(
            f"{path} is no IDX file of bytes, or not whole: expected {expected:,} bytes, got {found:,}. Fetch it again."
        )
    return np.asarray(np.memmap(path, np.uint8, "r", start, shape))


def idx_rows(file: Unpacked, row: tuple[int, ...]) -> Iterator[NDArray[np.generic]]:
    """The rows of an IDX file of bytes or of 32-bit integers, in pieces, as they come out of its packing.

    Shapes: `row` is the shape that one row should have; yields (some, *row).
    Raises: SourceError when it is no such file, its rows have another shape, or not all of it is there.
    """
    try:
        zeros, code, dimensions = struct.unpack(">HBB", file.read(4))
        count, *shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
    except (struct.error, ValueError) as error:
        raise SourceError(f"{file.name} is too short for an IDX file. Delete it and fetch it again.") from error
    if zeros or code not in KINDS or tuple(shape) != row:
        raise SourceError(f"{file.name} is no IDX file with rows {row}, got {tuple(shape)}. Fetch it again.")
    kind = KINDS[code]
    row_bytes = kind.itemsize * math.prod(row)
    while count:
        wanted = min(count, max(1, PIECE_BYTES // row_bytes))
        piece = file.read(wanted * row_bytes)
        if len(piece) < wanted * row_bytes:
            raise SourceError(f"{file.name} ends in the middle. Delete it and fetch it again.")
        count -= wanted
        yield np.frombuffer(piece, kind).reshape(wanted, *row)
    if file.read(1):
        raise SourceError(f"{file.name} is longer than its header says. Delete it and fetch it again.")


def write_idx(path: Path, values: Pixels) -> None:
    """Write an array as an IDX file.

    Raises: StoreError when it cannot be written; nothing half-written stays.
    """
    header = struct.pack(f">HBB{values.ndim}I", 0, UINT8, values.ndim, *values.shape)
    write_bytes(path, header + values.tobytes())
