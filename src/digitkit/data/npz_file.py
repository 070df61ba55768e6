"""A numpy file of several arrays, read without trusting it: no pickles, no header believed before it fits.

N rows.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from digitkit.core.errors import SourceError

MOST_BYTES = 2**31  # of one array, unpacked
PIECE_BYTES = 2**24  # of rows held at a time
# What numpy and zipfile let out for damaged files.
NPZ_ERRORS = (
    OSError, ValueError, TypeError, KeyError, EOFError, SyntaxError, NotImplementedError, RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip

Array = NDArray[np.generic]


class NpzArray:
    """One array of a file, read row by row.

    `shape` and `dtype` are known once it is open.
    Raises: SourceError when it is not there, damaged, larger than 2 GB or no plain array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._files = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except SourceError:
            self._files.close()
            raise
        except NPZ_ERRORS as error:
            self._files.close()
            raise _damaged(self._path, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def rows(self) -> Iterator[tuple[int, Array]]:
        """The place of the first of some rows, and these rows, until the end."""
        step = max(1, PIECE_BYTES // max(1, self._row_bytes))
        for start in range(0, self.shape[0], step):
            some = min(step, self.shape[0] - start)
            try:
                piece = self._file.read(some * self._row_bytes)
                rows = np.frombuffer(piece, self.dtype).reshape(some, *self.shape[1:])
            except NPZ_ERRORS as error:
                raise _damaged(self._path, error) from error
            yield start, rows

    def _open(self) -> None:
        """Read the header and check it against the size of what follows."""
        archive = self._files.enter_context(zipfile.ZipFile(self._path))
        found = archive.getinfo(f"{self._name}.npy")
        self._file = self._files.enter_context(archive.open(found))
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        self.shape, is_fortran, self.dtype = readers[npy.read_magic(self._file)](self._file)
        if is_fortran and len(self.shape) > 1:
            raise SourceError(
                f"{self._path}: `{self._name}` lies in Fortran's order. Save it again with numpy.ascontiguousarray."
            )
        if self.dtype.hasobject or not self.shape or not self.dtype.itemsize:
            raise ValueError(f"`{self._name}` is no plain array: {self.dtype} {self.shape}")
        self._row_bytes = int(np.prod(self.shape[1:], dtype=object)) * self.dtype.itemsize
        if found.file_size > MOST_BYTES or self._file.tell() + self.shape[0] * self._row_bytes != found.file_size:
            raise ValueError(f"`{self._name}` has {found.file_size:,} bytes, which does not fit its header")


def load_array(path: Path, name: str) -> Array:
    """One whole array."""
    with NpzArray(path, name) as array:
        pieces = [rows for _, rows in array.rows()]
        return np.concatenate(pieces) if pieces else np.zeros((0, *array.shape[1:]), array.dtype)


def array_names(path: Path) -> set[str]:
    """The names of the arrays in a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except NPZ_ERRORS as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> SourceError:
    """One message for every kind of damage."""
    reason = (error.args[0] if isinstance(error, KeyError) else str(error)) or type(error).__name__
    return SourceError(f"{path} is damaged or no file of numpy arrays as expected ({reason}). Get it again.")
