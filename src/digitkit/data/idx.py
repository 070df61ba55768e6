"""The IDX format, in which MNIST and its family are published: a short header, then bytes.

N pictures, H height, W width.
"""

import math
import struct
from pathlib import Path

import numpy as np

from digitkit.core.errors import SourceError
from digitkit.core.files import write_bytes
from digitkit.core.picture import Pixels

UINT8 = 0x08


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


def write_idx(path: Path, values: Pixels) -> None:
    """Write an array as an IDX file.

    Raises: StoreError when it cannot be written; nothing half-written stays.
    """
    header = struct.pack(f">HBB{values.ndim}I", 0, UINT8, values.ndim, *values.shape)
    write_bytes(path, header + values.tobytes())
