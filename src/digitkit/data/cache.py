"""Arrays kept on disk under a key of their content, opened memory-mapped.

An entry is a folder with one `.npy` file per array and a manifest; it appears whole or not at all.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.errors import StoreError
from digitkit.core.files import cache_folder, make_folder
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.lock import locked
from digitkit.data.seal import Seal, holds, seal

MANIFEST = "manifest.json"
FORMAT = 1
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")

Array = NDArray[np.generic]


def key_of(*facts: object) -> str:
    """A key from everything that the arrays depend on: fingerprints, settings, versions."""
    return hashlib.sha256("\n".join(repr(fact) for fact in facts).encode()).hexdigest()[:32]


def cached_rows(key: str, fill: Callable[[ArrayWriter], None]) -> dict[str, Array]:
    """The arrays of a key, made once and then opened from disk, read-only and memory-mapped.

    They may be of any length: `fill(writer)` appends their rows piece by piece. A damaged or half-written entry is
    made again. Of two processes that need it, one makes it, the other waits.
    Raises: StoreError when it cannot be written; whatever `fill` raises, and then nothing is kept.
    """
    assert KEY.fullmatch(key), f"{key!r} is no key"
    folder = cache_folder() / "arrays" / key
    if (arrays := _open(folder)) is not None:
        return arrays
    with locked(folder.parent / f".{key}.lock"):
        if (arrays := _open(folder)) is not None:  # made while we waited
            return arrays
        _build(folder, fill)
    arrays = _open(folder)
    if arrays is None:
        raise StoreError(f"The cache {folder} changed while it was written. Delete it and try again.")
    return arrays


def is_cached(key: str) -> bool:
    """Whether the arrays of a key are there, whole and as they were written."""
    return KEY.fullmatch(key) is not None and _open(cache_folder() / "arrays" / key) is not None


def _build(folder: Path, fill: Callable[[ArrayWriter], None]) -> None:
    """Write an entry beside its place, then move it there."""
    growing = folder.parent / f".{folder.name}.new"
    try:
        shutil.rmtree(growing, ignore_errors=True)  # of a process that was killed
        make_folder(growing)
        with ArrayWriter(growing) as writer:
            fill(writer)
        _write_manifest(growing, writer)
        if folder.exists() or folder.is_symlink():
            _discard(folder)
        growing.rename(folder)
    except OSError as error:
        raise StoreError(
            f"Cannot write {folder}: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _discard(folder: Path) -> None:
    """Remove a damaged entry, or whatever lies in its place."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink()


def _write_manifest(folder: Path, writer: ArrayWriter) -> None:
    """Note what each array is, for the check when it is opened."""
    arrays = {name: asdict(seal(folder / f"{name}.npy")) for name in writer.names}
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, "arrays": arrays}, indent=1))


def _open(folder: Path) -> dict[str, Array] | None:
    """The arrays of an entry; None when it is not there, not whole or altered."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest["format"] != FORMAT:
            return None
        return {
            str(name): _open_array(folder / f"{name}.npy", Seal(**known)) for name, known in manifest["arrays"].items()
        }
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _open_array(path: Path, known: Seal) -> Array:
    """One array, after the check of its file."""
    if not holds(path, known):
        raise ValueError(f"{path} is not the file that was written")
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
