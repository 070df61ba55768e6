"""What a corruption is, and how it is done to pictures: the same for a picture whatever stands beside it in a batch.

B pictures of 28x28 px; 0 = paper, 1 (or 255) = ink.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.core.registry import Registry

SIDE = 28  # px; sizes of all corruptions are meant for it
BRIGHT = 127  # paper above this level is bright, so the ink on it is dark

Shares = NDArray[np.float64]  # (B,28,28), 0 = paper, 1 = ink
Indices = Sequence[int] | NDArray[np.int64]  # (B,)
Corruption = Callable[[Shares, "Dice"], Shares]

CORRUPTIONS: Registry[Corruption] = Registry("corruption")


class Dice:
    """One random generator for each picture of a batch; every draw gives a row for each."""

    def __init__(self, name: str, seed: int, indices: Indices) -> None:
        kind = zlib.crc32(name.encode())
        self._rngs = [np.random.default_rng((seed, kind, int(index))) for index in indices]

    def uniform(self, low: float, high: float, *shape: int) -> Shares:
        """Shapes: returns (B, *shape)."""
        return np.stack([rng.uniform(low, high, shape) for rng in self._rngs])

    def normal(self, mean: float, deviation: float, *shape: int) -> Shares:
        """Shapes: returns (B, *shape)."""
        return np.stack([rng.normal(mean, deviation, shape) for rng in self._rngs])

    def whole(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers, both ends included. Shapes: returns (B, *shape)."""
        return np.stack([rng.integers(low, high, shape, endpoint=True) for rng in self._rngs])

    def signs(self, *shape: int) -> NDArray[np.int64]:
        """Either -1 or 1. Shapes: returns (B, *shape)."""
        return 2 * self.whole(0, 1, *shape) - 1

    def poisson(self, means: Shares) -> NDArray[np.int64]:
        """Counts with these means (B,...), in the same shape."""
        return np.stack([rng.poisson(mean) for rng, mean in zip(self._rngs, means, strict=True)])


def corrupt(pictures: Pixels, name: str, indices: Indices, seed: int = 0) -> Pixels:
    """Spoil pictures in the way of this name; what is drawn depends on seed, name and each picture's index alone.

    Shapes: uint8 (B,28,28), 255 = ink; returns the same.
    Raises: ConfigError for an unknown name.
    """
    corruption = CORRUPTIONS[name]
    if not len(pictures):
        return pictures
    spoilt = corruption(pictures / 255.0, Dice(name, seed, indices))
    return np.rint(np.clip(spoilt, 0, 1) * 255).astype(np.uint8)


def on_bright_paper(picture: Pixels) -> bool:
    """Whether `canvas` inverts a picture. Shapes: uint8 (H,W) or (H,W,3)."""
    return bool(np.median(_border(_grey(picture))) > BRIGHT)


def _grey(picture: Pixels) -> Pixels:
    return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def _border(grey: Pixels) -> Pixels:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def canvas(picture: Pixels) -> Pixels:
    """Any picture as corruptions take it: grey, bright ink on dark paper, fitted into 28x28 px.

    A picture that is so already stays as it is.
    Shapes: uint8 (H,W) or (H,W,3); returns uint8 (28,28).
    """
    grey = _grey(picture)
    grey = 255 - grey if on_bright_paper(picture) else grey
    border = _border(grey)
    if grey.shape == (SIDE, SIDE):
        return grey
    height, width = grey.shape
    share = SIDE / max(height, width)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    fitted = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR))
    whole = np.full((SIDE, SIDE), int(np.median(border)), np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    whole[top : top + size[1], left : left + size[0]] = fitted
    return whole
