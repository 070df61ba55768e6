"""Files: where they lie, how they are written whole or not at all, and their hashes."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from digitkit.core.errors import StoreError


def cache_folder() -> Path:
    """Where downloads and prepared pictures are kept: `DIGITKIT_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("DIGITKIT_CACHE")
    return Path(chosen) if chosen else user_cache_path("digitkit")


def sha256(path: Path) -> str:
    """The sha256 of a file as 64 hexadecimal characters, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(path: Path) -> Path:
    """Create a folder and its parents.

    Raises: StoreError when it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot create the folder {path}: {error.strerror}. Choose another place.") from error
    return path


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; it becomes `target` only when the block succeeds.

    Readers see the old file or the new one, never half of it.
    Raises: StoreError when the disk is full or the folder cannot be written.
    """
    make_folder(target.parent)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _publish(temporary, target)
    except OSError as error:
        raise StoreError(
            f"Cannot write {target}: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _publish(temporary: Path, target: Path) -> None:
    """Flush to the disk, give ordinary permissions, rename."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    temporary.replace(target)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or leave the old one as it was."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write a whole UTF-8 text file or leave the old one as it was."""
    write_bytes(target, content.encode())
