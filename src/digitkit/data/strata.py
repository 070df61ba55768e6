"""Choose pictures so that each class keeps its share; the same on every machine and with every numpy.

N pictures, K classes.
"""

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Indices

Counts = NDArray[np.int64]


def choose(labels: NDArray[np.int64], count: int, seed: int, least: int = 0, keep: int = 0) -> Indices:
    """The indices, ascending, of `count` pictures drawn from all classes in proportion.

    Each class gives `least` pictures or more, as far as it has them, and keeps `keep` of its own. When that leaves too
    few, fewer than `count` come back; see `room`.
    Shapes: `labels` (N,), whole numbers from 0; returns int64 (count,).
    """
    sizes = np.bincount(labels).astype(np.int64)
    most = np.maximum(sizes - keep, 0)
    total = min(count, int(most.sum()))
    floor = np.minimum(least, most)
    quotas = allot(sizes, total, floor if floor.sum() <= total else np.zeros_like(floor), most)
    # The raw words of PCG64 are the one thing that numpy promises never to change (NEP 19); its shuffles may.
    keys = np.random.PCG64(seed).random_raw(len(labels)) if len(labels) else np.zeros(0, np.uint64)
    order = np.lexsort((keys, labels))  # by class, shuffled within each
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.flatnonzero(rank < quotas[labels])


def room(labels: NDArray[np.int64], keep: int) -> int:
    """How many pictures can be drawn at most when each class keeps `keep`."""
    return int(np.maximum(np.bincount(labels) - keep, 0).sum())


def allot(sizes: Counts, total: int, least: Counts, most: Counts) -> Counts:
    """Divide `total` among classes in proportion to their sizes, by largest remainder, within least..most.

    Whole numbers only, so that rounding is the same everywhere.
    Shapes: all (K,).
    """
    everything = max(int(sizes.sum()), 1)
    given = np.clip(sizes * total // everything, least, most)
    while (lacking := total - int(given.sum())) != 0:
        owed = sizes * total - given * everything
        if lacking > 0:
            owed = np.where(given < most, owed, np.iinfo(np.int64).min)
            given[int(owed.argmax())] += 1
        else:
            owed = np.where(given > least, owed, np.iinfo(np.int64).max)
            given[int(owed.argmin())] -= 1
    return given
