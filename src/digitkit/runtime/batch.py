"""Pictures of any sizes to batches of one size, in bounded memory.

N batch, H and W in px.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from digitkit.core.picture import Pixels

Indices = NDArray[np.int64]

MAX_BATCH = 256  # pictures that the graph gets at once
MAX_BATCH_BYTES = 4 * 2**20  # of pixels in one batch; the graph needs some ten times that for a moment
WINDOW_BYTES = 8 * MAX_BATCH_BYTES  # of pixels that wait to be grouped with others of their size
WINDOW = 4 * MAX_BATCH


def windows(pictures: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    """Pictures in their order, in lists that are small enough to keep."""
    held: list[Pixels] = []
    size = 0
    for picture in pictures:
        held.append(picture)
        size += picture.nbytes
        if size >= WINDOW_BYTES or len(held) >= WINDOW:
            yield held
            held, size = [], 0
    if held:
        yield held


def batches(pictures: list[Pixels]) -> Iterator[tuple[Indices, Pixels]]:
    """Pictures of one size together: their places in the list, and uint8 (N,H,W,3)."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        groups.setdefault(picture.shape, []).append(place)
    for places in groups.values():
        step = max(1, min(MAX_BATCH, MAX_BATCH_BYTES // pictures[places[0]].nbytes))
        for start in range(0, len(places), step):
            chosen = places[start : start + step]
            yield np.array(chosen), np.stack([pictures[place] for place in chosen])
