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
    keys = _keys(len(labels), seed)
    order = np.lexsort((keys, labels))  # by class, shuffled within each
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.flatnonzero(rank < quotas[labels])


def choose_whole(labels: NDArray[np.int64], groups: NDArray[np.int64], count: int, seed: int, keep: int = 0) -> Indices:
    """The same, but pictures of one group are drawn together or not at all; each class keeps `keep` groups.

    Where groups do not fill the share of a class, it gives fewer; but one, its smallest, rather than none. A group has
    the class of its first picture. Without groups of several it is the choice that `choose` makes.
    Shapes: `groups` (N,), whole numbers.
    """
    _, firsts, members, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    if len(sizes) == len(labels):
        return choose(labels, count, seed, keep=keep)
    classes, keys = labels[firsts], _keys(len(labels), seed)[firsts]
    pictures = np.bincount(classes, weights=sizes, minlength=int(labels.max()) + 1).astype(np.int64)
    most = np.maximum(pictures - keep, 0)
    quotas = allot(pictures, min(count, int(most.sum())), np.zeros_like(most), most)
    taken = np.zeros(len(sizes), np.bool_)
    for label, quota in enumerate(quotas.tolist()):
        own = np.flatnonzero(classes == label)
        own = own[np.argsort(keys[own], kind="stable")]
        taken[own[_fitting(sizes[own].tolist(), quota, len(own) - keep)]] = True
    return np.flatnonzero(taken[members])


def _fitting(sizes: list[int], quota: int, most: int) -> list[int]:
    """Which of these groups, in their order, go into a quota of pictures; at most so many groups."""
    chosen: list[int] = []
    left = quota
    for place, size in enumerate(sizes):
        if len(chosen) >= most or not left:
            break
        if size <= left:
            chosen.append(place)
            left -= size
    return chosen or ([sizes.index(min(sizes))] if quota and most > 0 else [])


def _keys(count: int, seed: int) -> NDArray[np.uint64]:
    """Random numbers to sort by; the raw words of PCG64 are all that numpy promises never to change (NEP 19)."""
    return np.random.PCG64(seed).random_raw(count) if count else np.zeros(0, np.uint64)


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
