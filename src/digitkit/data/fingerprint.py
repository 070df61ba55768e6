"""What pictures are by their content: two with the same pixels have the same mark, wherever they come from.

N pictures.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet, Encoded, Indices, Pictures
from digitkit.core.picture import Pixels, without_needless_colour
from digitkit.data.rows import release, take_rows
from digitkit.data.union import unite

MARK = np.dtype((np.void, 16))  # 16 bytes: among a million pictures two meet by chance once in 10^26 sets
Marks = NDArray[np.void]
PIECE = 10_000  # pictures read from the disk at a time


def marks_of(pictures: Pictures) -> Marks:
    """The mark of each picture, the same however the pictures are kept.

    Shapes: returns void of 16 bytes (N,).
    """
    if isinstance(pictures, Encoded) and pictures.marks is not None:  # taken when they were decoded the first time
        return pictures.marks
    if isinstance(pictures, Dense) and pictures.pixels.ndim == 3:
        return np.frombuffer(b"".join(_marks_of_greys(pictures.pixels)), MARK)
    return np.frombuffer(b"".join(mark_of(pictures[index]) for index in range(len(pictures))), MARK)


def mark_of(pixels: Pixels) -> bytes:
    """The mark of one picture, 16 bytes: the blake2b of its shape and its native pixels, grey where it has no colour.

    Shapes: uint8 (H,W) or (H,W,3).
    """
    plain = pixels if pixels.ndim == 2 else without_needless_colour(pixels)
    mark = hashlib.blake2b(repr(plain.shape).encode(), digest_size=MARK.itemsize)
    mark.update(np.ascontiguousarray(plain).reshape(-1).data)
    return mark.digest()


def _marks_of_greys(pixels: Pixels) -> Iterator[bytes]:
    """The same for each of (N,H,W), with as little as can be done for one picture."""
    started = hashlib.blake2b(repr(pixels.shape[1:]).encode(), digest_size=MARK.itemsize)
    size = pixels[0].size if len(pixels) else 0
    for first in range(0, len(pixels), PIECE):
        content = np.ascontiguousarray(pixels[first : first + PIECE]).reshape(-1).data
        for start in range(0, len(content), size):
            mark = started.copy()
            mark.update(content[start : start + size])
            yield mark.digest()
        release(pixels)


def number(marks: Marks) -> tuple[Marks, Indices, Indices]:
    """The different marks in their order, where each comes first, and for all marks which of them they are.

    Shapes: `marks` (N,); returns (U,), (U,) and (N,). As `numpy.unique`, which is slow for anything but numbers.
    """
    halves = np.ascontiguousarray(marks).view(">u8").reshape(-1, 2).astype(np.uint64)
    _, firsts, numbers = np.unique(halves[:, 0], return_index=True, return_inverse=True)
    if (halves[:, 1] != halves[firsts, 1][numbers]).any():  # two begin alike: once in a million sets of a million
        return np.unique(marks, return_index=True, return_inverse=True)
    return marks[firsts], firsts, numbers


@dataclass(frozen=True)
class MarkedSet:
    """A labelled set with the mark of each picture, so that marks are taken once.

    Pictures that are copies of each other share their group: the mark of one of them. Until somebody looks for copies
    that are not the same to the pixel (see `data.dedup`), each picture's group is its own mark.
    """

    digits: DigitSet
    marks: Marks
    groups: Marks

    @classmethod
    def of(cls, digits: DigitSet) -> "MarkedSet":
        """Take the marks of a set."""
        marks = marks_of(digits.pictures)
        return cls(digits, marks, marks)

    @classmethod
    def unite(cls, sets: Sequence["MarkedSet"], classes: tuple[str, ...]) -> "MarkedSet":
        """Several sets as one, in their order."""
        marks: Marks = np.concatenate([np.zeros(0, MARK), *(marked.marks for marked in sets)])
        groups: Marks = np.concatenate([np.zeros(0, MARK), *(marked.groups for marked in sets)])
        return cls(unite([marked.digits for marked in sets], classes, _hash(marks)), marks, groups)

    @property
    def content(self) -> str:
        """One name for the pictures in their order, whatever their labels."""
        return _hash(self.marks)

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.digits)

    def take(self, indices: Indices) -> "MarkedSet":
        """The chosen pictures, in that order."""
        digits, marks = self.digits, self.marks[indices]
        pictures = (
            Dense(take_rows(digits.pictures.pixels, indices, _hash(marks)))
            if isinstance(digits.pictures, Dense)
            else digits.pictures.take(indices)
        )
        taken = DigitSet(pictures, digits.labels[indices], digits.classes, digits.origins[indices])
        return MarkedSet(taken, marks, self.groups[indices])

    def without(self, reserved: "MarkedSet") -> "MarkedSet":
        """The pictures that are no copies of the reserved; the same set when that is all of them."""
        _, _, numbers = number(np.concatenate([self.groups, reserved.groups]))
        free = ~np.isin(numbers[: len(self)], numbers[len(self) :])
        return self if free.all() else self.take(np.flatnonzero(free))


def _hash(marks: Marks) -> str:
    """One name for the content of pictures, in their order."""
    return hashlib.sha256(marks.tobytes()).hexdigest()


def fingerprint_of(parts: Mapping[str, MarkedSet], origin_heads: Collection[str] | None = None) -> str:
    """One name for the pictures, labels and classes of all parts: 32 hexadecimal characters.

    With `origin_heads`, only the pictures count whose origins begin with one of them: the name that their sources alone
    would have, if their pictures were in the same parts.
    """
    whole = hashlib.sha256()
    for name, part in sorted(parts.items()):
        counts = slice(None) if origin_heads is None else np.isin(part.digits.origin_heads, list(origin_heads))
        marks, labels = part.marks[counts], part.digits.labels[counts]
        whole.update(f"{name} {len(marks)} {part.digits.classes!r}\n".encode())
        whole.update(marks.tobytes())
        whole.update(labels.astype("<i8").tobytes())
    return whole.hexdigest()[:32]
