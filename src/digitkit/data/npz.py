"""Sets in one numpy file: `images` uint8, `labels`, sometimes a line between training and test.

N pictures, H height, W width in px.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import HashMismatch, SourceError
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.npz_file import Array, NpzArray, array_names, load_array
from digitkit.data.parsed import Chosen, parse_once, split_groups, split_once, write_parsed
from digitkit.data.parts import PART_NAMES
from digitkit.data.source import DIGITS, PARTS, TEST, TRAIN, RemoteFile, Source
from digitkit.data.stock import content_of

PREFIX = "npz:"
SUFFIX = ".npz"
IMAGES, LABELS, SPLIT = "images", "labels", "split"  # names of arrays
TEST_EVERY = 5  # pictures of a set without digits: so many to one for tests
LIKE_DIGITS = tuple("ILOSZQGBD")  # letters that nobody can tell from digits
MARK_OF_SHOWN = "-"  # in origins, before what a picture shows that is no digit
SPLIT_WORDS = {**PART_NAMES, "tra": TRAIN, "tes": TEST}  # what people call parts


@dataclass(frozen=True)
class NpzRecord:
    """What is known of a published file; in it, every label that is no digit means "not a digit".

    `parts` are all that it gives: a set for tests only has no training part. `groups` names the array that tells which
    pictures belong together, such as the photo they are from. `blanks` are digits that stand for an empty cell.
    `others` says what its pictures show that are no digits. A set of others alone is split by number where it has both
    parts: every fifth picture tests. `alike` are labels that nobody should learn to refuse: not in its training part.
    """

    name: str
    title: str
    licence: str
    homepage: str
    ink: str
    sha256: str
    size: int
    parts: tuple[str, ...] = (TRAIN, TEST)
    groups: str = ""
    blanks: tuple[str, ...] = ()
    only_others: bool = False  # it holds no digit at all
    others: str = ""
    alike: tuple[str, ...] = ()
    contains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # as in Source
    family: str = ""  # as in Source

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.name + SUFFIX

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of its pictures."""
        if self.only_others:
            return (NOT_A_DIGIT,)
        digits = tuple(digit for digit in DIGITS if digit not in self.blanks)
        return (*digits, NOT_A_DIGIT) if self.blanks else digits

    def source(self) -> Source:
        """The source of its name, whose file is put into its folder by hand."""
        return Source(
            name=self.name,
            title=self.title,
            licence=self.licence,
            homepage=self.homepage,
            files=(RemoteFile(self.file, (), self.sha256, self.size),),
            parts=self.parts,
            read=lambda folder, part: _read(folder / self.file, self, part),
            ink=self.ink,
            others=self.others,
            contains=self.contains,
            family=self.family,
        )


def npz_source(spec: str, records: Mapping[str, NpzRecord]) -> Source:
    """The source of `npz:FILE`; `records` by their sha256 tell what a published file is.

    A file of your own keeps its labels as they are; it is one training part unless an array `split` names parts.
    Raises: SourceError when there is no such file or it holds no pictures, HashMismatch when a file has the name of a
    published one but not its content.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    if not path.is_file():
        inside = ", ".join(sorted(entry.name for entry in path.glob("*" + SUFFIX))[:20]) if path.is_dir() else ""
        raise SourceError(f"{spec}: name one file of that folder: {inside}." if inside else f"{spec}: no file {path}.")
    record = records.get(content_of(path))
    if record is None:
        namesake = next((known for known in records.values() if known.file == path.name), None)
        if namesake is not None:
            raise HashMismatch(
                f"{path}: expected sha256 {namesake.sha256[:12]}... for {namesake.file}, got {content_of(path)[:12]}..."
                f" Get it again, or give your own file another name."
            )
        own = _OwnFile(path)
        return Source(spec, f"the pictures in {path}", "your own", "", (), own.parts, own.read)
    known = record.source()
    read = partial(_read_known, path, record)
    return replace(known, name=spec, files=(), read=read)


def _read_known(path: Path, record: NpzRecord, folder: Path, part: str) -> DigitSet:
    """One part of a published file, wherever it lies."""
    return _read(path, record, part)


def _read(path: Path, record: NpzRecord, part: str) -> DigitSet:
    """One part of a published file; of pictures that are no digits the origin ends with what they show, as in 17-Q."""
    words = _words(path, load_array(path, LABELS)) if record.only_others else np.zeros(0, np.str_)
    classes = tuple(np.unique(words).tolist()) or record.classes

    def fill(writer: ArrayWriter) -> None:
        labels = _words(path, load_array(path, LABELS))
        words = np.where(np.isin(labels, record.blanks), NOT_A_DIGIT, labels)
        _write(path, writer, words, _chosen(path, record, labels, part), classes)

    digits = parse_once((record.name, part), classes, [path], fill)
    if not record.only_others:
        return digits
    shown = np.array(classes)[digits.labels]
    origins = np.char.add(np.char.add(digits.origins, MARK_OF_SHOWN), shown)
    return DigitSet(digits.pictures, np.zeros(len(digits), np.int64), record.classes, origins)


def shown_in(digits: DigitSet) -> NDArray[np.str_]:
    """What each picture of a set of letters or other things shows, as its origin tells: (N,), such as "Q"."""
    return np.array([origin.rpartition(MARK_OF_SHOWN)[2] for origin in digits.origins.tolist()], np.str_)


def _chosen(path: Path, record: NpzRecord, labels: NDArray[np.str_], part: str) -> Chosen:
    """Which pictures make a part."""
    if record.parts == (part,):
        return np.ones(len(labels), np.bool_)
    if SPLIT in array_names(path):
        return np.asarray(_parts_of(path) == part, np.bool_)
    if record.groups:
        return split_groups(load_array(path, record.groups), part)
    if record.only_others:
        held_out = np.arange(len(labels)) % TEST_EVERY == 0
        return held_out if part == TEST else np.asarray(~held_out & ~np.isin(labels, record.alike), np.bool_)
    return split_once(np.unique(labels, return_inverse=True)[1].astype(np.int64), part)


@dataclass(frozen=True)
class _OwnFile:
    """A file of the user's own."""

    path: Path
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = set(_parts_of(self.path).tolist()) if SPLIT in array_names(self.path) else {TRAIN}
        object.__setattr__(self, "parts", tuple(part for part in PARTS if part in found))

    def read(self, folder: Path, part: str) -> DigitSet:
        """One part, with the labels that the file has."""
        words = _words(self.path, load_array(self.path, LABELS))
        everything = np.ones(len(words), np.bool_)
        chosen = _parts_of(self.path) == part if SPLIT in array_names(self.path) else everything
        classes = tuple(sorted(set(words[chosen].tolist())))
        name = self.path.stem
        return parse_once(
            (name, part), classes, [self.path], lambda writer: _write(self.path, writer, words, chosen, classes)
        )


def _write(path: Path, writer: ArrayWriter, words: NDArray[np.str_], chosen: Chosen, classes: tuple[str, ...]) -> None:
    """Write the chosen pictures and the places of their labels among the classes."""
    unknown = set(words[chosen].tolist()) - set(classes)
    if unknown:
        raise SourceError(f"{path}: unexpected label {min(unknown)!r}. Get the file again.")
    places = {name: place for place, name in enumerate(classes)}
    labels = np.array([places.get(word, 0) for word in words.tolist()], np.int64)
    with NpzArray(path, IMAGES) as images:
        if images.dtype != np.uint8 or len(images.shape) not in (3, 4) or images.shape[3:] not in ((), (3,)):
            raise SourceError(
                f"{path}: expected `images` uint8 (N,H,W) or (N,H,W,3), got {images.dtype} {images.shape}."
            )
        if images.shape[0] != len(words) or 0 in images.shape[1:]:
            raise SourceError(
                f"{path}: pictures {images.shape} and {len(words):,} labels do not belong together. Save it again."
            )
        for start, rows in images.rows():
            some = chosen[start : start + len(rows)]
            write_parsed(writer, rows[some].astype(np.uint8), labels[start : start + len(rows)][some])


def _parts_of(path: Path) -> NDArray[np.str_]:
    """The part of each picture by the file's `split`."""
    words = _words(path, load_array(path, SPLIT))
    with NpzArray(path, LABELS) as labels:
        if labels.shape != words.shape:
            raise SourceError(f"{path}: {len(words):,} parts and labels {labels.shape} do not belong together.")
    parts = np.array([SPLIT_WORDS.get(word.lower(), word.lower()) for word in words.tolist()], np.str_)
    unknown = sorted(set(parts.tolist()) - set(PARTS))
    if unknown:
        raise SourceError(f"{path}: `split` names the part {unknown[0]!r}. Expected some of {', '.join(PARTS)}.")
    return parts


def _words(path: Path, values: Array) -> NDArray[np.str_]:
    """Labels or parts as words (N,)."""
    if values.ndim != 1 or values.dtype.kind not in "iuU" or not len(values):
        raise SourceError(
            f"{path}: expected labels (N,) that are whole numbers or text, got {values.dtype} {values.shape}."
        )
    return values.astype(np.str_)
