"""Pictures with annotations, one JSON object per line, as a source: `jsonl:numbers` or `jsonl:numbers/train.jsonl`.

A row is `{"image": "a.jpg", "suffix": "23"}`: the picture's path and its label. `prefix` is left alone, and what
`metadata` holds is counted for `data inspect`.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from digitkit.core.errors import SourceError
from digitkit.data.album import Album, AlbumReader, PictureFile, read_file
from digitkit.data.contents import contents_of
from digitkit.data.folder import leaves
from digitkit.data.parts import is_hidden, part_of
from digitkit.data.skipped import Skipped, legible
from digitkit.data.source import PARTS, TRAIN, Source

PREFIX = "jsonl:"
SUFFIX = ".jsonl"
MAX_LINE_BYTES = 2**20  # a row that is longer is none of ours
MAX_LABEL = 64  # characters: a label is a number, not a caption
MAX_KEYS = 50  # of metadata, and values of a key that are counted; the rest is counted as others
OTHERS = "others"

Parts = dict[str, list[Path]]


class _BadRow(Exception):
    """A row that cannot be used: what its like is called, and why."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind, self.reason = kind, reason


def jsonl_source(spec: str) -> Source:
    """The source of `jsonl:PATH`, a file, or a folder whose files are all read.

    Raises: SourceError when there is no such file or folder, or no annotations in it.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    if path.is_dir():
        root = path.resolve()
        parts = _find_parts(root)
    elif path.is_file():
        root = path.resolve().parent
        parts = {TRAIN: [path.resolve()]}
    else:
        raise SourceError(f"{spec}: there is no file and no folder {path}. Check the path.")
    reader = AlbumReader(path.resolve().stem, lambda folder, part: _open_part(root, parts[part]))
    title = f"the pictures annotated in {path}"
    return Source(
        spec, title, "your own", "", (), tuple(parts), reader.read, notes=reader.notes, metadata=reader.metadata
    )


def _find_parts(root: Path) -> Parts:
    """The annotation files of each part; where none is for training, all of them are."""
    found = list(_find_files(root))
    if not found:
        raise SourceError(f"{root} has no file that ends in {SUFFIX}. Check the path.")
    parts: Parts = {}
    for path in found:
        below = path.relative_to(root)
        parts.setdefault(part_of(below.parts[:-1], below.stem) or TRAIN, []).append(path)
    if TRAIN not in parts:
        return {TRAIN: found}
    return {part: parts[part] for part in PARTS if part in parts}


def _find_files(root: Path) -> Iterator[Path]:
    """Every annotation file in a folder and the folders in it, sorted."""

    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename} cannot be looked into ({error.strerror}). Make it readable.") from error

    for folder, folders, files in os.walk(root, onerror=stop):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(files):
            path = Path(folder, name)
            if name.lower().endswith(SUFFIX) and not is_hidden(name) and path.is_file() and not leaves(root, path):
                yield path


def _open_part(root: Path, annotations: Sequence[Path]) -> Album:
    """The pictures that the annotations of one part name."""
    rows = _Rows(root)
    for path in annotations:
        rows.take(path)
    place = ", ".join(str(path) for path in annotations[:3]) + (", ..." if len(annotations) > 3 else "")
    files = rows.files()
    if not files:
        lines = rows.skipped.tell()
        raise SourceError(f"{place}: no row names a picture with its label. " + " ".join((*lines[:1], *lines[-1:])))
    content = contents_of((file.name, root / file.name) for file in files)
    classes = tuple(sorted({file.label for file in files}))

    def read(name: str) -> bytes:
        return read_file(root / name, name)

    return Album(place, files, classes, lambda: nullcontext(read), content, rows.skipped, rows.metadata)


@dataclass(frozen=True)
class _Rows:
    """The rows of several files, one entry for each picture."""

    root: Path  # of the source, resolved; no picture lies outside
    skipped: Skipped = field(default_factory=Skipped)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)  # by picture: its label, and the row that said so
    disputed: set[str] = field(default_factory=set)
    metadata: dict[str, Counter[str]] = field(default_factory=dict)  # by key: rows that have each value

    def files(self) -> list[PictureFile]:
        """The pictures with the label that all of their rows agree on, in the order of the rows."""
        agreed = {name: label for name, (label, _) in self.labels.items() if name not in self.disputed}
        return [PictureFile(name, label) for name, label in agreed.items()]

    def take(self, path: Path) -> None:
        """Read one file; rows that cannot be used are listed by their line."""
        name = path.relative_to(self.root).as_posix()
        try:
            for number, line in _numbered_lines(path):
                self._take_row(path.parent, f"{name}:{number}", line)
        except OSError as error:
            self.skipped.add("annotation files that cannot be read", f"{name}: cannot be read ({error.strerror}).")

    def _take_row(self, folder: Path, where: str, line: bytes) -> None:
        try:
            image, label, metadata = _parse(line)
            name = self._locate(folder, image)
        except _BadRow as error:
            self.skipped.add(error.kind, f"{where}: {error.reason}")
            return
        self._count(metadata)
        known, first = self.labels.setdefault(name, (label, where))
        if known != label and name not in self.disputed:
            self.disputed.add(name)
            both = f"{label!r} here and {known!r} in {first}"
            self.skipped.add("pictures with two labels", f"{where}: {image} is {both}; the picture is not used.")

    def _count(self, metadata: Mapping[str, object]) -> None:
        """Count words, numbers and yes or no; lists and whole texts are no figures."""
        for key, value in metadata.items():
            if isinstance(value, str | int | float) and len(str(value)) <= MAX_LABEL and len(key) <= MAX_LABEL:
                counts = self.metadata.get(legible(key))
                if counts is None:
                    if len(self.metadata) >= MAX_KEYS:
                        continue
                    counts = self.metadata.setdefault(legible(key), Counter())
                word = legible(str(value))
                counts[word if word in counts or len(counts) < MAX_KEYS else OTHERS] += 1

    def _locate(self, folder: Path, image: str) -> str:
        """The path of a picture below the root; it is looked for beside the annotations, then from the root."""
        try:
            for start in dict.fromkeys((folder, self.root)):
                if leaves(self.root, start / image):
                    raise _BadRow("rows that name a picture outside", f"{image} lies outside of {self.root.name}.")
                if (start / image).is_file():
                    return Path(os.path.realpath(start / image)).relative_to(self.root).as_posix()
        except (OSError, ValueError) as error:  # names that no file can have
            raise _BadRow("rows that name no file", f"{image!r} is no name of a file ({error}).") from error
        raise _BadRow("rows that name a missing picture", f"there is no picture {image}.")


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold anything, with their numbers; of an endless one just more than is taken."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            rest = line
            while not rest.endswith(b"\n") and (rest := file.readline(MAX_LINE_BYTES)):
                pass
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _parse(line: bytes) -> tuple[str, str, Mapping[str, object]]:
    """The picture, the label and the metadata of a row."""
    if len(line) > MAX_LINE_BYTES:
        raise _BadRow("lines that are too long", f"longer than {MAX_LINE_BYTES:,} bytes.")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadRow("lines that are not JSON", f"not JSON ({error}).") from error
    if not isinstance(row, dict):
        raise _BadRow("lines that are no object", f'expected {{"image": ..., "suffix": ...}}, got {str(row)[:40]}.')
    image = _text(row, "image", "the path of the picture")
    if not image:
        raise _BadRow("rows without image", "image is empty, expected the path of the picture.")
    suffix = row.get("suffix")
    is_number = isinstance(suffix, int) and not isinstance(suffix, bool)
    label = str(suffix) if is_number else _text(row, "suffix", f"the label of {image}")
    if len(label) > MAX_LABEL:
        raise _BadRow("rows with a long suffix", f"suffix has {len(label)} characters, a label up to {MAX_LABEL}.")
    metadata = row.get("metadata")
    return image, legible(label), metadata if isinstance(metadata, dict) else {}


def _text(row: Mapping[str, object], key: str, meaning: str) -> str:
    """The text of a row under a key."""
    if key not in row:
        raise _BadRow(f"rows without {key}", f"lacks {key}, {meaning}; has {', '.join(row)[:80]}.")
    value = row[key]
    if not isinstance(value, str):
        raise _BadRow(f"rows without {key}", f"{key} is {json.dumps(value)[:40]}, expected text, {meaning}.")
    return value
