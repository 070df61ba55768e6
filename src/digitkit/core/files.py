"""Files: where they lie, how they are written whole or not at all, and their hashes."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from digitkit.core.errors import StoreError

MAX_STEM = 60  # characters of the name in a temporary name: even of 4 bytes each they stay under 255


def cache_folder() -> Path:
    """Where downloads and prepared pictures are kept: `DIGITKIT_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("DIGITKIT_CACHE")
    return Path(chosen) if chosen else user_cache_path("digitkit")


def data_folder() -> Path:
    """Where what must not be lost is kept, such as submissions: `DIGITKIT_DATA`, or the user's folder for data."""
    chosen = os.environ.get("DIGITKIT_DATA")
    return Path(chosen) if chosen else user_data_path("digitkit")


def sha256(path: Path) -> str:
    """The sha256 of a file as 64 hexadecimal characters, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """The bytes of a file, 0 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


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
    Raises: StoreError when the disk is full, the folder cannot be written, or the target is a folder.
    """
    if not target.name or target.is_dir():
        raise StoreError(f"Cannot write {target}: it is a folder. Name a file.")
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name[:MAX_STEM]}.{secrets.token_hex(8)}")
    try:
        temporary.touch(exist_ok=False)  # with the permissions that any new file of this user gets
        yield temporary
        _publish(temporary, target)
    except OSError as error:
        raise StoreError(
            f"Cannot write {target}: {error.strerror or error}. Free some space or choose another place."
        ) from error
    finally:
        with suppress(OSError):  # gone when all went well; what cannot be removed must not hide why
            temporary.unlink()


def _publish(temporary: Path, target: Path) -> None:
    """Flush to the disk, then rename."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or leave the old one as it was."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write a whole UTF-8 text file or leave the old one as it was."""
    write_bytes(target, content.encode())
