"""SVHN, the house numbers of Google's street photos: digits in colour, with neighbours at the border.

N pictures of 32x32 px, RGB; the ink may be brighter or darker than the wall.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.parsed import parse_once
from digitkit.data.source import EXTRA, MIXED, SOURCES, TEST, TRAIN, RemoteFile, Source

DIGITS = tuple("0123456789")
SIDE = 32  # px
ADDRESS = "https://ufldl.stanford.edu/housenumbers/"
TEN = 10  # stands for the digit 0 in the files
PIECE = 5_000  # pictures turned at a time: as they lie in the file, each is spread over all of it
# What scipy's reader lets out for damaged files.
MAT_ERRORS = (
    OSError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, MemoryError, NotImplementedError,
    AttributeError, struct.error, zlib.error,
)  # fmt: skip


def read_svhn(folder: Path, part: str) -> DigitSet:
    """One part of SVHN as it is, in colour; the pictures are memory-mapped.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / f"{part}_32x32.mat"
    return parse_once(("svhn", part), DIGITS, [path], lambda writer: _fill(path, writer))


def _fill(path: Path, writer: ArrayWriter) -> None:
    """Write the pictures of a MATLAB file one behind the other."""
    pixels, labels = _load(path)
    for start in range(0, len(labels), PIECE):
        writer.append("pixels", np.ascontiguousarray(np.moveaxis(pixels[..., start : start + PIECE], 3, 0)))
    writer.append("labels", labels % TEN)


def _load(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The arrays X (32,32,3,N) and y (N,), as they lie in the file."""
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ModuleNotFoundError as error:
        cure = "Run `pip install 'digitkit[train]'`."
        raise SourceError(f"svhn is read with scipy, which is not installed. {cure}") from error
    try:
        arrays = loadmat(path, variable_names=("X", "y"))
        pixels, labels = np.asarray(arrays["X"]), np.asarray(arrays["y"]).ravel()
    except (*MAT_ERRORS, MatReadError) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(
            f"{path.name} is damaged or no MATLAB file ({reason}). Delete it and fetch it again."
        ) from error
    if pixels.dtype != np.uint8 or pixels.shape != (SIDE, SIDE, 3, labels.size):
        raise SourceError(
            f"{path.name}: expected pictures uint8 (32,32,3,N) and N labels, got {pixels.dtype} {pixels.shape} and"
            f" {labels.size}. Delete it and fetch it again."
        )
    if labels.dtype.kind not in "ui" or not ((labels >= 1) & (labels <= TEN)).all():
        raise SourceError(f"{path.name}: expected labels from 1 to 10, 10 for the digit 0. Fetch it again.")
    return pixels, labels.astype(np.int64)


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
