"""Kaggle's digit-recognizer: MNIST's pictures as rows of a table, train.csv with labels and test.csv without.

N pictures of 28x28 px, 0 = paper, 255 = ink.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.parsed import parse_once, write_parsed
from digitkit.data.source import BRIGHT, DIGITS, TRAIN, Source

PREFIX = "kaggle:"
TRAIN_TABLE, TEST_TABLE = "train.csv", "test.csv"
SIDE = 28  # px
PIXELS = tuple(f"pixel{number}" for number in range(SIDE * SIDE))
LABEL = "label"
LEVELS = {str(level): level for level in range(256)}  # of grey, as they are written
LINE_CHARACTERS = 16_384  # the longest that is read; 785 cells of three digits have 3,140
PIECE = 1_000  # pictures kept together


@dataclass(frozen=True)
class Row:
    """One picture of a table, uint8 (28,28); `line` is where it stands, counted from 1, the label None in test.csv."""

    line: int
    picture: Pixels
    label: str | None


def kaggle_source(spec: str) -> Source:
    """The source of `kaggle:FOLDER` with a train.csv in it, or of `kaggle:FILE`.

    Kaggle draws its two tables out of MNIST's 70,000 pictures without regard to MNIST's parts, so the record says that
    it contains MNIST's test pictures; QMNIST's test part shows the same digits.
    Raises: SourceError when there is no such table.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    table = path / TRAIN_TABLE if path.is_dir() else path
    if not table.is_file():
        raise SourceError(f"{spec}: there is no {table}. Name the folder that holds Kaggle's {TRAIN_TABLE}.")

    def read(folder: Path, part: str) -> DigitSet:
        return parse_once(("kaggle", part), DIGITS, [table], lambda writer: _fill(table, writer))

    return Source(
        name=spec,
        title=f"Kaggle's digit-recognizer in {table}",
        licence="CC BY-SA 3.0, as MNIST",
        homepage="https://www.kaggle.com/competitions/digit-recognizer",
        files=(),
        parts=(TRAIN,),
        read=read,
        ink=BRIGHT,
        contains={TRAIN: ("mnist/test", "qmnist/test")},
    )


def read_rows(table: Path) -> Iterator[Row]:
    """The pictures of train.csv or test.csv, in their order.

    Raises: SourceError, with the number of the line, when it is no such table.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = tuple(file.readline(LINE_CHARACTERS).rstrip("\r\n").split(","))
            if header not in ((LABEL, *PIXELS), PIXELS):
                raise SourceError(
                    f"{table}, line 1: expected the columns {LABEL} (in {TRAIN_TABLE} only) and pixel0 to pixel783, got"
                    f" {len(header)}: {','.join(header)[:60]}... Give Kaggle's {TRAIN_TABLE} or {TEST_TABLE}."
                )
            line = 1
            while text := file.readline(LINE_CHARACTERS):
                line += 1
                if text.strip():
                    yield _row(f"{table}, line {line}", line, text.rstrip("\r\n").split(","), len(header))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{table} cannot be read as a table ({error}). Get it from Kaggle again.") from error


def _row(where: str, line: int, cells: list[str], columns: int) -> Row:
    """One line as a picture."""
    if len(cells) != columns:
        raise SourceError(f"{where}: expected {columns} values, got {len(cells)}. Get the table from Kaggle again.")
    label = cells[0] if columns > len(PIXELS) else None
    if label is not None and label not in DIGITS:
        raise SourceError(f"{where}: expected a label from 0 to 9, got {label[:20]!r}. Correct that line.")
    try:
        levels = bytes(map(LEVELS.__getitem__, cells[columns - len(PIXELS) :]))
    except KeyError as error:
        raise SourceError(
            f"{where}: expected pixels from 0 to 255, got {str(error.args[0])[:20]!r}. Correct that line."
        ) from error
    return Row(line, np.frombuffer(levels, np.uint8).reshape(SIDE, SIDE), label)


def _fill(table: Path, writer: ArrayWriter) -> None:
    """Write the pictures of train.csv and their labels."""
    rows: list[Row] = []
    for row in read_rows(table):
        if row.label is None:
            raise SourceError(f"{table} has no labels to learn from. Name {TRAIN_TABLE}, or the folder that holds it.")
        rows.append(row)
        if len(rows) == PIECE:
            _write(rows, writer)
            rows = []
    _write(rows, writer)


def _write(rows: list[Row], writer: ArrayWriter) -> None:
    """Write some pictures."""
    if rows:
        labels = np.array([DIGITS.index(row.label or "") for row in rows], np.int64)
        write_parsed(writer, np.stack([row.picture for row in rows]), labels)
