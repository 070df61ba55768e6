"""One process at a time: a lock on a file, which the system lets go when its holder ends, however it ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from digitkit.core.errors import StoreError
from digitkit.core.files import make_folder
from digitkit.data.source import Report, keep_quiet

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO, wait: bool) -> None:
        """Lock the first byte; a waiting attempt gives up after 10 s and is made again."""
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    raise
            else:
                return

else:
    import fcntl

    def _lock(file: BinaryIO, wait: bool) -> None:
        """Lock the whole file."""
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextmanager
def locked(path: Path, report: Report = keep_quiet) -> Iterator[None]:
    """Hold the lock on a path, waiting while another process or thread holds it.

    Raises: StoreError when the lock's file cannot be written.
    """
    make_folder(path.parent)
    try:
        file = path.open("ab")
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}. Choose another place.") from error
    with file:  # closing lets the lock go
        try:
            _lock(file, wait=False)
        except OSError:
            report(f"Another process is at work on {path.parent}; waiting for it.")
            _lock(file, wait=True)
        yield
