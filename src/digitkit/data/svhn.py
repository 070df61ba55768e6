"""SVHN, the house numbers of Google's street photos: digits in colour, with neighbours at the border.

N pictures of 32x32 px, RGB; the ink may be brighter or darker than the wall.
"""

import math
from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.matlab import MatlabArray, read_matlab
from digitkit.data.parsed import parse_once
from digitkit.data.source import DIGITS, EXTRA, MIXED, SOURCES, TEST, TRAIN, RemoteFile, Source

SIDE = 32  # px
ADDRESS = "https://ufldl.stanford.edu/housenumbers/"
TEN = 10  # stands for the digit 0 in the files
PIECE = 5_000  # pictures read at a time


def read_svhn(folder: Path, part: str) -> DigitSet:
    """One part of SVHN as it is, in colour; the pictures are memory-mapped.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / f"{part}_32x32.mat"
    return parse_once(("svhn", part), DIGITS, [path], lambda writer: _fill(path, writer))


def _fill(path: Path, writer: ArrayWriter) -> None:
    """Write the arrays X, pictures (32,32,3,N), and y, labels (N,1), as they come out of their packing."""
    for array in read_matlab(path):
        if array.name == "X":
            _write_pictures(array, writer)
        elif array.name == "y":
            labels = array.read(math.prod(array.shape))
            if not np.isin(labels, range(1, TEN + 1)).all():
                raise SourceError(f"{path.name}: expected labels from 1 to 10, 10 for the digit 0. Fetch it again.")
            writer.append("labels", labels.astype(np.int64) % TEN)


def _write_pictures(array: MatlabArray, writer: ArrayWriter) -> None:
    """Write pictures; in the file each is one red, one green and one blue plane, column by column."""
    if array.shape[:-1] != (SIDE, SIDE, 3) or array.dtype != np.uint8:
        raise SourceError(
            f"{array.path.name}: expected pictures uint8 (32,32,3,N), got {array.dtype} {array.shape}. Fetch it again."
        )
    count = array.shape[-1]
    for start in range(0, count, PIECE):
        some = min(PIECE, count - start)
        planes = array.read(some * 3 * SIDE * SIDE).reshape(some, 3, SIDE, SIDE)
        writer.append("pixels", planes.transpose(0, 3, 2, 1))


def _file(part: str, sha256: str, size: int) -> RemoteFile:
    """The file of one part."""
    name = f"{part}_32x32.mat"
    return RemoteFile(name, (ADDRESS + name,), sha256, size, part=part)


SOURCES.add(
    "svhn",
    Source(
        name="svhn",
        title="SVHN, house numbers in street photos, 32x32 px in colour",
        licence="for non-commercial use",
        homepage="http://ufldl.stanford.edu/housenumbers/",
        files=(
            _file(TRAIN, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182_040_794),
            _file(TEST, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64_275_384),
            _file(EXTRA, "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3", 1_329_278_602),
        ),
        parts=(TRAIN, TEST, EXTRA),
        read=read_svhn,
        ink=MIXED,
    ),
)
