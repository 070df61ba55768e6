"""What the names of folders and files say: which part of a source they are for, and whether people see them."""

import re
from collections.abc import Collection

from digitkit.data.skipped import legible
from digitkit.data.source import TEST, TRAIN, VAL

PART_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VAL,
    "val": VAL,
    "validation": VAL,
    "test": TEST,
    "testing": TEST,
}
EMPTY = "(empty)"  # the folder of the class whose name is no text, in data sets that the service gives out
ARCHIVERS = "__"  # __MACOSX and the like: folders that archivers leave behind
WORD = re.compile(r"[A-Za-z]+")


def part_of(folders: Collection[str], stem: str = "") -> str:
    """The part that the first telling folder names, or else a word of a file's name; "" where nothing tells."""
    words = [*folders, *WORD.findall(stem)]
    return next((PART_NAMES[word.lower()] for word in words if word.lower() in PART_NAMES), "")


def class_of(folder: str) -> str:
    """The class whose pictures lie in a folder of this name."""
    return "" if folder == EMPTY else legible(folder)


def is_hidden(name: str) -> bool:
    """Whether a name is one that people do not see, or that archivers leave behind."""
    return name.startswith((".", ARCHIVERS))
