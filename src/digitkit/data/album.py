"""Pictures that come as files, each with a label: looked at once, then opened from the cache.

Small ones are kept as pixels. Photos are kept as the bytes of their files, which take a tenth of the room.
N pictures, H height, W width.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL

from digitkit import __version__
from digitkit.core.digitset import Dense, DigitSet, Encoded, Pictures, Ragged
from digitkit.core.errors import PictureError, SourceError
from digitkit.core.picture import LIMITS, Pixels, decode, without_needless_colour
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import Array, cached_rows, key_of
from digitkit.data.fingerprint import MARK, mark_of
from digitkit.data.skipped import MAX_LINES, Skipped, legible

READER = 2  # counts up when the same files give other pixels or other marks
PIECE_BYTES = 8 * 2**20  # pictures are written when so many bytes have come together
# A part stays encoded once its pixels would take more than this, and more than so many times the bytes of its files.
LARGE_BYTES = 2**28
LARGE_TIMES = 4
MAX_NAME = 200  # characters of a name in an origin: one long name makes room for itself in every other
UNREADABLE = "pictures that cannot be read"

Read = Callable[[str], bytes]  # takes a name; raises PictureError


@dataclass(frozen=True)
class PictureFile:
    """One file with its label; `name` is its path within the source, with `/`."""

    name: str
    label: str


@dataclass(frozen=True)
class Album:
    """One part of a source as files.

    `open()` gives the function that reads them by name; `content` is a hash of their bytes, `place` is for messages,
    `metadata` says how many rows have which value of which key.
    """

    place: str
    files: Sequence[PictureFile]
    classes: tuple[str, ...]
    open: Callable[[], AbstractContextManager[Read]]
    content: str
    skipped: Skipped
    metadata: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class AlbumReader:
    """Reads the parts of one source, each of them once; `find(folder, part)` gives the album of a part."""

    name: str  # of the source, for origins
    find: Callable[[Path, str], Album]
    opened: dict[str, tuple[Album, dict[str, Array]]] = field(default_factory=dict)

    def read(self, folder: Path, part: str) -> DigitSet:
        """One part as native pixels, memory-mapped.

        Raises: SourceError when nothing in it can be read.
        """
        album, arrays = self._open(folder, part)
        origins = np.char.add(f"{legible(self.name)}/{part}/", np.asarray(arrays["names"], np.str_))
        return DigitSet(_pictures(arrays), np.asarray(arrays["labels"], np.int64), album.classes, origins)

    def notes(self, folder: Path, part: str) -> tuple[str, ...]:
        """What was skipped and why, a line for each, the counts at the end."""
        return self._open(folder, part)[0].skipped.tell()

    def metadata(self, folder: Path, part: str) -> Mapping[str, Mapping[str, int]]:
        """How many rows have which value of which key."""
        return self._open(folder, part)[0].metadata

    def _open(self, folder: Path, part: str) -> tuple[Album, dict[str, Array]]:
        """The album of a part and its cached arrays."""
        if part not in self.opened:
            album = self.find(folder, part)
            key = key_of("album", READER, __version__, PIL.__version__, album.classes, _names(album), album.content)
            arrays = cached_rows(key, lambda writer: _read_all(album, writer))
            album.skipped.add_all(UNREADABLE, [str(line) for line in arrays["skipped"]], int(arrays["unread"][0]))
            self.opened[part] = album, arrays
        return self.opened[part]


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a picture's file, one more than the limit at most.

    Raises: PictureError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LIMITS.content_bytes + 1)
    except OSError as error:
        raise PictureError(f"{name}: cannot be read ({error.strerror}). Give a file that may be read.") from error


def _names(album: Album) -> str:
    """The sha256 of all names with their labels."""
    whole = hashlib.sha256()
    for file in album.files:
        whole.update(f"{file.label}\0{file.name}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _read_all(album: Album, writer: ArrayWriter) -> None:
    """Decode every file once; those that are no pictures are listed."""
    shelf = _Shelf(writer)
    skipped, unread = [], 0
    places = {label: index for index, label in enumerate(album.classes)}
    with album.open() as read:
        for file in album.files:
            try:
                content = read(file.name)
                shelf.put(file.name, places[file.label], content, decode(content, name=file.name))
            except PictureError as error:
                unread += 1
                skipped += [legible(str(error))] if unread <= MAX_LINES else []
    if not shelf.names:
        first = f" The first: {skipped[0]}" if skipped else ""
        raise SourceError(f"{album.place}: none of {unread} files is a picture.{first}")
    shelf.close()
    writer.append("skipped", np.array(skipped, np.str_))
    writer.append("unread", np.array([unread], np.int64))


@dataclass
class _Shelf:
    """Takes pictures one by one, as pixels and as files, and in the end keeps one of the two."""

    writer: ArrayWriter
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    shapes: list[tuple[int, int, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    marks: list[bytes] = field(default_factory=list)
    pixel_bytes: int = 0
    file_bytes: int = 0
    is_large: bool = False
    pixels: list[Pixels] = field(default_factory=list)  # not written yet
    files: list[Pixels] = field(default_factory=list)
    pending_bytes: int = 0  # in both of them

    def put(self, name: str, label: int, content: bytes, decoded: Pixels) -> None:
        """Add a picture: `decoded` uint8 (H,W,3), `content` the bytes that it came from."""
        pixels = without_needless_colour(decoded)
        self.names.append(_shortened(legible(name)))
        self.labels.append(label)
        self.shapes.append((*pixels.shape[:2], 1 if pixels.ndim == 2 else 3))
        self.sizes.append(len(content))
        self.marks.append(mark_of(pixels))
        self.pixel_bytes += pixels.size
        self.file_bytes += len(content)
        self.is_large |= self.pixel_bytes > max(LARGE_BYTES, LARGE_TIMES * self.file_bytes)
        self.files.append(np.frombuffer(content, np.uint8))
        self.pixels += [] if self.is_large else [pixels.ravel()]
        self.pending_bytes += len(content) + pixels.size
        if self.pending_bytes >= PIECE_BYTES:
            self._write()

    def close(self) -> None:
        """Write what is left, and drop the form that is not wanted."""
        self._write()
        self.writer.discard("buffer" if self.is_large else "files")
        self.writer.append("names", np.array(self.names, np.str_))
        self.writer.append("labels", np.array(self.labels, np.int64))
        self.writer.append("shapes", np.array(self.shapes, np.int32))
        self.writer.append("sizes", np.array(self.sizes, np.int64))
        self.writer.append("marks", np.frombuffer(b"".join(self.marks), np.uint8).reshape(-1, MARK.itemsize))

    def _write(self) -> None:
        """Bring to the disk what has come together."""
        nothing = np.zeros(0, np.uint8)
        self.writer.append("files", np.concatenate([nothing, *self.files]))
        self.writer.append("buffer", np.concatenate([nothing, *self.pixels]))
        self.files, self.pixels, self.pending_bytes = [], [], 0


def _shortened(name: str) -> str:
    """A name of bounded length that is still one of its own."""
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME // 2]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}~{name[-MAX_NAME // 4 :]}"


def _pictures(arrays: dict[str, Array]) -> Pictures:
    """The photos as files; other pictures dense where all sizes agree, else ragged."""
    shapes = np.asarray(arrays["shapes"], np.int32)
    if "files" in arrays:
        sizes = np.asarray(arrays["sizes"], np.int64)
        marks = np.array(arrays["marks"]).view(MARK).reshape(-1)
        return Encoded(np.asarray(arrays["files"], np.uint8), np.cumsum(sizes) - sizes, sizes, shapes, marks)
    buffer = np.asarray(arrays["buffer"], np.uint8)
    if (shapes == shapes[0]).all():
        height, width, channels = (int(side) for side in shapes[0])
        return Dense(buffer.reshape((-1, height, width) if channels == 1 else (-1, height, width, channels)))
    sizes = shapes.astype(np.int64).prod(axis=1)
    return Ragged(buffer, np.cumsum(sizes) - sizes, shapes)
