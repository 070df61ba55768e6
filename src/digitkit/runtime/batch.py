"""Pictures of any sizes to batches of one size, in bounded memory.

N batch, H and W in px.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitkit.core.picture import Pixels, decode_stack

Indices = NDArray[np.int64]

MAX_BATCH = 128  # pictures that the graph gets at once; more are no faster (docs/log.md, 19)
MAX_BATCH_BYTES = 4 * 2**20  # of pixels in one batch; the graph needs some ten times that for a moment
WINDOW_BYTES = 8 * MAX_BATCH_BYTES  # of pixels that wait to be grouped with others of their size
WINDOW = 8 * MAX_BATCH


class Batch(NamedTuple):
    """Pictures of one size out of a window: their `places` in it, uint8 `pixels` (N,H,W,3), and the window's size."""

    places: Indices
    pixels: Pixels
    window: int


def batches(pictures: Iterable[Pixels]) -> Iterator[Batch]:
    """Pictures uint8 (H,W,3) window by window; within one, equal sizes share a batch."""
    for window in windows(pictures):
        groups: dict[tuple[int, ...], list[int]] = {}
        for place, picture in enumerate(window):
            groups.setdefault(picture.shape, []).append(place)
        for places in groups.values():
            step = _step(window[places[0]].nbytes)
            for start in range(0, len(places), step):
                chosen = places[start : start + step]
                yield Batch(np.array(chosen), np.stack([window[place] for place in chosen]), len(window))


def stack_batches(stack: NDArray[Any]) -> Iterator[Batch]:
    """Pictures of one size, uint8 (N,H,W), (N,H,W,1) or (N,H,W,3); each batch is a window of its own."""
    step = _step(stack.shape[1] * stack.shape[2] * 3)
    for start in range(0, len(stack), step):
        pixels = decode_stack(stack[start : start + step], f"pictures from {start}")
        yield Batch(np.arange(len(pixels)), pixels, len(pixels))


def _step(picture_bytes: int) -> int:
    """How many pictures of a size make a batch."""
    return max(1, min(MAX_BATCH, MAX_BATCH_BYTES // max(1, picture_bytes)))  # an empty one gets its error later


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
