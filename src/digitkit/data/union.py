"""Several labelled sets as one: one vocabulary, one sequence of pictures.

N pictures, K classes.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet, Encoded, Joined, Pictures, Ragged
from digitkit.core.picture import Pixels
from digitkit.data.cache import key_of
from digitkit.data.rows import join_rows


def shared_classes(sets: Sequence[DigitSet]) -> tuple[str, ...]:
    """The classes that have a picture in any of the sets, sorted."""
    return tuple(sorted({name for digits in sets for name, count in digits.counts().items() if count}))


def relabel(digits: DigitSet, classes: tuple[str, ...]) -> tuple[DigitSet, dict[str, int]]:
    """The same pictures in another vocabulary; returns them and how many of each unknown label were left out."""
    if digits.classes == classes:
        return digits, {}
    places = {name: index for index, name in enumerate(classes)}
    target = np.array([places.get(name, -1) for name in digits.classes], np.int64)
    labels = target[digits.labels]
    unknown = {name: count for name, count in digits.counts().items() if count and name not in places}
    known = np.flatnonzero(labels >= 0) if unknown else np.arange(len(labels))
    kept = digits.take(known) if unknown else digits
    return DigitSet(kept.pictures, labels[known], classes, kept.origins), unknown


def unite(sets: Sequence[DigitSet], classes: tuple[str, ...], content: str) -> DigitSet:
    """All pictures of sets that share one vocabulary, in their order; none at all is an empty set.

    `content` is a hash of the pictures in that order: many of them are kept on disk under it.
    """
    filled = [digits for digits in sets if len(digits)]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        return DigitSet(Ragged.pack([]), np.zeros(0, np.int64), classes, np.zeros(0, np.str_))
    pictures = _join([digits.pictures for digits in filled], content)
    labels = np.concatenate([digits.labels for digits in filled])
    return DigitSet(pictures, labels, classes, np.concatenate([digits.origins for digits in filled]))


def _join(groups: Sequence[Pictures], content: str) -> Pictures:
    """Dense when all pictures have one shape, else ragged; photos stay as they are, since decoded they fill a disk."""
    if any(isinstance(group, Encoded | Joined) for group in groups):
        return Joined.of(groups)
    dense = [group.pixels for group in groups if isinstance(group, Dense)]
    if len(dense) == len(groups) and len({pixels.shape[1:] for pixels in dense}) == 1:
        return Dense(join_rows(dense, content))
    ragged = [_as_ragged(group) for group in groups]
    starts = np.cumsum([0] + [len(group.buffer) for group in ragged])
    offsets = np.concatenate([group.offsets + start for group, start in zip(ragged, starts, strict=False)])
    shapes = np.concatenate([group.shapes for group in ragged])
    # A buffer that was taken from holds other pictures too, so the same content can lie elsewhere in it.
    layout = hashlib.sha256(offsets.tobytes() + shapes.tobytes()).hexdigest()
    return Ragged(join_rows((group.buffer for group in ragged), key_of(content, layout)), offsets, shapes)


def _as_ragged(pictures: Pictures) -> Ragged:
    """The same pictures in one flat buffer, without a copy where that can be."""
    if isinstance(pictures, Ragged):
        return pictures
    assert isinstance(pictures, Dense), "photos are joined, not packed"
    count, height, width = pictures.pixels.shape[:3]
    channels = 1 if pictures.pixels.ndim == 3 else 3
    shapes: NDArray[np.int32] = np.tile(np.array([height, width, channels], np.int32), (count, 1))
    flat: Pixels = pictures.pixels.reshape(-1)
    return Ragged(flat, np.arange(count, dtype=np.int64) * (height * width * channels), shapes)
