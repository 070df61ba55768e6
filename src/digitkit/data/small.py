"""Small sources that come with an installed package.

N pictures, 0 = paper, 255 = ink.
"""

import gzip
import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.core.errors import HashMismatch, SourceError
from digitkit.data.source import SOURCES, TEST, TRAIN, Source
from digitkit.data.strata import choose

CARRIER = "sklearn"
OPTDIGITS = Path("datasets") / "data" / "digits.csv.gz"  # in the package: 64 values and a label on each line
OPTDIGITS_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"  # unpacked
BRIGHTEST = 16  # each value counts the inked pixels of a block of 4x4
SIDE = 8  # px
TEST_SHARE = 0.2


def read_optdigits(folder: Path, part: str) -> DigitSet:
    """The 1,797 pictures of 8x8 px that scikit-learn carries, split once and for all, 80 to 20 in each class.

    The file is read as it is: importing scikit-learn would take a second.
    Raises: SourceError when scikit-learn is not installed, HashMismatch when its file is another one.
    """
    values = np.array([line.split(b",") for line in _unpack(_find_carrier() / OPTDIGITS).splitlines()], np.int64)
    pixels = ((values[:, :-1] * 255 + BRIGHTEST // 2) // BRIGHTEST).astype(np.uint8).reshape(-1, SIDE, SIDE)
    labels = values[:, -1]
    test = choose(labels, round(TEST_SHARE * len(labels)), seed=0)
    chosen = test if part == TEST else np.setdiff1d(np.arange(len(labels)), test)
    digits = tuple("0123456789")
    return DigitSet(Dense(pixels[chosen]), labels[chosen], digits, origins_of("optdigits", part, len(chosen)))


def _find_carrier() -> Path:
    """The folder of the installed scikit-learn, which is not imported."""
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or spec.origin is None:
        cure = "Run `pip install 'digitkit[train]'`."
        raise SourceError(f"optdigits comes with scikit-learn, which is not installed. {cure}")
    return Path(spec.origin).parent


def _unpack(path: Path) -> bytes:
    """The checked content of the file."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise SourceError(f"{path}: cannot be read ({error}). Install scikit-learn again.") from error
    got = hashlib.sha256(content).hexdigest()
    if got != OPTDIGITS_SHA256:
        expected = f"expected sha256 {OPTDIGITS_SHA256[:12]}..., got {got[:12]}..."
        raise HashMismatch(f"{path}: {expected} Install scikit-learn again.")
    return content


SOURCES.add(
    "optdigits",
    Source(
        name="optdigits",
        title="UCI optical digits, 1,797 of 8x8 px, bundled with scikit-learn",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/80",
        files=(),
        parts=(TRAIN, TEST),
        read=read_optdigits,
    ),
)
