"""Whether confidence means what it says: of pictures read with 90 % confidence, nine in ten should be right.

N pictures, K classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of equal width, as most publications have it


@dataclass(frozen=True)
class Bin:
    """The pictures whose confidence lies above `low` and up to `high`; without any, both means are 0."""

    low: float
    high: float
    n: int
    confidence: float  # their mean
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """`ece`, the expected calibration error: how far confidence and accuracy of a picture's bin lie apart, 0..1.

    `by_chance` is about what a reader would have that is right just as often as it says, on so many pictures: with few
    of them accuracies scatter, and this alone is an error.
    """

    ece: float
    by_chance: float
    bins: tuple[Bin, ...]


def measure(answers: NDArray[np.float32], labels: NDArray[np.int64]) -> Reliability:
    """The reliability of probabilities (N,K) on labels (N,).

    Source: Guo et al. 2017, On calibration of modern neural networks.
    """
    confidence, right = np.minimum(answers.max(1).astype(np.float64), 1), answers.argmax(1) == labels
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    sure, true = (np.bincount(place, each, BINS) / np.maximum(1, counts) for each in (confidence, right))
    bins = [
        Bin(number / BINS, (number + 1) / BINS, int(counts[number]), float(sure[number]), float(true[number]))
        for number in range(BINS)
    ]
    error = float((counts * np.abs(sure - true)).sum() / max(1, len(labels)))
    # How many of a bin are right scatters around the sum of its confidences; a normal law's mean distance from its mean
    # is .8 of its deviation.
    variance = np.bincount(place, confidence * (1 - confidence), BINS)
    by_chance = float(np.sqrt(2 / np.pi * variance).sum() / max(1, len(labels)))
    return Reliability(error, by_chance, tuple(bins))
