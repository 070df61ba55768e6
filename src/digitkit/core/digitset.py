"""Labelled pictures in memory or memory-mapped, native pixels.

N pictures, H height, W width, C channels (1 or 3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitkit.core.picture import Pixels, decode, without_needless_colour

Indices = NDArray[np.int64]


class Pictures(Protocol):
    """A sequence of uint8 pictures, (H,W) or (H,W,3), sizes free."""

    def __len__(self) -> int:
        """How many pictures there are."""

    def __getitem__(self, index: int) -> Pixels:
        """One picture, uint8 (H,W) or (H,W,3)."""

    def take(self, indices: Indices) -> "Pictures":
        """The chosen pictures, in that order."""


@dataclass(frozen=True)
class Dense:
    """Pictures of one size: uint8 (N,H,W) or (N,H,W,3)."""

    pixels: Pixels

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.pixels)

    def __getitem__(self, index: int) -> Pixels:
        """One picture, uint8 (H,W) or (H,W,3)."""
        picture: Pixels = self.pixels[index]
        return picture

    def take(self, indices: Indices) -> "Dense":
        """The chosen pictures, in that order."""
        return Dense(self.pixels[indices])


@dataclass(frozen=True)
class Ragged:
    """Pictures of any sizes in one flat buffer; grey and RGB may mix.

    Shapes: `buffer` uint8 (bytes,); `offsets` int64 (N,), where each picture starts; `shapes` int32 (N,3), height,
    width, channels.
    """

    buffer: Pixels
    offsets: Indices
    shapes: NDArray[np.int32]

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.shapes)

    def __getitem__(self, index: int) -> Pixels:
        """One picture, uint8 (H,W) or (H,W,3)."""
        height, width, channels = (int(side) for side in self.shapes[index])
        start = int(self.offsets[index])
        flat = self.buffer[start : start + height * width * channels]
        return flat.reshape((height, width) if channels == 1 else (height, width, channels))

    def take(self, indices: Indices) -> "Ragged":
        """The chosen pictures, in that order; the buffer is shared, not copied."""
        return Ragged(self.buffer, self.offsets[indices], self.shapes[indices])

    @classmethod
    def pack(cls, pictures: list[Pixels]) -> "Ragged":
        """Lay pictures of any sizes one after the other."""
        shapes = np.array([(*p.shape[:2], 1 if p.ndim == 2 else 3) for p in pictures], np.int32).reshape(-1, 3)
        sizes = shapes.astype(np.int64).prod(axis=1)
        buffer = np.concatenate([p.ravel() for p in pictures]) if pictures else np.zeros(0, np.uint8)
        return cls(buffer, np.cumsum(sizes) - sizes, shapes)


@dataclass(frozen=True)
class Encoded:
    """Pictures as the bytes of their files, decoded each time they are read: for photos.

    Shapes: `buffer` uint8 (bytes,); `offsets` and `sizes` int64 (N,) in bytes. What only decoding tells is kept where
    it is known: `shapes` int32 (N,3), height, width, channels; `marks` void (N,), see `data.fingerprint`.
    """

    buffer: Pixels
    offsets: Indices
    sizes: Indices
    shapes: NDArray[np.int32] | None = None
    marks: NDArray[np.void] | None = None

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.offsets)

    def __getitem__(self, index: int) -> Pixels:
        """One picture, longest side at most 1,024: uint8 (H,W), or (H,W,3) where it has any colour."""
        start = int(self.offsets[index])
        content = self.buffer[start : start + int(self.sizes[index])].tobytes()
        return without_needless_colour(decode(content, name=f"picture {index}"))

    def take(self, indices: Indices) -> "Encoded":
        """The chosen pictures, in that order; the buffer is shared, not copied."""
        shapes = None if self.shapes is None else self.shapes[indices]
        marks = None if self.marks is None else self.marks[indices]
        return Encoded(self.buffer, self.offsets[indices], self.sizes[indices], shapes, marks)


@dataclass(frozen=True)
class Joined:
    """Pictures of several kinds as one sequence, none of them copied.

    Shapes: `groups` int64 (N,), the kind that each picture is in; `places` int64 (N,), where in it.
    """

    kinds: tuple[Pictures, ...]
    groups: Indices
    places: Indices

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.groups)

    def __getitem__(self, index: int) -> Pixels:
        """One picture, uint8 (H,W) or (H,W,3)."""
        return self.kinds[int(self.groups[index])][int(self.places[index])]

    def take(self, indices: Indices) -> "Joined":
        """The chosen pictures, in that order."""
        return Joined(self.kinds, self.groups[indices], self.places[indices])

    @classmethod
    def of(cls, kinds: Sequence[Pictures]) -> "Joined":
        """All pictures of each kind, one kind behind the other."""
        lengths = [len(kind) for kind in kinds]
        groups = np.repeat(np.arange(len(kinds), dtype=np.int64), lengths)
        places = np.concatenate([np.zeros(0, np.int64), *(np.arange(length, dtype=np.int64) for length in lengths)])
        return cls(tuple(kinds), groups, places)


@dataclass(frozen=True)
class DigitSet:
    """Pictures with their labels.

    Shapes: `pictures` N native uint8 pictures; `labels` int64 (N,), indices into `classes`; `origins` str (N,) such as
    `mnist/train/17`.
    """

    pictures: Pictures
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    origins: NDArray[np.str_]

    def __post_init__(self) -> None:
        """Our own mistakes stop here."""
        assert len(self.pictures) == len(self.labels) == len(self.origins), "one label and one origin per picture"
        assert not len(self.labels) or 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes)

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[Pixels, str]]:
        """Each picture with its label as a word."""
        for index in range(len(self)):
            yield self.pictures[index], self.classes[int(self.labels[index])]

    def take(self, indices: Indices) -> "DigitSet":
        """The chosen pictures, in that order."""
        return DigitSet(self.pictures.take(indices), self.labels[indices], self.classes, self.origins[indices])

    @property
    def origin_heads(self) -> NDArray[np.str_]:
        """What each origin begins with: the name of a published source, of a folder of one's own: str (N,)."""
        return np.array([origin.partition("/")[0] for origin in self.origins.tolist()], np.str_)

    def counts(self) -> dict[str, int]:
        """How many pictures each class has, in the order of `classes`."""
        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return {name: int(number) for name, number in zip(self.classes, numbers, strict=True)}


def origins_of(source: str, part: str, count: int) -> NDArray[np.str_]:
    """The origin of each picture of one part, `source/part/index`."""
    return np.char.add(f"{source}/{part}/", np.arange(count).astype(np.str_))
