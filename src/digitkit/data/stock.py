"""Which files of a source are here, and are the published ones."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from digitkit.core.errors import SourceError, StoreError
from digitkit.core.files import cache_folder, sha256, write_text
from digitkit.data.seal import Seal, holds, seal
from digitkit.data.source import TRAIN, RemoteFile, Source

SEALS = "verified.json"  # beside the files: what each was when its sha256 was last checked


def source_folder(source: Source) -> Path:
    """Where the files of a source are kept."""
    return cache_folder() / "sources" / source.name


def missing(source: Source) -> list[RemoteFile]:
    """The files of a source that are not here, or are not the published ones."""
    folder = source_folder(source)
    seals = _read_seals(folder)
    return [file for file in source.files if not _is_published(folder / file.name, file, seals.get(file.name))]


def is_here(source: Source) -> bool:
    """Whether a source can be read now, without a network."""
    if source.files:
        return not missing(source)
    try:
        return len(source.read(source_folder(source), TRAIN)) > 0
    except SourceError:
        return False


def remember(source: Source, files: Iterable[RemoteFile]) -> None:
    """Note that files were checked, so that they are not read whole each time; a read-only folder is no harm."""
    folder = source_folder(source)
    seals = _read_seals(folder) | {file.name: seal(folder / file.name) for file in files}
    with suppress(StoreError):
        write_text(folder / SEALS, json.dumps({name: asdict(known) for name, known in seals.items()}, indent=1))


def _read_seals(folder: Path) -> dict[str, Seal]:
    """What was checked before; nothing when that is not known."""
    try:
        entries = json.loads((folder / SEALS).read_text())
        return {str(name): Seal(**entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _is_published(path: Path, file: RemoteFile, known: Seal | None) -> bool:
    """Whether a file is the published one; it is read only when it was touched since the last check."""
    if known is not None and known.sha256 == file.sha256:
        return holds(path, known)
    try:
        return path.stat().st_size == file.size and sha256(path) == file.sha256
    except OSError:
        return False
