"""Sources whose files must be unpacked or parsed: done once, then opened memory-mapped from the cache.

N pictures, H height, W width in px.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import cached_rows, key_of
from digitkit.data.source import TEST
from digitkit.data.stock import content_of
from digitkit.data.strata import choose

PARSER = 1  # counts up when the same files become other pixels or labels
TEST_SHARE = 0.2  # of the sets whose publisher draws no line between training and test
TEST_GROUPS = 5  # one in so many

Labels = NDArray[np.int64]
Chosen = NDArray[np.bool_]


def parse_once(
    origin: tuple[str, str],
    classes: tuple[str, ...],
    paths: Sequence[Path],
    fill: Callable[[ArrayWriter], None],
) -> DigitSet:
    """One part of a source, out of files that are parsed only when their content was never seen before.

    `origin` is the source's name and the part; `fill(writer)` appends to "pixels" uint8 (N,H,W[,3]) and to "labels"
    int64 (N,), indices into `classes`.
    Raises: SourceError when a file is not here, or is not what it should be.
    """
    name, part = origin
    facts = (hashlib.sha256(path.name.encode()).hexdigest() + content_of(path) for path in paths)
    arrays = cached_rows(key_of("parsed", PARSER, name, part, classes, *facts), fill)
    where = f"{paths[0].parent}: {name} {part}"
    if not {"pixels", "labels"} <= arrays.keys():
        raise SourceError(f"{where} has no pictures. Delete the folder and fetch it again.")
    pixels, labels = np.asarray(arrays["pixels"], np.uint8), np.asarray(arrays["labels"], np.int64)
    if len(pixels) != len(labels):
        raise SourceError(f"{where}: {len(pixels):,} pictures and {len(labels):,} labels do not belong together.")
    if not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise SourceError(f"{where}: labels from {labels.min()} to {labels.max()}, expected 0 to {len(classes) - 1}.")
    return DigitSet(Dense(pixels), labels, classes, origins_of(name, part, len(labels)))


def write_parsed(writer: ArrayWriter, pixels: Pixels, labels: Labels) -> None:
    """Write pictures that were parsed together; none at all is left to be said by the reader.

    Shapes: `pixels` uint8 (N,H,W[,3]), `labels` int64 (N,).
    """
    if len(labels):
        writer.append("pixels", pixels)
        writer.append("labels", labels)


def split_once(labels: Labels, part: str) -> Chosen:
    """Which pictures make a part where the publisher draws no line: 80 to 20 in each class, the same for ever.

    Shapes: `labels` (N,); returns (N,).
    """
    held_out = np.zeros(len(labels), np.bool_)
    held_out[choose(labels, round(TEST_SHARE * len(labels)), seed=0)] = True
    return held_out if part == TEST else ~held_out


def split_groups(groups: NDArray[np.generic], part: str) -> Chosen:
    """The same where some pictures come from one sheet or photo: all pictures of one group are in one part.

    Shapes: `groups` (N,), a name or number for each; returns (N,).
    """
    names, places = np.unique(groups, return_inverse=True)
    drawn = [hashlib.sha256(str(name).encode()).digest()[0] % TEST_GROUPS == 0 for name in names.tolist()]
    held_out: Chosen = np.array(drawn, np.bool_)[places]
    return held_out if part == TEST else ~held_out
