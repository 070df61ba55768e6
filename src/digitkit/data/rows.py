"""Choose and join rows of pixels that may be too many for memory.

N rows.
"""

import mmap
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from digitkit.core.digitset import Indices
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import cached_rows, key_of

LARGE_BYTES = 2**28  # from here on the result lies on disk, memory-mapped
PIECE = 10_000  # rows copied at a time


def take_rows(pixels: Pixels, indices: Indices, content: str) -> Pixels:
    """The chosen rows, in that order; `content` is a hash of what they hold.

    Shapes: `pixels` uint8 (any, ...), `indices` (N,); returns uint8 (N, ...).
    """
    if len(indices) * pixels[:1].size <= LARGE_BYTES:
        return pixels[indices]

    def pieces() -> Iterator[Pixels]:
        for start in range(0, len(indices), PIECE):
            yield pixels[indices[start : start + PIECE]]
            release(pixels)

    return _on_disk(pieces, content, pixels.shape[1:])


def join_rows(groups: Iterable[Pixels], content: str) -> Pixels:
    """All rows of several arrays, one behind the other; `content` is a hash of what they hold."""
    arrays = list(groups)
    if sum(array.size for array in arrays) <= LARGE_BYTES:
        return np.concatenate(arrays)
    return _on_disk(lambda: arrays, content, arrays[0].shape[1:])


def release(rows: Pixels) -> None:
    """Hand back the memory that a mapped file's rows take; what is needed again comes from the file.

    The system would do so too, but only once memory is short, and until then nobody can tell what is needed.
    """
    base: object = rows
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # Windows has no such thing
        base.madvise(mmap.MADV_DONTNEED)


def _on_disk(pieces: Callable[[], Iterable[Pixels]], content: str, row: tuple[int, ...]) -> Pixels:
    """The pieces one behind the other in the cache, under a name made from their content and the shape of a row."""

    def fill(writer: ArrayWriter) -> None:
        for piece in pieces():
            writer.append("pixels", piece)

    return np.asarray(cached_rows(key_of("pixels", content, row), fill)["pixels"], np.uint8)
