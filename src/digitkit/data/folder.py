"""A folder of class folders as a source: in `folder:digits`, the picture `digits/7/any-name.png` is a seven.

N pictures, H height, W width.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL

from digitkit import __version__
from digitkit.core.digitset import Dense, DigitSet, Pictures, Ragged
from digitkit.core.errors import PictureError, SourceError
from digitkit.core.files import sha256
from digitkit.core.picture import Pixels, decode
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import Array, cached_rows, key_of
from digitkit.data.source import TEST, TRAIN, VAL, Source

PREFIX = "folder:"
PART_FOLDERS = {TRAIN: ("train",), VAL: ("valid", "val"), TEST: ("test",)}
READER = 1  # counts up when this module reads the same files into other pixels
PIECE_BYTES = 8 * 2**20  # decoded pictures are written when so many bytes have come together

Listing = list[tuple[str, int]]  # path below the part's folder, with `/`; label


def folder_source(spec: str) -> Source:
    """The source of `folder:PATH`.

    PATH holds class folders, or the folders train, valid (or val) and test with class folders inside.
    Raises: SourceError when there is no such folder, or no class folder in it.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    if not path.is_dir():
        raise SourceError(f"{spec}: there is no folder {path}. Check the path.")
    places = _find_parts(path)
    reader = _FolderReader(path.resolve().name or "folder", places)
    title = f"the pictures in {path}"
    return Source(spec, title, "your own", "", (), tuple(places), reader.read, notes=reader.notes)


def _find_parts(root: Path) -> dict[str, Path]:
    """The folder of each part; without a folder `train`, all of it is the training part."""
    found = {name.lower(): root / name for name in _folders(root)}
    if not any(name in found for name in PART_FOLDERS[TRAIN]):
        return {TRAIN: root}
    return {part: found[name] for part, names in PART_FOLDERS.items() for name in names[::-1] if name in found}


def _folders(path: Path) -> list[str]:
    """The names of the folders in a folder, sorted; hidden ones and those of archivers are left out."""
    return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))


def _walk(place: Path, name: str) -> Iterator[str]:
    """The files of one class folder and of the folders in it, sorted, as paths below the part's folder."""
    for folder, folders, files in os.walk(place / name):
        folders.sort()
        for file in sorted(files):
            if not file.startswith("."):
                yield (Path(folder) / file).relative_to(place).as_posix()


def _list(place: Path) -> tuple[tuple[str, ...], Listing]:
    """The classes of a part and its files."""
    classes = tuple(_folders(place))
    if not classes:
        raise SourceError(
            f"{place} has no class folders. Put the pictures into one folder per class,"
            f" such as {place / '7' / 'one.png'}."
        )
    listing = [(file, label) for label, name in enumerate(classes) for file in _walk(place, name)]
    if not listing:
        raise SourceError(
            f"{place} has class folders ({', '.join(classes[:5])}...) but no pictures in them. Check the path."
        )
    return classes, listing


@dataclass(frozen=True)
class _FolderReader:
    """Reads the parts of one folder, each of them once."""

    name: str  # of the folder, for origins
    places: dict[str, Path]
    opened: dict[str, tuple[tuple[str, ...], dict[str, Array]]] = field(default_factory=dict)

    def read(self, folder: Path, part: str) -> DigitSet:
        """One part as native pixels, memory-mapped."""
        classes, arrays = self._open(part)
        origins = np.char.add(f"{self.name}/{part}/", np.asarray(arrays["names"], np.str_))
        return DigitSet(_pictures(arrays), np.asarray(arrays["labels"], np.int64), classes, origins)

    def notes(self, folder: Path, part: str) -> tuple[str, ...]:
        """The files that could not be read, and why."""
        return tuple(str(line) for line in self._open(part)[1]["skipped"])

    def _open(self, part: str) -> tuple[tuple[str, ...], dict[str, Array]]:
        """The classes and the cached arrays of a part."""
        if part not in self.opened:
            place = self.places[part]
            classes, listing = _list(place)
            key = key_of("folder", READER, __version__, PIL.__version__, classes, _content(place, listing))
            self.opened[part] = classes, cached_rows(key, lambda writer: _decode_all(place, listing, writer))
        return self.opened[part]


def _content(place: Path, listing: Listing) -> str:
    """The sha256 of all names and all bytes, so that a changed picture is never taken from the cache."""
    whole = hashlib.sha256()
    for file, label in listing:
        try:
            content = sha256(place / file)
        except OSError as error:
            content = f"unreadable: {error.strerror}"
        whole.update(f"{label}\0{file}\0{content}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _decode_all(place: Path, listing: Listing, writer: ArrayWriter) -> None:
    """Decode every file into one growing buffer; those that are no pictures are listed."""
    names, labels, shapes, skipped = [], [], [], []
    pending: list[Pixels] = []
    pending_bytes = 0
    for file, label in listing:
        try:
            pixels = _without_needless_colour(decode(place / file, name=file))
        except PictureError as error:
            skipped.append(str(error))
            continue
        names.append(file)
        labels.append(label)
        shapes.append((*pixels.shape[:2], 1 if pixels.ndim == 2 else 3))
        pending.append(pixels.ravel())
        pending_bytes += pixels.size
        if pending_bytes >= PIECE_BYTES:
            writer.append("buffer", np.concatenate(pending))
            pending, pending_bytes = [], 0
    if not names:
        raise SourceError(f"{place}: none of {len(skipped)} files is a picture. The first: {skipped[0]}")
    writer.append("buffer", np.concatenate([*pending, np.zeros(0, np.uint8)]))
    writer.append("shapes", np.array(shapes, np.int32))
    writer.append("labels", np.array(labels, np.int64))
    writer.append("names", np.array(names, np.str_))
    writer.append("skipped", np.array(skipped, np.str_))


def _without_needless_colour(pixels: Pixels) -> Pixels:
    """A picture without any colour as grey (H,W), another as it is (H,W,3)."""
    grey = pixels[..., 0]
    is_grey = (grey == pixels[..., 1]).all() and (grey == pixels[..., 2]).all()
    return grey if is_grey else pixels


def _pictures(arrays: dict[str, Array]) -> Pictures:
    """The buffer as pictures: dense where all sizes agree, else ragged."""
    buffer, shapes = np.asarray(arrays["buffer"], np.uint8), np.asarray(arrays["shapes"], np.int32)
    if (shapes == shapes[0]).all():
        height, width, channels = (int(side) for side in shapes[0])
        return Dense(buffer.reshape((-1, height, width) if channels == 1 else (-1, height, width, channels)))
    sizes = shapes.astype(np.int64).prod(axis=1)
    return Ragged(buffer, np.cumsum(sizes) - sizes, shapes)
