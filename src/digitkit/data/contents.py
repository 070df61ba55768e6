"""One name for the content of many files, without reading all of them each time."""

import hashlib
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from digitkit.core.errors import StoreError
from digitkit.core.files import cache_folder, sha256, write_text
from digitkit.data.source import SHA256

# Clocks of file systems are coarse: a file written twice within their step looks untouched. What was written so shortly
# before it was read is read again next time.
SETTLED_NS = 2 * 10**9


def contents_of(files: Iterable[tuple[str, Path]]) -> str:
    """The sha256 of the names and bytes of files, in their order; a file that cannot be read counts as such.

    They are read only when one of them was touched, moved or replaced since the last time.
    """
    listing = list(files)
    touched, newest_ns = look(listing)
    known = cache_folder() / "contents" / touched
    with suppress(OSError, UnicodeDecodeError):
        if SHA256.fullmatch(content := known.read_text()):
            return content
    begun_ns = time.time_ns()
    content = _read(listing)
    if newest_ns < begun_ns - SETTLED_NS:
        with suppress(StoreError):  # a cache that cannot be written costs time, no more
            write_text(known, content)
    return content


def look(files: Iterable[tuple[str, Path]]) -> tuple[str, int]:
    """A hash of what the system knows of files without reading them, and when the newest was touched, in ns."""
    whole, newest_ns = hashlib.sha256(), 0
    for name, path in files:
        try:
            now = path.stat()
        except OSError as error:
            facts: tuple[object, ...] = (error.errno,)
        else:
            facts = (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_dev)
            newest_ns = max(newest_ns, now.st_mtime_ns, now.st_ctime_ns)
        whole.update(f"{name}\0{os.fspath(path)}\0{facts}\n".encode(errors="surrogateescape"))
    return whole.hexdigest(), newest_ns


def _read(listing: list[tuple[str, Path]]) -> str:
    """The hash of every name and every byte."""
    whole = hashlib.sha256()
    for name, path in listing:
        try:
            content = sha256(path)
        except OSError as error:
            content = f"unreadable: {error.strerror}"
        whole.update(f"{name}\0{content}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()
