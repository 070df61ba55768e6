"""Two sets of UCI in their own text formats: Semeion, and the originals of the optical digits.

N pictures, 0 = paper, 255 = ink.
"""

from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.parsed import Labels, parse_once, split_once, write_parsed
from digitkit.data.source import BRIGHT, DIGITS, EXTRA, SOURCES, TEST, TRAIN, VAL, RemoteFile, Source
from digitkit.data.unpack import Unpacked

ADDRESS = "https://archive.ics.uci.edu/ml/machine-learning-databases/"
BITMAP_SIDE = 32  # px, of the optical digits before they became 8x8
BITMAP_FILES = {TRAIN: "tra", VAL: "cv", TEST: "windep", EXTRA: "wdep"}  # test: other writers; extra: the same ones
SEMEION_FILE = "semeion.data"
SEMEION_SIDE = 16  # px
MOST_BYTES = 2**24  # of one of these files, unpacked; the largest has 4 MB


def read_semeion(folder: Path, part: str) -> DigitSet:
    """One part of Semeion, split once and for all, 80 to 20 in each class.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / SEMEION_FILE

    def fill(writer: ArrayWriter) -> None:
        pixels, labels = _parse_semeion(path)
        chosen = split_once(labels, part)
        write_parsed(writer, pixels[chosen], labels[chosen])

    return parse_once(("semeion", part), DIGITS, [path], fill)


def _parse_semeion(path: Path) -> tuple[Pixels, Labels]:
    """Pixels uint8 (N,16,16) and labels: 256 values 0 or 1 and ten flags on each line."""
    pixels, labels = [], []
    with Unpacked(path, most=MOST_BYTES) as file:
        lines = file.read_all().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            values = [float(cell) for cell in line.split()]
        except ValueError:
            values = []
        ink, flags = values[: SEMEION_SIDE**2], values[SEMEION_SIDE**2 :]
        if len(flags) != len(DIGITS) or sorted(flags) != [0] * 9 + [1] or not set(ink) <= {0, 1}:
            if not line.strip():
                continue
            raise SourceError(
                f"{path.name}, line {number}: expected 256 values 0 or 1 and ten flags, one of them 1."
                f" Delete it and fetch it again."
            )
        pixels.append(ink)
        labels.append(flags.index(1))
    ink_or_paper = np.array(pixels, np.uint8).reshape(-1, SEMEION_SIDE, SEMEION_SIDE) * np.uint8(255)
    return ink_or_paper, np.array(labels, np.int64)


def read_optdigits_originals(folder: Path, part: str) -> DigitSet:
    """One part of the 32x32 bitmaps that the 8x8 ones were made from.

    Raises: SourceError when its file is not here or is not what it should be.
    """
    path = folder / f"optdigits-orig.{BITMAP_FILES[part]}.Z"
    return parse_once(
        ("optdigits-orig", part), DIGITS, [path], lambda writer: write_parsed(writer, *_parse_bitmaps(path))
    )


def _parse_bitmaps(path: Path) -> tuple[Pixels, Labels]:
    """Pixels uint8 (N,32,32) and labels: a header, then 32 lines of 32 characters 0 or 1 and a label for each."""
    with Unpacked(path, most=MOST_BYTES) as file:
        lines = file.read_all().splitlines()
    start = next((place for place, line in enumerate(lines) if _is_bitmap_row(line)), len(lines))
    height = BITMAP_SIDE + 1
    rows, codes = [], []
    for top in range(start, len(lines), height):
        bitmap, label = lines[top : top + BITMAP_SIDE], b"".join(lines[top + BITMAP_SIDE : top + height]).strip()
        if not all(map(_is_bitmap_row, bitmap)) or len(label) != 1 or not label.isdigit():
            raise SourceError(
                f"{path.name}, line {top + 1}: expected 32 lines of 32 characters 0 or 1 and a line with the digit."
                f" Delete it and fetch it again."
            )
        rows.append(b"".join(bitmap))
        codes.append(int(label))
    ink = np.frombuffer(b"".join(rows), np.uint8) - ord("0")
    return ink.reshape(-1, BITMAP_SIDE, BITMAP_SIDE) * np.uint8(255), np.array(codes, np.int64)


def _is_bitmap_row(line: bytes) -> bool:
    """Whether a line is one row of a bitmap."""
    return len(line) == BITMAP_SIDE and not line.strip(b"01")


def _uci_file(part: str) -> RemoteFile:
    """One of UCI's packed files, whose sha256 nobody publishes."""
    name = f"optdigits-orig.{BITMAP_FILES[part]}.Z"
    return RemoteFile(name, (f"{ADDRESS}optdigits/{name}",), part=part)


SOURCES.add(
    "optdigits-orig",
    Source(
        name="optdigits-orig",
        title="UCI optical digits, the 5,620 originals of 32x32 px",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/80",
        files=tuple(_uci_file(part) for part in BITMAP_FILES),
        parts=(TRAIN, VAL, TEST, EXTRA),
        read=read_optdigits_originals,
        ink=BRIGHT,
        family="optdigits",
    ),
)
SOURCES.add(
    "semeion",
    Source(
        name="semeion",
        title="Semeion, 1,593 digits of 80 Italians, 16x16 px",
        licence="CC BY 4.0",
        homepage="https://archive.ics.uci.edu/dataset/178",
        files=(
            RemoteFile(
                SEMEION_FILE,
                (f"{ADDRESS}semeion/{SEMEION_FILE}",),
                "f43228ae3da5ea6a3c95069d53450b86166770e3b719dcc333182128fe08d4b1",
            ),
        ),
        parts=(TRAIN, TEST),
        read=read_semeion,
        ink=BRIGHT,
    ),
)
