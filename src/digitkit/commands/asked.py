"""What `predict` was asked to read: files, folders, patterns, tables, standard input, a sample of a data set."""

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitkit.commands.parts import named_part
from digitkit.core.errors import DataError
from digitkit.core.picture import PictureSource, Pixels, decode, is_decoded_here
from digitkit.data.parts import is_hidden

# Of the pictures in a folder; a file named outright may have any name.
SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".bmp", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
STDIN = "-"
TABLE = ".csv"  # of pictures, as Kaggle gives them


@dataclass(frozen=True)
class Asked:
    """One picture that was asked for, or why there is none; `true_label` is known for samples."""

    name: str
    source: PictureSource | DataError
    true_label: str | None = None

    def pixels(self) -> Pixels:
        """The picture, uint8 (H,W,3).

        Raises: DataError when it cannot be read.
        """
        if isinstance(self.source, DataError):
            raise self.source
        return decode(self.source, self.name)

    def is_opened_here(self) -> bool:
        """Whether to open it here instead of in a thread of its own."""
        return isinstance(self.source, DataError) or is_decoded_here(self.source)


def expand(words: Sequence[str]) -> Iterator[Asked]:
    """The pictures behind the words of a command line, in order; folders sorted by name."""
    for word in words:
        path = Path(word)
        if word == STDIN:
            yield Asked(STDIN, sys.stdin.buffer)
        elif path.is_dir():
            yield from _of_folder(word, path)
        elif glob.has_magic(word) and not path.exists():
            yield from _of_pattern(word)
        elif path.suffix.lower() == TABLE and path.is_file():
            yield from _of_table(word, path)
        else:
            yield Asked(printable(word), path)


def sample(spec: str, seed: int | None) -> Asked:
    """A random picture of SOURCE/PART with its true label, as in mnist/test.

    Raises: ConfigError when this is no such part, SourceError when it cannot be had.
    """
    import numpy as np

    from digitkit.commands.printing import say
    from digitkit.data.catalogue import find_source
    from digitkit.data.fetch import read_part

    name, part = named_part("--sample", spec)
    digits = read_part(find_source(name), part, report=say)
    if not len(digits):
        raise DataError(f"--sample {spec}: there is no picture in it. Choose another part.")
    index = int(np.random.default_rng(seed).integers(len(digits)))
    return Asked(str(digits.origins[index]), digits.pictures[index], digits.classes[int(digits.labels[index])])


def printable(name: str) -> str:
    """A file name that can be printed; bytes that are no UTF-8 are written as \\x.."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _of_folder(word: str, folder: Path) -> Iterator[Asked]:
    """Every picture in a folder and the folders in it, without what is hidden."""
    inside = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    paths = sorted(path for path in inside if not any(map(is_hidden, path.relative_to(folder).parts)))
    if not paths:
        name = printable(word)
        yield Asked(name, DataError(f"{name}: no pictures in this folder (looked for .png, .jpg and the like)."))
    for path in paths:
        yield Asked(printable(str(path)), path)


def _of_pattern(word: str) -> Iterator[Asked]:
    """Every file that a pattern names; ** goes into folders."""
    paths = sorted(path for path in glob.glob(word, recursive=True) if os.path.isfile(path))
    if not paths:
        name = printable(word)
        yield Asked(name, DataError(f"{name}: no file matches this pattern."))
    for path in paths:
        yield Asked(printable(path), Path(path))


def _of_table(word: str, path: Path) -> Iterator[Asked]:
    """Every row of Kaggle's train.csv, with its true label, or test.csv.

    Raises: SourceError, with the number of the line, when it is no such table.
    """
    from digitkit.data.kaggle import read_rows

    for row in read_rows(path):
        yield Asked(f"{printable(word)}:{row.line}", row.picture, row.label)
