"""Which files of a source are here, and are the published ones."""

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from digitkit.core.errors import SourceError, StoreError
from digitkit.core.files import cache_folder, sha256, write_text
from digitkit.data.seal import Seal, holds, seal
from digitkit.data.source import SHA256, RemoteFile, Source

SEALS = "verified.json"  # beside the files: what each was when its sha256 was last checked
PINS = "pinned.json"  # beside the files: the sha256 seen first of files whose publisher tells none


def source_folder(source: Source) -> Path:
    """Where the files of a source are kept."""
    return cache_folder() / "sources" / (source.folder or source.name)


def expected(source: Source, parts: Collection[str] | None = None) -> list[RemoteFile]:
    """The files that these parts of a source need (None: all), each with the sha256 that was pinned for it.

    Raises: SourceError when the list of pinned hashes is damaged.
    """
    files = [file for file in source.files if file.belongs_to(parts)]
    if all(file.sha256 for file in files):
        return files
    pins = _read_pins(source_folder(source))
    return [file if file.sha256 else replace(file, sha256=pins.get(file.name, "")) for file in files]


def missing(source: Source, parts: Collection[str] | None = None) -> list[RemoteFile]:
    """The files that are not here, or are not the published ones, or whose hash nobody has seen yet."""
    folder = source_folder(source)
    seals = _read_seals(folder)
    return [
        file for file in expected(source, parts) if not _is_published(folder / file.name, file, seals.get(file.name))
    ]


def is_here(source: Source) -> bool:
    """Whether a source can be read now, without a network; its extra part may be missing."""
    if source.drawn:
        return True
    if source.files:
        return not missing(source, source.usual_parts)
    try:
        return len(source.read(source_folder(source), source.usual_parts[0])) > 0
    except SourceError:
        return False


def remember(source: Source, files: Iterable[RemoteFile]) -> None:
    """Note that files were checked, so that they are not read whole each time; a read-only folder is no harm."""
    folder = source_folder(source)
    seals = _read_seals(folder) | {file.name: seal(folder / file.name) for file in files}
    with suppress(StoreError):
        write_text(folder / SEALS, json.dumps({name: asdict(known) for name, known in seals.items()}, indent=1))


def pin(source: Source, name: str, digest: str) -> None:
    """Keep in mind the sha256 of a file whose publisher tells none; another file will not be taken for it.

    Raises: StoreError when it cannot be written.
    """
    folder = source_folder(source)
    write_text(folder / PINS, json.dumps(_read_pins(folder) | {name: digest}, indent=1))


def content_of(path: Path) -> str:
    """The sha256 of a source's file; it is read only when it was touched since the last check.

    Raises: SourceError when it is not here.
    """
    known = _read_seals(path.parent).get(path.name)
    if known is not None and holds(path, known):
        return known.sha256
    try:
        return sha256(path)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror}). Run `digitkit data fetch`, or put it there by hand."
        ) from error


def _read_seals(folder: Path) -> dict[str, Seal]:
    """What was checked before; nothing when that is not known."""
    try:
        entries = json.loads((folder / SEALS).read_text())
        return {str(name): Seal(**entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _read_pins(folder: Path) -> dict[str, str]:
    """The pinned hashes; a damaged list is no reason to trust whatever comes next."""
    path = folder / PINS
    try:
        pins = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read ({error}). Delete it to have the files checked anew.") from error
    if not isinstance(pins, dict) or not all(SHA256.fullmatch(str(digest)) for digest in pins.values()):
        raise SourceError(f"{path} holds no list of sha256. Delete it to have the files checked anew.")
    return pins


def _is_published(path: Path, file: RemoteFile, known: Seal | None) -> bool:
    """Whether a file is the published one; it is read only when it was touched since the last check."""
    if not file.sha256:
        return False
    if known is not None and known.sha256 == file.sha256:
        return holds(path, known)
    try:
        return file.size in (0, path.stat().st_size) and sha256(path) == file.sha256
    except OSError:
        return False
