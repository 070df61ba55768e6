"""What pictures are by their content: two with the same pixels have the same mark, wherever they come from.

N pictures.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet, Encoded, Indices, Pictures
from digitkit.core.picture import Pixels
from digitkit.data.rows import take_rows
from digitkit.data.union import unite

MARK = np.dtype((np.void, 16))  # 16 bytes: among a million pictures two meet by chance once in 10^26 sets
Marks = NDArray[np.void]


def marks_of(pictures: Pictures) -> Marks:
    """The blake2b of the shape and the native pixels of each picture.

    Shapes: returns void of 16 bytes (N,).
    """
    if isinstance(pictures, Encoded) and pictures.marks is not None:  # taken when they were decoded the first time
        return pictures.marks
    return np.frombuffer(b"".join(mark_of(pictures[index]) for index in range(len(pictures))), MARK)


def mark_of(pixels: Pixels) -> bytes:
    """The mark of one picture, 16 bytes.

    Shapes: uint8 (H,W) or (H,W,3).
    """
    mark = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=MARK.itemsize)
    mark.update(np.ascontiguousarray(pixels).reshape(-1).data)
    return mark.digest()


@dataclass(frozen=True)
class MarkedSet:
    """A labelled set with the mark of each picture, so that marks are taken once."""

    digits: DigitSet
    marks: Marks

    @classmethod
    def of(cls, digits: DigitSet) -> "MarkedSet":
        """Take the marks of a set."""
        return cls(digits, marks_of(digits.pictures))

    @classmethod
    def unite(cls, sets: Sequence["MarkedSet"], classes: tuple[str, ...]) -> "MarkedSet":
        """Several sets as one, in their order."""
        marks: Marks = np.concatenate([np.zeros(0, MARK), *(marked.marks for marked in sets)])
        return cls(unite([marked.digits for marked in sets], classes, _hash(marks)), marks)

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
        return MarkedSet(DigitSet(pictures, digits.labels[indices], digits.classes, digits.origins[indices]), marks)

    def without(self, reserved: "MarkedSet") -> "MarkedSet":
        """The pictures that are not among the reserved; the same set when that is all of them."""
        known = set(reserved.marks.tolist())
        free = np.fromiter((mark not in known for mark in self.marks.tolist()), np.bool_, len(self))
        return self if free.all() else self.take(np.flatnonzero(free))


def _hash(marks: Marks) -> str:
    """One name for the content of pictures, in their order."""
    return hashlib.sha256(marks.tobytes()).hexdigest()


def fingerprint_of(parts: Mapping[str, MarkedSet]) -> str:
    """One name for the pictures, labels and classes of all parts: 32 hexadecimal characters."""
    whole = hashlib.sha256()
    for name, part in sorted(parts.items()):
        whole.update(f"{name} {len(part)} {part.digits.classes!r}\n".encode())
        whole.update(part.marks.tobytes())
        whole.update(part.digits.labels.astype("<i8").tobytes())
    return whole.hexdigest()[:32]
