"""A folder of class folders as a source: in `folder:digits`, the picture `digits/7/any-name.png` is a seven."""

import os
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from digitkit.core.errors import SourceError
from digitkit.data.album import Album, AlbumReader, PictureFile, read_file
from digitkit.data.contents import contents_of
from digitkit.data.parts import class_of, is_hidden, part_of
from digitkit.data.skipped import Skipped
from digitkit.data.source import PARTS, TRAIN, Source

PREFIX = "folder:"


def folder_source(spec: str) -> Source:
    """The source of `folder:PATH`.

    PATH holds class folders, or the folders train, valid (or val) and test with class folders inside. A lone folder
    around all of these, as unpacking a zip makes it, is passed over.
    Raises: SourceError when there is no such folder, or it cannot be looked into.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    if not path.is_dir():
        raise SourceError(f"{spec}: there is no folder {path}. Check the path.")
    root = _without_wrappers(path.resolve())
    places = _find_parts(root)
    reader = AlbumReader(path.resolve().name or "folder", lambda folder, part: _open_part(root, places[part]))
    title = f"the pictures in {path}"
    return Source(spec, title, "your own", "", (), tuple(places), reader.read, notes=reader.notes)


def leaves(root: Path, path: Path) -> bool:
    """Whether a path leads out of a folder, by `..` or by links; `root` is resolved."""
    return not Path(os.path.realpath(path)).is_relative_to(root)


def _without_wrappers(root: Path) -> Path:
    """The folder within lone folders that hold nothing but folders; one that is named as a part or a number is none."""
    names = _folders(root)
    if len(names) != 1 or part_of(names) or names[0].isdecimal() or (root / names[0]).is_symlink():
        return root
    inner = root / names[0]
    if not _folders(inner) or any(entry.is_file() and not is_hidden(entry.name) for entry in inner.iterdir()):
        return root
    return _without_wrappers(inner)


def _find_parts(root: Path) -> dict[str, Path]:
    """The folder of each part; without folders of parts, all of it is the training part.

    Raises: SourceError when class folders stand beside parts, since nobody knows which part they are.
    """
    found: dict[str, Path] = {}
    for name in _folders(root):
        part = part_of([name])
        if part in found:
            raise SourceError(f"{root} has two folders for one part: {found[part].name} and {name}. Join them.")
        if part and leaves(root, root / name):
            raise SourceError(f"{root / name} is a link that leads out of the folder. Put the folder itself there.")
        found |= {part: root / name} if part else {}
    if not found:
        return {TRAIN: root}
    if others := [name for name in _folders(root) if not part_of([name])] if TRAIN not in found else []:
        raise SourceError(
            f"{root} has a folder {found[next(iter(found))].name!r} and beside it {', '.join(map(repr, others[:5]))}."
            f" Put the class folders to learn from into {root / TRAIN}."
        )
    return {part: found[part] for part in PARTS if part in found}


def _folders(path: Path) -> list[str]:
    """The names of the folders in a folder, sorted, without hidden ones."""
    try:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not is_hidden(entry.name))
    except OSError as error:
        raise SourceError(f"{path} cannot be looked into ({error.strerror}). Make it readable for you.") from error


def _open_part(root: Path, place: Path) -> Album:
    """The pictures of the class folders in one folder."""
    walk = _Walk(root, place, Skipped())
    names = [name for name in _folders(place) if walk.takes_folder(place / name)]
    if not names:
        raise SourceError(
            f"{place} has no class folders. Put the pictures into one folder per class,"
            f" such as {place / '7' / 'one.png'}."
        )
    files = [PictureFile(file, class_of(name)) for name in names for file in walk.files(name)]
    if not files:
        raise SourceError(
            f"{place} has class folders ({', '.join(names[:5])}...) but no pictures in them. Check the path."
        )
    classes = tuple(sorted({class_of(name) for name in names}))
    content = contents_of((file.name, place / file.name) for file in files)

    def read(name: str) -> bytes:
        return read_file(place / name, name)

    return Album(str(place), files, classes, lambda: nullcontext(read), content, walk.skipped)


@dataclass(frozen=True)
class _Walk:
    """Goes through class folders and stays inside: links, pipes and closed folders are listed, not followed."""

    root: Path  # of the source, resolved
    place: Path  # of the part
    skipped: Skipped

    def files(self, name: str) -> Iterator[str]:
        """The files of one class folder and of the folders in it, sorted, as paths below the part's folder."""
        for folder, folders, files in os.walk(self.place / name, onerror=self._note_closed):
            below = Path(folder)
            folders[:] = sorted(inner for inner in folders if not is_hidden(inner) and self.takes_folder(below / inner))
            for file in sorted(files):
                if not file.startswith(".") and self._takes_file(below / file):
                    yield self._name(below / file)

    def takes_folder(self, path: Path) -> bool:
        """Whether a folder is one, not a link to one."""
        if path.is_symlink():
            self.skipped.add("links", f"{self._name(path)}: a link to a folder. Put the folder itself there.")
            return False
        return True

    def _takes_file(self, path: Path) -> bool:
        """Whether a file is one that can be read without leaving the folder, or waiting for ever."""
        try:
            kind = path.lstat().st_mode
            if stat.S_ISLNK(kind):
                if leaves(self.root, path):
                    self.skipped.add("links", f"{self._name(path)}: a link that leads out of the folder.")
                    return False
                kind = path.stat().st_mode
        except OSError as error:
            self.skipped.add("files that cannot be read", f"{self._name(path)}: {error.strerror}.")
            return False
        if not stat.S_ISREG(kind):
            self.skipped.add("files of another kind", f"{self._name(path)}: a pipe or a device, no picture.")
            return False
        return True

    def _note_closed(self, error: OSError) -> None:
        """A folder that cannot be looked into does not spoil the others."""
        line = f"{self._name(Path(error.filename))}: the folder cannot be looked into ({error.strerror})."
        self.skipped.add("folders that cannot be looked into", line)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.place).as_posix()
