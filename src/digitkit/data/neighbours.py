"""All pairs of points that lie close together, among a million, without looking at every pair.

Points are sorted into boxes; each box is compared with the points that are near enough to it, by matrix products.
N points, Q numbers each.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Indices
from digitkit.data.product import product

BOX = 256  # points in a box
AXES = 16  # main axes along which boxes are cut and compared
CODE_AXES = 32  # main axes of the first comparison of points
SAMPLE = 50_000  # points that the main axes are found from
PIECE = 480  # points compared with a box at a time: what comes out stays in the processor's cache
MOST = 16  # neighbours of a point that come back from one box's search, the nearest: crowds stay affordable
FIRST = 64  # ... that the first comparison leaves

Points = NDArray[np.float32]
Halves = NDArray[np.float16] | Points


def close_pairs(points: Halves, radius: float) -> Indices:
    """The pairs (i, j) of points, i < j, that lie within a radius of each other.

    Distances on the main axes are never longer than true ones, so none is missed, but for crowds: see `MOST`.
    Shapes: `points` (N,Q), float16 to save room; returns int64 (pairs,2), sorted.
    """
    if len(points) < 2:
        return np.zeros((0, 2), np.int64)
    codes = _on_main_axes(points)
    boxes = _boxes(codes, np.arange(len(codes)))
    order, starts = np.concatenate(boxes), np.cumsum([0] + [len(box) for box in boxes])
    codes = codes[order]
    found = [np.zeros((0, 2), np.int64)]
    for pairs in _search(codes, starts, radius):
        first, second = order[pairs].T
        apart = np.linalg.norm(points[first].astype(np.float32) - points[second], axis=1)
        close = apart <= radius
        found.append(_nearest(order[pairs[close]], apart[close], MOST)[0])
    pairs = np.sort(np.concatenate(found), axis=1)
    return pairs[np.lexsort(pairs.T[::-1])]


def _on_main_axes(points: Halves) -> Points:
    """The points along their axes of greatest spread, greatest first."""
    sample = points[:: -(-len(points) // SAMPLE)].astype(np.float64)
    mean = sample.mean(axis=0)
    _, axes = np.linalg.eigh((sample - mean).T @ (sample - mean))
    main = axes[:, ::-1][:, :CODE_AXES].astype(np.float32)
    codes = np.empty((len(points), main.shape[1]), np.float32)
    for start in range(0, len(points), PIECE):
        centred = points[start : start + PIECE] - mean.astype(np.float32)
        codes[start : start + PIECE] = product(centred, main)
    return codes


def _boxes(codes: Points, members: Indices) -> list[Indices]:
    """Cut in half along the axis of greatest spread, again and again."""
    if len(members) <= BOX:
        return [members]
    inside = codes[members, :AXES]
    axis = int(np.ptp(inside, axis=0).argmax())
    middle = len(members) // 2
    halves = np.argpartition(inside[:, axis], middle)
    return _boxes(codes, members[halves[:middle]]) + _boxes(codes, members[halves[middle:]])


def _search(codes: Points, starts: Indices, radius: float) -> Iterator[Indices]:
    """Pairs of places among points sorted by box; each box is compared with itself and those behind it."""
    squares = (codes * codes).sum(axis=1)
    limit = np.float32(radius * radius + 1e-5 * squares.max())  # rounding loses none
    axes = np.ascontiguousarray(codes[:, :AXES])
    lows = np.stack([axes[start:end].min(axis=0) for start, end in pairwise(starts)])
    highs = np.stack([axes[start:end].max(axis=0) for start, end in pairwise(starts)])
    right = np.concatenate([codes, np.ones((len(codes), 1), np.float32), squares[:, None]], axis=1)
    for box, (start, end) in enumerate(pairwise(starts)):
        gaps = _gaps(lows[box], highs[box], lows[box:], highs[box:])
        others = np.flatnonzero(gaps <= limit) + box
        members = np.concatenate([np.arange(starts[other], starts[other + 1]) for other in others])
        points = axes[members]
        members = members[_gaps(lows[box], highs[box], points, points) <= limit]
        # The product of this and `right` is a squared distance: |a|^2 + |b|^2 - 2ab.
        left = np.concatenate([-2 * codes[start:end], right[start:end, :-3:-1]], axis=1)
        yield from _compare(left, right, members, int(start), limit)


def _gaps(low: Points, high: Points, lows: Points, highs: Points) -> Points:
    """The squared distances of one box from others."""
    gaps = np.maximum(np.maximum(low - highs, lows - high), 0)
    squared: Points = np.einsum("na,na->n", gaps, gaps)
    return squared


def _compare(box: Points, right: Points, members: Indices, start: int, limit: np.float32) -> Iterator[Indices]:
    """The pairs of a box's points, the first of which has the place `start`, with those behind them."""
    best, nearness = np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    for first in range(0, len(members), PIECE):
        piece = members[first : first + PIECE]
        squared = product(box, right[piece].T)
        if piece[0] < start + len(box):  # the box itself: each pair once
            squared[piece <= np.arange(start, start + len(box))[:, None]] = np.inf
        row, column = np.divmod(np.flatnonzero(squared.ravel() <= limit), len(piece))
        if len(row) > len(box) * FIRST:  # a crowd
            column = np.argpartition(squared, min(FIRST, len(piece)) - 1, axis=1)[:, :FIRST].ravel()
            row = np.arange(len(column)) // (len(column) // len(box))
            close = squared[row, column] <= limit
            row, column = row[close], column[close]
        best = np.concatenate([best, np.stack([row + start, piece[column]], axis=1)])
        nearness = np.concatenate([nearness, squared[row, column]])
        if len(best) > PIECE * FIRST:
            best, nearness = _nearest(best, nearness, FIRST)
    yield _nearest(best, nearness, FIRST)[0]


def _nearest(pairs: Indices, nearness: Points, most: int) -> tuple[Indices, Points]:
    """For each first point its nearest partners."""
    order = np.lexsort((pairs[:, 1], nearness, pairs[:, 0]))
    pairs, nearness = pairs[order], nearness[order]
    kept = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0]) < most
    return pairs[kept], nearness[kept]
