"""Which of two readers is better on the same pictures, and whether that can be chance.

N pictures.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from digitkit.core.intervals import wilson

CHANCE = 0.05  # p-values below this are called a difference


@dataclass(frozen=True)
class Comparison:
    """Two readers on one part: shares in 0..1, counts of pictures.

    `p_value` is that of McNemar's exact test: how often two readers that are equally good would differ so much, or
    more, in the pictures that only one of them reads right.
    """

    first: str
    second: str
    split: str
    n: int
    first_accuracy: float
    first_interval: tuple[float, float]
    second_accuracy: float
    second_interval: tuple[float, float]
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    p_value: float

    @property
    def sentence(self) -> str:
        """The outcome in plain words."""
        one_sided = self.only_first_right + self.only_second_right
        if not one_sided:
            return f"{self.first} and {self.second} are right and wrong on the same {self.n:,} pictures."
        ahead, behind, more, fewer = self.first, self.second, self.only_first_right, self.only_second_right
        if fewer > more:
            ahead, behind, more, fewer = behind, ahead, fewer, more
        counts = f"{more:,} pictures are read right by {ahead} alone, {fewer:,} by {behind} alone"
        if self.p_value < CHANCE:
            return f"{ahead} reads {self.split} better: {counts} (p = {self.p_value:.2g})."
        return f"No difference on {self.split} that could not be chance: {counts} (p = {self.p_value:.2g})."

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "sentence": self.sentence}


def compare(
    names: tuple[str, str], split: str, first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]
) -> Comparison:
    """Compare two readers by which pictures each reads right, bool (N,) each, in the same order.

    Source: McNemar 1947, with the binomial distribution instead of its approximation.
    """
    n, one, other = len(first_right), int(first_right.sum()), int(second_right.sum())
    only_first, only_second = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    both = one - only_first
    discordant = only_first + only_second
    return Comparison(
        *names, split, n, one / max(1, n), wilson(one, n), other / max(1, n), wilson(other, n),
        both, only_first, only_second, n - both - discordant,
        float(binomtest(only_first, discordant).pvalue) if discordant else 1.0,
    )  # fmt: skip
