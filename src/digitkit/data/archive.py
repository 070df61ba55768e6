"""A zip of pictures as a source, from this disk or from the web: `archive:digits.zip`, `archive:https://...`.

The label stands in a file's name; where no name has one, it is the name of the folder.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from digitkit.core.errors import ConfigError, SourceError
from digitkit.core.files import cache_folder
from digitkit.data.album import Album, AlbumReader, PictureFile, Read
from digitkit.data.contents import contents_of
from digitkit.data.drive import drive_step, is_drive
from digitkit.data.parts import class_of, part_of
from digitkit.data.skipped import Skipped, legible
from digitkit.data.source import PARTS, TRAIN, RemoteFile, Source
from digitkit.data.zipped import Members, list_members, open_zip, read_member

PREFIX = "archive:"
LABEL_PATTERN = r"_label([0-9])$"  # in the name without its ending: photo_0041_label7.jpg is a seven
KEPT_NAME = "pictures.zip"

Paths = dict[str, PurePosixPath]


def archive_source(spec: str) -> Source:
    """The source of `archive:PLACE` or `archive:PLACE#PATTERN`.

    PLACE is a zip file, the web address of one, or a Google Drive link. PATTERN is a regular expression that finds the
    label, its first group, in a file's name without the ending.
    Raises: SourceError when there is no such file or nothing in it has a label, ConfigError when the pattern is none.
    """
    place, pattern = take_apart(spec)
    if urlsplit(place).scheme in ("http", "https"):
        return _from_web(spec, place, pattern)
    path = Path(place).expanduser()
    if not path.is_file():
        raise SourceError(f"{spec}: there is no file {path}. Check the path.")
    reader = AlbumReader(path.stem, lambda folder, part: _open_part(path, pattern, part))
    parts = _parts(path, pattern)
    return Source(spec, f"the pictures in {path}", "your own", "", (), parts, reader.read, notes=reader.notes)


def _from_web(spec: str, url: str, pattern: str) -> Source:
    """The source of an archive that is fetched first; before that it is taken for one training part."""
    folder = f"archive-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    kept = cache_folder() / "sources" / folder / KEPT_NAME
    name = PurePosixPath(urlsplit(url).path).stem or folder
    reader = AlbumReader(name, lambda folder, part: _open_part(folder / KEPT_NAME, pattern, part))
    parts: tuple[str, ...] = (TRAIN,)
    reopen: Callable[[], Source] | None = partial(_from_web, spec, url, pattern)
    with suppress(SourceError):  # a damaged one is fetched again
        parts, reopen = _parts(kept, pattern), None
    steps = (drive_step(url, KEPT_NAME),) if is_drive(url) else ()
    return Source(
        spec, f"the pictures in {name}", "see its publisher", url,
        files=(RemoteFile(KEPT_NAME, () if is_drive(url) else (url,)),),
        parts=parts, read=reader.read, notes=reader.notes, steps=steps, folder=folder, reopen=reopen,
    )  # fmt: skip


def take_apart(spec: str) -> tuple[str, str]:
    """The place and the pattern of `archive:PLACE#PATTERN`; a file may have # in its name.

    Raises: ConfigError when the pattern is none.
    """
    place = spec.removeprefix(PREFIX)
    before, mark, pattern = place.rpartition("#")
    if not mark or Path(place).expanduser().is_file():
        return place, LABEL_PATTERN
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ConfigError(f"{spec}: {pattern!r} is no regular expression ({error}).") from error
    if not groups:
        raise ConfigError(f"{spec}: {pattern!r} does not say where the label is; write brackets around it, as in _(.)$")
    return before, pattern


@dataclass(frozen=True)
class _Listing:
    """What an archive holds: its members, the pictures of each part, and what is not looked at."""

    members: Members
    parts: dict[str, list[PictureFile]]
    skipped: Skipped


def _parts(path: Path, pattern: str) -> tuple[str, ...]:
    return tuple(_list(path, pattern, contents_of([(path.name, path)])).parts)


def _open_part(path: Path, pattern: str, part: str) -> Album:
    """The pictures of one part; the training part speaks for what lies in none."""
    content = contents_of([(path.name, path)])
    listing = _list(path, pattern, content)
    files, skipped = listing.parts[part], Skipped()
    if part == TRAIN:
        skipped = Skipped(list(listing.skipped.lines), listing.skipped.counts.copy())

    @contextmanager
    def reading() -> Iterator[Read]:
        with open_zip(path) as archive:
            yield lambda name: read_member(archive, listing.members[name], name)

    classes = tuple(sorted({file.label for file in files}))
    return Album(str(path), files, classes, reading, content, skipped)


@lru_cache(maxsize=4)
def _list(path: Path, pattern: str, content: str) -> _Listing:
    """Sort the members of an archive into parts and classes; `content` is its hash, so that an old list is not used."""
    skipped = Skipped()
    members = list_members(path, skipped)
    below = _without_common_folders({name: PurePosixPath(name) for name in sorted(members)})
    has_parts = any(part_of(place.parts[:-1][:1]) == TRAIN for place in below.values())
    labels = _labels(below, re.compile(pattern), int(has_parts))
    classes = sorted(set(labels.values()))
    telling = [label for label in classes if part_of([label])]
    if not has_parts and telling and len(telling) < len(classes):
        others = ", ".join(repr(label) for label in classes if label not in telling)[:80]
        raise SourceError(
            f"{path} has a folder {telling[0]!r} and beside it {others}. Put the class folders to learn from into"
            f" a folder {TRAIN}."
        )
    parts: dict[str, list[PictureFile]] = {}
    for name, place in below.items():
        part = part_of(place.parts[:-1][:1]) if has_parts else TRAIN
        if part and name in labels:
            parts.setdefault(part, []).append(PictureFile(name, labels[name]))
        else:
            lacking = "no label" if part else "in no part"
            skipped.add(f"files with {lacking}" if part else f"files {lacking}", f"{name}: {lacking}.")
    if TRAIN not in parts:
        raise SourceError(
            f"{path}: no picture to learn from has a label. Expected {pattern} in the names without ending (another"
            f" pattern goes behind #, as in {PREFIX}{path.name}#_(.)$), or one folder per class."
        )
    return _Listing(members, {part: parts[part] for part in PARTS if part in parts}, skipped)


def _without_common_folders(paths: Paths) -> Paths:
    """Paths below the one folder, or folders, that everything is in; class folders stay."""
    while True:
        firsts = {path.parts[0] for path in paths.values() if len(path.parts) > 1}
        if len(firsts) != 1 or not any(len(path.parts) > 2 for path in paths.values()):
            return paths
        paths = {name: PurePosixPath(*path.parts[1:]) if len(path.parts) > 1 else path for name, path in paths.items()}


def _labels(paths: Paths, pattern: re.Pattern[str], depth: int) -> dict[str, str]:
    """The label of each name that has one; only when no name has, that of the folder at a depth."""
    found = {name: pattern.search(path.stem) for name, path in paths.items()}
    labels = {name: match.group(1) for name, match in found.items() if match and match.group(1) is not None}
    folders = {name: path.parts[depth] for name, path in paths.items() if len(path.parts) > depth + 1}
    return {name: legible(label) for name, label in labels.items()} or {
        name: class_of(folder) for name, folder in folders.items()
    }
