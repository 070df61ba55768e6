"""Read arrays out of a pickle that is not trusted: only our own stand-ins for numpy's names are ever called."""

import gzip
import pickle
import re
import zlib
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from digitkit.core.errors import SourceError

PLAIN = re.compile(r"[buif][1248]")  # the kinds of numbers that an array may hold
# What a damaged or hostile pickle can make the unpickler let out.
PICKLE_ERRORS = (
    pickle.UnpicklingError, OSError, zlib.error, EOFError, LookupError, ValueError, TypeError, AttributeError,
    ArithmeticError, MemoryError, RecursionError,
)  # fmt: skip

MAX_DEPTH, MAX_ITEMS = 4, 64  # of tuples in tuples; a small file can hold tuples that would unfold without end

Array = NDArray[np.generic]
Arrays = Array | tuple["Arrays", ...]


class _Kind:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: str | bytes, *flags: object) -> None:
        self.code = _text(code)
        self.order = "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        """The second value is the order of the bytes; the others belong to records, which are refused."""
        self.order = _text(state[1])

    def resolve(self) -> np.dtype[np.generic]:
        """The real type."""
        if not PLAIN.fullmatch(self.code):
            raise pickle.UnpicklingError(f"it holds values of the kind {self.code!r}, not plain numbers")
        return np.dtype(self.order + self.code)


class _Pending:
    """Stands for `numpy.ndarray`: an array to be."""

    def __init__(self, *arguments: object) -> None:
        self.array: Array | None = None

    def __setstate__(self, state: tuple[object, tuple[int, ...], _Kind, bool, str | bytes]) -> None:
        """Lay the values over the bytes, without a copy."""
        _, shape, kind, is_fortran, content = state
        raw = content.encode("latin1") if isinstance(content, str) else content
        self.array = np.frombuffer(raw, kind.resolve()).reshape(shape, order="F" if is_fortran else "C")


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Pending,  # as numpy 1 names it
    ("numpy._core.multiarray", "_reconstruct"): _Pending,
    ("numpy", "ndarray"): _Pending,
    ("numpy", "dtype"): _Kind,
}


class _Readable(Protocol):
    """What an unpickler needs of a file."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class _Bounded:
    """A file that ends after so many bytes, and says so when it ends early."""

    def __init__(self, file: _Readable, limit: int) -> None:
        self._file = file
        self._left = limit

    def read(self, size: int) -> bytes:
        """So many bytes and no fewer."""
        piece = self._count(self._file.read(min(size, self._left + 1)))
        if len(piece) < size:
            raise EOFError("it ends in the middle")
        return piece

    def readline(self) -> bytes:
        """Like a file's."""
        return self._count(self._file.readline(self._left + 1))

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise pickle.UnpicklingError("it holds more bytes than it should")
        return piece


class _ArrayUnpickler(pickle._Unpickler):
    """An unpickler that knows arrays and no other name.

    It is the one written in Python: the fast one trusts the sizes in a damaged file, and fails inside the interpreter.
    With a few hundred steps to read there is no speed to lose.
    """

    # Without this step: no array needs it, and it reserves as much memory as the file says.
    dispatch: ClassVar = {step: run for step, run in pickle._Unpickler.dispatch.items() if step != pickle.BYTEARRAY8[0]}

    def find_class(self, module: str, name: str) -> object:
        """Give the stand-in for one of numpy's names.

        Raises: UnpicklingError for every other name; nothing is imported.
        """
        try:
            return STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no part of an array") from None


def read_arrays(path: Path, size: int) -> Arrays:
    """The arrays in a gzip-packed pickle, in tuples as they stand there.

    `size` is the most bytes that may come out of the packing. The arrays are read-only.
    Raises: SourceError when it holds anything else, is damaged or too long.
    """
    try:
        with gzip.open(path) as file:
            # Strings of Python 2 stay bytes: the pixels are one of them, and would be copied twice more.
            return _settle(_ArrayUnpickler(_Bounded(file, size), encoding="bytes").load())
    except PICKLE_ERRORS as error:
        raise SourceError(
            f"{path.name}: not the pickle of arrays that it should be ({error}). Fetch it again."
        ) from error


def _settle(value: object, depth: int = MAX_DEPTH) -> Arrays:
    """The real arrays in the place of their stand-ins."""
    if isinstance(value, _Pending) and value.array is not None:
        return value.array
    if isinstance(value, tuple | list) and depth and len(value) <= MAX_ITEMS:
        return tuple(_settle(item, depth - 1) for item in value)
    raise pickle.UnpicklingError(f"it holds a {type(value).__name__} that is no array, nor a few of them")


def _text(value: object) -> str:
    """A short name, whichever Python wrote it."""
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
