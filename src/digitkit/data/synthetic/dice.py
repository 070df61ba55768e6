"""Random numbers that depend on words alone: the same on every machine, in every order, with every numpy."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Plane = NDArray[np.floating[Any]]  # float32 (H, W) or (3, H, W)

WORDS = 64  # drawn at a time
UNIT = 2.0**-53
GRAIN_MEAN = np.float32(4 * 127.5)
GRAIN_SPREAD = np.float32((4 * (256**2 - 1) / 12) ** 0.5)


class Dice:
    """A stream of draws that is settled by some facts, such as a seed, a part, a label and a number.

    Only the raw words of PCG64 are used: they are what numpy promises never to change (NEP 19).
    """

    def __init__(self, *facts: object) -> None:
        digest = hashlib.blake2b(repr(facts).encode(), digest_size=16).digest()
        self._stream = np.random.PCG64(int.from_bytes(digest, "little"))
        self._words: list[int] = []

    def unit(self) -> float:
        """A number from 0 up to, but not including, 1."""
        if not self._words:
            self._words = self._stream.random_raw(WORDS).tolist()
        return (self._words.pop() >> 11) * UNIT

    def between(self, low: float, high: float) -> float:
        """A number in a range."""
        return low + self.unit() * (high - low)

    def lean(self, reach: float) -> float:
        """A number from -reach to reach, mostly near 0."""
        return (self.unit() + self.unit() - 1) * reach

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.unit() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.unit() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self.unit() * len(items))]

    def weigh(self, items: Mapping[T, float]) -> T:
        """One of the items, each as often as its weight says."""
        left = self.unit() * sum(items.values())
        chosen = next(iter(items))
        for item, weight in items.items():
            chosen = item
            left -= weight
            if left < 0:
                break
        return chosen

    def grain(self, *shape: int) -> Plane:
        """Noise of mean 0 and standard deviation 1, nearly Gaussian: sums of four bytes."""
        count = int(np.prod(shape))
        raw = self._stream.random_raw((count + 1) // 2).astype("<u8", copy=False).view(np.uint8)
        sums = raw.reshape(4, -1).sum(axis=0, dtype=np.float32)[:count]
        noise: Plane = (sums - GRAIN_MEAN) / GRAIN_SPREAD
        return noise.reshape(shape)
