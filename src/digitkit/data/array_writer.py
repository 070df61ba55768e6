"""Write `.npy` files row by row, so that an array never stands in memory whole."""

import math
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

PIECE_BYTES = 2**24

Array = NDArray[np.generic]


@dataclass
class _Growing:
    """One file that grows along its first axis."""

    file: BinaryIO
    dtype: np.dtype[np.generic]
    row: tuple[int, ...]  # shape of one row
    rows: int = 0

    def write_header(self) -> int:
        """Write the header for the rows so far; returns where the rows begin.

        numpy pads it so that it keeps its length whatever the length of the first axis.
        """
        self.file.seek(0)
        header = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self.rows, *self.row)}
        npy.write_array_header_1_0(self.file, header)
        return self.file.tell()

    def finish(self) -> None:
        """Say in the header how many rows there are and bring all of it to the disk."""
        start = self.file.seek(0, os.SEEK_END) - self.rows * self.dtype.itemsize * math.prod(self.row)
        assert self.write_header() == start, "the header of a .npy file keeps its length"
        self.file.flush()
        os.fsync(self.file.fileno())


class ArrayWriter:
    """Several arrays of one folder, each `NAME.npy`, written as their rows come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[str, _Growing] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays that were begun."""
        return tuple(self._arrays)

    def append(self, name: str, rows: Array) -> None:
        """Write rows behind those that are there; the first call settles type and row shape.

        Shapes: `rows` (any number, *row shape), no Python objects.
        Raises: OSError when the disk is full.
        """
        assert name.isidentifier(), f"{name!r} is no name for an array"
        assert rows.ndim, f"{name}: rows, got a single value"
        assert not rows.dtype.hasobject, f"{name}: rows of plain numbers or text, got {rows.dtype}"
        if name not in self._arrays:
            file = (self._folder / f"{name}.npy").open("wb")
            self._arrays[name] = _Growing(file, rows.dtype, rows.shape[1:])
            self._arrays[name].write_header()
        array = self._arrays[name]
        assert (array.dtype, array.row) == (rows.dtype, rows.shape[1:]), f"{name}: all rows have one type and shape"
        array.rows += len(rows)
        if rows.size:
            array.file.write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)

    def lay_out(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A whole array on disk, zeros at first: for rows that do not come in their order.

        Its room is taken at once, since a disk that fills up under a mapped file would kill the process.
        Raises: OSError when the disk has no room for it.
        """
        bytes_of_row = np.dtype(dtype).itemsize * math.prod(shape[1:])
        step = max(1, PIECE_BYTES // max(1, bytes_of_row))
        for start in range(0, max(1, shape[0]), step):
            self.append(name, np.zeros((min(step, shape[0] - start), *shape[1:]), dtype))
        self._arrays[name].finish()
        return npy.open_memmap(self._folder / f"{name}.npy", mode="r+")

    def discard(self, name: str) -> None:
        """Remove an array that turned out not to be wanted."""
        self._arrays.pop(name).file.close()
        (self._folder / f"{name}.npy").unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files; when all went well, say in their headers how many rows there are."""
        with ExitStack() as files:
            for array in self._arrays.values():
                files.enter_context(array.file)
            if kind is None:
                for array in self._arrays.values():
                    array.finish()
