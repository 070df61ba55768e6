"""How well acceptance tells digits from what is none.

N pictures: D of digits, O of others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from digitkit.core.prediction import NOT_A_DIGIT

Z = 1.959964  # of 95 %
REFUSED = ("blank", NOT_A_DIGIT)  # verdicts; "unsure" still names a digit

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Rejection:
    """What a reader makes of pictures of one kind that are no digits.

    `auroc` is the share of all pairs of a digit and such a picture in which the digit is accepted more, draws counting
    half, with its 95 % `interval`; `verdicts` are shares in 0..1; `seen`: the reader has learnt to refuse this kind.
    """

    kind: str
    part: str
    n: int
    digits: int
    auroc: float
    interval: tuple[float, float]
    verdicts: Mapping[str, float]
    seen: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def auroc(digits: Scores, others: Scores) -> tuple[float, tuple[float, float]]:
    """The area under the curve of digits accepted against others accepted, and its 95 % interval.

    Shapes: `digits` (D,), `others` (O,), higher = more like a digit; -inf is lower than all else.
    The interval is DeLong's on the scale of log-odds, where it stays within 0..1. Where no pair, or every pair, is in
    the wrong order, its far end is the share of mistakes that as many pictures can hide (the rule of three).
    Source: DeLong, DeLong and Clarke-Pearson 1988, by ranks as Sun and Xu 2014.
    """
    d, o = len(digits), len(others)
    ranks = rankdata(np.concatenate([digits, others]))
    above = (ranks[:d] - rankdata(digits)) / o  # for each digit the share of others below it
    below = 1 - (ranks[d:] - rankdata(others)) / d  # for each other the share of digits above it
    area, hidden = float(above.mean()), min(1.0, 3 / min(d, o))
    if area in (0.0, 1.0):
        return area, (max(0.0, area - hidden), min(1.0, area + hidden))
    spread = math.sqrt(_variance(above) / d + _variance(below) / o)
    odds, reach = math.log(area / (1 - area)), Z * spread / (area * (1 - area))
    return area, (_share(odds - reach), _share(odds + reach))


def _variance(values: Scores) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.25  # the most that a share can vary


def _share(odds: float) -> float:
    """The share of these log-odds."""
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0


def shares(verdicts: Sequence[str]) -> dict[str, float]:
    """How often each verdict was given, 0..1, "number" as "digit", and `refused`, the sum of blank and not a digit."""
    names = ("blank", NOT_A_DIGIT, "unsure")
    found = {name: verdicts.count(name) / len(verdicts) for name in names}
    found["digit"] = (len(verdicts) - sum(verdicts.count(name) for name in names)) / len(verdicts)
    return {**found, "refused": sum(found[name] for name in REFUSED)}
