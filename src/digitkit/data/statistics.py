"""What a labelled set is like: how many of each class, how large, and what the ink does.

N pictures, H height, W width in px.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.picture import Pixels
from digitkit.data.rows import release

BLANK_RANGE = 8  # levels of 255: a picture with less between its darkest and brightest pixel shows nothing
PIECE = 1_024  # pictures looked at together

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """One set in figures; sizes are (smallest, median, largest) in px, shares lie in 0..1."""

    pictures: int
    counts: Mapping[str, int]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    colour: float  # share of the pictures that have three channels
    dark_ink: float  # share of the pictures whose ink is darker than their border
    blank: float  # share of the pictures that show nothing
    inked: float  # mean share of the pixels that are ink

    def to_plain(self) -> dict[str, object]:
        """The figures as plain JSON values."""
        return asdict(self)


def describe(digits: DigitSet) -> Statistics:
    """Look at every picture of a set, at some at a time."""
    sizes, colours, dark, inked = [], [], [], []
    for pixels in _pieces(digits):
        sizes += [pixels.shape[1:3]] * len(pixels)
        colours += [pixels.ndim == 4] * len(pixels)
        is_dark, share = _ink(pixels.mean(axis=3) if pixels.ndim == 4 else pixels.astype(np.float64))
        dark.append(is_dark)
        inked.append(share)
    shares = np.concatenate([np.zeros(0), *inked])
    heights, widths = np.array(sizes, np.int64).reshape(-1, 2).T
    return Statistics(
        pictures=len(digits),
        counts=digits.counts(),
        heights=_spread(heights),
        widths=_spread(widths),
        colour=_mean(np.array(colours, np.float64)),
        dark_ink=_mean(np.concatenate([np.zeros(0), *dark])),
        blank=_mean((shares == 0).astype(np.float64)),
        inked=_mean(shares),
    )


def _pieces(digits: DigitSet) -> Iterator[Pixels]:
    """All pictures as uint8 (N,H,W) or (N,H,W,3), N of one size at a time."""
    if isinstance(digits.pictures, Dense):
        for start in range(0, len(digits), PIECE):
            yield digits.pictures.pixels[start : start + PIECE]
            release(digits.pictures.pixels)
    else:
        for index in range(len(digits)):
            yield digits.pictures[index][None]


def _ink(grey: Shares) -> tuple[Shares, Shares]:
    """Whether the ink of each picture is darker than its border (1 or 0), and the share of its pixels that is ink.

    Shapes: `grey` 0..255 (N,H,W); returns two (N,). Ink is what lies beyond the middle of a picture's range.
    """
    low, high = grey.min(axis=(1, 2)), grey.max(axis=(1, 2))
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1).mean(axis=1)
    shows = high - low >= BLANK_RANGE
    is_dark = shows & (border > grey.mean(axis=(1, 2)))
    bright = (grey > ((low + high) / 2)[:, None, None]).mean(axis=(1, 2))
    return is_dark.astype(np.float64), np.where(shows, np.where(is_dark, 1 - bright, bright), 0)


def _spread(values: NDArray[np.int64]) -> tuple[int, int, int]:
    """Smallest, median, largest; zeros for nothing."""
    return (int(values.min()), int(np.median(values)), int(values.max())) if len(values) else (0, 0, 0)


def _mean(values: Shares) -> float:
    """The mean with four digits, 0 for nothing."""
    return round(float(values.mean()), 4) if len(values) else 0.0
