"""MATLAB's files of version 5, read without trusting them: plain arrays of numbers, in pieces.

scipy reads more kinds, but a damaged file can end the whole process there.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from digitkit.core.errors import SourceError

HEADER_BYTES = 128
LITTLE_ENDIAN_5 = b"\x00\x01IM"  # at the end of the header
MATRIX, COMPRESSED = 14, 15  # kinds of elements
PLAIN_CLASSES = range(6, 16)  # of arrays: double, single and whole numbers
COMPLEX = 0x0800
KINDS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
MOST_NAME_BYTES, MOST_SIDES = 64, 8
PIECE_BYTES = 2**20


class _Stream(Protocol):
    """Something to read from, which may give less where it ends."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class MatlabArray:
    """One array of a file; its numbers follow in MATLAB's order, the first axis fastest.

    They can be read until the next array is asked for.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    path: Path
    stream: _Stream

    def read(self, count: int) -> NDArray[np.generic]:
        """The next `count` numbers (count,).

        Raises: SourceError when the file is damaged or ends before.
        """
        try:
            return np.frombuffer(_exactly(self.stream, count * self.dtype.itemsize), self.dtype)
        except (OSError, ValueError, zlib.error) as error:
            raise _damaged(self.path, error) from error


def read_matlab(path: Path) -> Iterator[MatlabArray]:
    """The arrays of numbers in a file, one after the other; what is something else is passed over.

    Raises: SourceError when it is no such file, not there, damaged or cut off.
    """
    try:
        with path.open("rb") as file:
            if not file.read(HEADER_BYTES).endswith(LITTLE_ENDIAN_5):
                raise ValueError("it does not begin as one of version 5 does")
            while tag := file.read(8):
                kind, size = struct.unpack("<II", tag)
                following = file.tell() + size
                stream: _Stream = _Inflated(file, size) if kind == COMPRESSED else file
                if kind == COMPRESSED:
                    kind = struct.unpack("<II", _exactly(stream, 8))[0]
                if kind == MATRIX and (found := _read_header(path, stream)) is not None:
                    yield found
                file.seek(following)
    except (OSError, ValueError, struct.error, zlib.error) as error:
        raise _damaged(path, error) from error


def _read_header(path: Path, stream: _Stream) -> MatlabArray | None:
    """What an array is, up to its first number; None for one that is not plain."""
    flags = struct.unpack("<II", _element(stream, 8)[1])[0]
    sides = np.frombuffer(_element(stream, 4 * MOST_SIDES)[1], "<i4").tolist()
    name = _element(stream, MOST_NAME_BYTES)[1].decode("ascii")
    if flags & 0xFF not in PLAIN_CLASSES or flags & COMPLEX:
        return None
    kind, size, small = _tag(stream)
    dtype = np.dtype(KINDS.get(kind, "V1"))
    if dtype.kind == "V" or min(sides) < 0 or math.prod(sides) * dtype.itemsize != size:
        raise ValueError(f"the sides {sides} of {name} do not fit its {size:,} bytes")
    return MatlabArray(name, tuple(sides), dtype, path, _Bytes(small) if small else stream)


def _tag(stream: _Stream) -> tuple[int, int, bytes]:
    """Kind and bytes of the next element; up to four bytes can stand in the tag itself."""
    kind, size = struct.unpack("<II", tag := _exactly(stream, 8))
    return (kind & 0xFFFF, kind >> 16, tag[4 : 4 + (kind >> 16)]) if kind >> 16 else (kind, size, b"")


def _element(stream: _Stream, most: int) -> tuple[int, bytes]:
    """The next small element, without what fills it up to eight bytes."""
    kind, size, small = _tag(stream)
    if size > most:
        raise ValueError(f"an element of its header has {size:,} bytes")
    return kind, small or _exactly(stream, -(-size // 8) * 8)[:size]


def _exactly(stream: _Stream, size: int) -> bytes:
    """So many bytes and no fewer."""
    content = stream.read(size)
    if len(content) != size:
        raise ValueError("it ends in the middle")
    return content


class _Bytes:
    """Bytes that were read already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int, /) -> bytes:
        """The first of them."""
        piece, self._content = self._content[:size], self._content[size:]
        return piece


class _Inflated:
    """What `size` packed bytes of a file hold."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size
        self._unpacker = zlib.decompressobj()
        self._ready = b""

    def read(self, size: int, /) -> bytes:
        """The next bytes; no more than these are unpacked."""
        pieces = []
        while size and not self._unpacker.eof:
            if not self._ready:
                self._ready = self._file.read(min(self._left, PIECE_BYTES))
                self._left -= len(self._ready)
            piece = self._unpacker.decompress(self._ready, size)
            if not piece and not self._ready:
                break
            self._ready = self._unpacker.unconsumed_tail
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _damaged(path: Path, error: Exception) -> SourceError:
    """One message for every kind of damage."""
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{path} is not there. Run `digitkit data fetch`, or put it there by hand.")
    reason = str(error) or type(error).__name__
    return SourceError(f"{path.name} is damaged or no MATLAB file ({reason}). Delete it and fetch it again.")
