"""The coarse waves of a picture: what stays when a drawing is shifted, inverted, resized or saved again.

A picture is taken as a sum of waves over its frame; the strengths of the coarsest do not change with a shift and with
inversion, and hardly with the size. They serve to find copies and nothing else.
N pictures, H height, W width in px, Q waves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitkit.core.digitset import Dense, Indices, Pictures
from digitkit.core.picture import Pixels
from digitkit.data.rows import release

FINEST = 8  # periods over the frame, not reached: 2.8 px of 32; finer waves die in JPEG and in resizing
LONG = 128  # px: a longer side is box-reduced to REDUCED first
REDUCED = 64  # px
PIECE = 1_024  # pictures at a time
SMALL = 8  # px: the waves of a picture with a shorter side say too little of it
FLAT = 1.0  # levels of 255, strength of all waves together: below it a picture shows nothing to compare

Reals = NDArray[np.float32]
Waves = NDArray[np.complex64]
Sides = NDArray[np.int32]
Piece = tuple[Indices, Pixels, Sides]


def _frequencies() -> tuple[Reals, Reals]:
    """Periods across and down of the half of all waves that says everything about a real picture."""
    down, across = np.mgrid[-FINEST + 1 : FINEST, 0:FINEST].astype(np.float32)
    size = np.hypot(across, down)
    chosen = (size > 0) & (size < FINEST) & ~((across == 0) & (down < 0))
    return across[chosen], down[chosen]


ACROSS, DOWN = _frequencies()
COUNT = len(ACROSS)  # Q = 96


@dataclass(frozen=True)
class Spectra:
    """The coarse waves of N pictures, and what a small change of scale does to them.

    Shapes: `waves` and `scaled` complex (N,Q), in levels of 255; `sides` (N,2), native height and width in px.
    """

    waves: Waves
    scaled: Waves
    sides: Sides

    @classmethod
    def blank(cls, count: int) -> "Spectra":
        """Room for so many."""
        waves, scaled = (np.zeros((count, COUNT), np.complex64) for _ in range(2))
        return cls(waves, scaled, np.zeros((count, 2), np.int32))

    def take(self, indices: Indices) -> "Spectra":
        """Those of the chosen pictures."""
        return Spectra(self.waves[indices], self.scaled[indices], self.sides[indices])

    def put(self, indices: Indices, others: "Spectra") -> None:
        """Write others into their places."""
        self.waves[indices], self.scaled[indices], self.sides[indices] = others.waves, others.scaled, others.sides


def strengths(pictures: Pictures, indices: Indices) -> NDArray[np.float16]:
    """The square roots of the strengths of the waves, of unit length; zeros for a tiny or an empty picture.

    Roots, since a copy changes strong and weak waves by about the same then.
    Shapes: returns (N,Q); halves, for there may be a million.
    """
    codes = np.zeros((len(indices), COUNT), np.float16)
    for places, grey, native in _pieces(pictures, indices):
        size = np.abs(_transform(grey, native, 1)[0])
        total = size.sum(axis=1, keepdims=True)
        tells = (total >= FLAT) & (native.min(axis=1, keepdims=True) >= SMALL)
        codes[places] = np.where(tells, np.sqrt(size / np.maximum(total, FLAT)), 0)
    return codes


def spectra(pictures: Pictures, indices: Indices) -> Spectra:
    """The waves themselves, for a closer comparison of some pictures."""
    found = Spectra.blank(len(indices))
    for places, grey, native in _pieces(pictures, indices):
        waves, by_x, by_y = _transform(grey, native, 3)
        found.put(places, Spectra(waves, -(2 * waves + ACROSS * by_x + DOWN * by_y), native))
    return found


def _transform(grey: Pixels, native: Sides, kinds: int) -> list[Waves]:
    """The waves of pictures of one size; with three kinds also those of the picture times x, and times y.

    The last two are how the waves change with their frequency, which is what a change of scale needs.
    Shapes: `grey` uint8 (N,H,W); returns complex (N,Q) each.
    """
    height, width = grey.shape[1:]
    (along, along_x), (upright, upright_y) = _tables(width), _tables(height)
    lines = grey.astype(np.complex64)  # one small product for each picture: see `product.LARGEST`
    # A side of n px knows no wave of n/2 periods or more: what stands there is a coarser one seen twice.
    known = (native[:, 1:] / 2 > ACROSS) & (native[:, :1] / 2 > np.abs(DOWN))
    across, down = ACROSS.astype(np.int64), DOWN.astype(np.int64) + FINEST
    found = []
    for row_table, column_table in ((along, upright), (along_x, upright), (along, upright_y))[:kinds]:
        waves = column_table.T @ (lines @ row_table)  # (N, down, across)
        found.append(np.where(known, waves[:, down, FINEST + across], 0))
    return found


@lru_cache(maxsize=512)
def _tables(side: int) -> tuple[Waves, Waves]:
    """Pixels of one line to its waves of -FINEST to FINEST-1 periods: plain, and times the place, -1/2 to 1/2.

    Shapes: complex (S,2*FINEST) each.
    """
    place = ((np.arange(side) + 0.5) / side - 0.5)[:, None]
    waves = np.exp(-2j * np.pi * place * np.arange(-FINEST, FINEST)) / side
    return waves.astype(np.complex64), (-2j * np.pi * place * waves).astype(np.complex64)


def _pieces(pictures: Pictures, indices: Indices) -> Iterator[Piece]:
    """Some pictures at a time, grey and of one size: their places in `indices`, pixels (N,H,W), native sides (N,2)."""
    if isinstance(pictures, Dense) and max(pictures.pixels.shape[1:3]) <= LONG:
        for start in range(0, len(indices), PIECE):
            grey = as_grey(pictures.pixels[indices[start : start + PIECE]])
            places = np.arange(start, start + len(grey))
            yield places, grey, np.tile(np.array(grey.shape[1:], np.int32), (len(grey), 1))
            release(pictures.pixels)
        return
    waiting: dict[tuple[int, ...], list[tuple[int, Pixels, tuple[int, ...]]]] = {}
    for place, index in enumerate(indices, start=1):
        native = pictures[int(index)]
        grey = _reduce(native)
        waiting.setdefault(grey.shape, []).append((place - 1, grey, native.shape[:2]))
        if place % PIECE == 0 or place == len(indices):
            yield from map(_stack, waiting.values())
            waiting = {}


def _stack(piece: list[tuple[int, Pixels, tuple[int, ...]]]) -> Piece:
    places, grey, sides = zip(*piece, strict=True)
    return np.array(places, np.int64), np.stack(grey), np.array(sides, np.int32)


def _reduce(native: Pixels) -> Pixels:
    """A picture in grey, long sides made shorter by a box filter."""
    grey: Pixels = as_grey(native[None])[0]
    height, width = (side if side <= LONG else REDUCED for side in grey.shape)
    if (height, width) == grey.shape:
        return grey
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BOX), np.uint8)


def as_grey(pixels: Pixels) -> Pixels:
    """Brightness as Rec. 601 weighs it, in whole numbers: (N,H,W) or (N,H,W,3) -> uint8 (N,H,W)."""
    if pixels.ndim == 3:
        return np.asarray(pixels, np.uint8)
    red, green, blue = (pixels[..., channel].astype(np.uint16) for channel in range(3))
    grey: Pixels = ((77 * red + 150 * green + 29 * blue) >> 8).astype(np.uint8)
    return grey
