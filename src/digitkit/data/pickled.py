"""Read numpy arrays out of a pickle that is not trusted: nothing but arrays is ever built."""

import gzip
import pickle
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np

from digitkit.core.errors import SourceError

# The function by which arrays come back; an array knows it in every numpy, wherever the function has moved.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
# What a damaged or hostile pickle can make the unpickler let out.
PICKLE_ERRORS = (
    pickle.UnpicklingError, gzip.BadGzipFile, zlib.error, EOFError, LookupError, ValueError, TypeError, AttributeError,
    ArithmeticError, MemoryError, RecursionError,
)  # fmt: skip


class _Readable(Protocol):
    """What an unpickler needs of a file."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class _Bounded:
    """A file that ends after so many bytes."""

    def __init__(self, file: _Readable, limit: int) -> None:
        self._file = file
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        """Like a file's; one byte over the limit is an error, not an early end."""
        return self._count(self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1)))

    def readline(self, size: int = -1) -> bytes:
        """Like a file's."""
        return self._count(self._file.readline(self._left + 1 if size < 0 else min(size, self._left + 1)))

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise pickle.UnpicklingError("it holds more bytes than it should")
        return piece


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows arrays and no other name."""

    def find_class(self, module: str, name: str) -> object:
        """Admit a name of the list above.

        Raises: UnpicklingError for every other name, before it is imported.
        """
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no part of an array") from None


def read_arrays(path: Path, size: int) -> object:
    """What a gzip-packed pickle of arrays, tuples and lists holds.

    `size` is the most bytes that may come out of the packing.
    Raises: SourceError when it holds anything else, is damaged or too long.
    """
    try:
        with gzip.open(path) as file:
            return _ArrayUnpickler(_Bounded(file, size), encoding="latin1").load()
    except PICKLE_ERRORS as error:
        raise SourceError(
            f"{path.name}: not the pickle of arrays that it should be ({error}). Fetch it again."
        ) from error
