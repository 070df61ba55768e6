"""Small sources: USPS, and the optical digits that scikit-learn carries.

N pictures, 0 = paper, 255 = ink.
"""

import gzip
import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.core.errors import HashMismatch, SourceError
from digitkit.core.picture import Pixels
from digitkit.data.parsed import Labels, parse_once, split_once, write_parsed
from digitkit.data.source import BRIGHT, DIGITS, SOURCES, TEST, TRAIN, RemoteFile, Source
from digitkit.data.unpack import Unpacked

CARRIER = "sklearn"
OPTDIGITS = Path("datasets") / "data" / "digits.csv.gz"  # in the package: 64 values and a label on each line
OPTDIGITS_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"  # unpacked
BRIGHTEST = 16  # each value counts the inked pixels of a block of 4x4
SIDE = 8  # px

USPS_URL = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
USPS_FILES = {TRAIN: "usps.bz2", TEST: "usps.t.bz2"}
USPS_SIDE = 16  # px
MOST_BYTES = 2**26  # of one of its files, unpacked; the larger one has about 27 MB


def read_optdigits(folder: Path, part: str) -> DigitSet:
    """The 1,797 pictures of 8x8 px that scikit-learn carries, split once and for all, 80 to 20 in each class.

    The file is read as it is: importing scikit-learn would take a second.
    Raises: SourceError when scikit-learn is not installed, HashMismatch when its file is another one.
    """
    values = np.array([line.split(b",") for line in _unpack(_find_carrier() / OPTDIGITS).splitlines()], np.int64)
    pixels = ((values[:, :-1] * 255 + BRIGHTEST // 2) // BRIGHTEST).astype(np.uint8).reshape(-1, SIDE, SIDE)
    labels = values[:, -1]
    chosen = np.flatnonzero(split_once(labels, part))
    return DigitSet(Dense(pixels[chosen]), labels[chosen], DIGITS, origins_of("optdigits", part, len(chosen)))


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


def read_usps(folder: Path, part: str) -> DigitSet:
    """One part of USPS, out of LIBSVM's text format.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / USPS_FILES[part]
    return parse_once(("usps", part), DIGITS, [path], lambda writer: write_parsed(writer, *_parse_libsvm(path)))


def _parse_libsvm(path: Path) -> tuple[Pixels, Labels]:
    """Pixels uint8 (N,16,16) out of values -1..1, labels 0..9 out of 1..10: `7 1:-1 2:-0.5 ...` on each line.

    Values that are 0 may be left out.
    """
    with Unpacked(path, most=MOST_BYTES) as file:
        lines = file.read_all().splitlines()
    values, labels = np.zeros((len(lines), USPS_SIDE**2)), np.zeros(len(lines), np.int64)
    for number, line in enumerate(lines):
        try:
            label, *cells = [float(cell) for cell in line.replace(b":", b" ").split()]
            places = np.array(cells[::2], np.int64) - 1
            values[number, places], labels[number] = cells[1::2], int(label) - 1
            if (
                places.tolist() != [place - 1 for place in cells[::2]]
                or (places < 0).any()
                or label - 1 not in range(10)
            ):
                raise ValueError("a place below 1 or a label beyond 10")
        except (ValueError, IndexError, OverflowError) as error:
            raise _not_libsvm(path, number) from error
    wrong = np.flatnonzero(~(np.abs(values) <= 1).all(axis=1))
    if len(wrong):
        raise _not_libsvm(path, int(wrong[0]))
    return np.rint((values + 1) * (255 / 2)).astype(np.uint8).reshape(-1, USPS_SIDE, USPS_SIDE), labels


def _not_libsvm(path: Path, number: int) -> SourceError:
    """One message for a line, counted from 0, that is something else."""
    return SourceError(
        f"{path.name}, line {number + 1}: expected a label from 1 to 10 and up to 256 values from -1 to 1, each behind"
        f" its place from 1 to 256. Delete it and fetch it again."
    )


def _usps_file(part: str, sha256: str) -> RemoteFile:
    """One of USPS's files, whose size is not published."""
    return RemoteFile(USPS_FILES[part], (USPS_URL + USPS_FILES[part],), sha256, part=part)


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
        ink=BRIGHT,
        contains={TRAIN: ("optdigits-orig/test",)},
        reframed=True,  # from 32x32 px to 8x8
    ),
)
SOURCES.add(
    "usps",
    Source(
        name="usps",
        title="USPS, 9,298 digits of American envelopes, 16x16 px",
        licence="free for research, terms unclear",
        homepage="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        files=(
            _usps_file(TRAIN, "3771e9dd6ba685185f89867b6e249233dd74652389f263963b3b741e994b034f"),
            _usps_file(TEST, "a9c0164e797d60142a50604917f0baa604f326e9a689698763793fa5d12ffc4e"),
        ),
        parts=(TRAIN, TEST),
        read=read_usps,
        ink=BRIGHT,
        contains={TRAIN: ("usps16/test",)},
    ),
)
