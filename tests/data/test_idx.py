import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import SourceError
from digitkit.data.idx import read_idx, write_idx

PICTURES = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


@pytest.mark.parametrize("values", [PICTURES, PICTURES[:, 0, 0]], ids=["pictures", "labels"])
def test_what_is_written_is_read_back(tmp_path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    write_idx(tmp_path / "idx", values)
    assert np.array_equal(read_idx(tmp_path / "idx"), values)


def test_the_bytes_are_those_of_the_published_format(tmp_path: Path) -> None:
    write_idx(tmp_path / "idx", PICTURES)
    assert (tmp_path / "idx").read_bytes() == struct.pack(">IIII", 2051, 5, 4, 3) + PICTURES.tobytes()


def test_pictures_stay_on_the_disk(tmp_path: Path) -> None:
    write_idx(tmp_path / "idx", PICTURES)
    assert isinstance(read_idx(tmp_path / "idx").base, np.memmap)


WHOLE = struct.pack(">IIII", 2051, 5, 4, 3) + PICTURES.tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:2],
        WHOLE[:10],
        WHOLE[:-1],
        WHOLE + b"x",
        gzip.compress(WHOLE),
        struct.pack(">HBBI", 0, 0x0D, 1, 5) + bytes(20),  # floats
        struct.pack(">HBB", 0, 8, 0),
        struct.pack(">HBB4I", 0, 8, 4, *([2**32 - 1] * 4)),  # more than any memory
    ],
    ids=["empty", "half a magic", "half a header", "cut", "longer", "packed", "floats", "no sides", "monstrous"],
)
def test_a_file_that_is_not_whole_or_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "idx").write_bytes(content)
    with pytest.raises(SourceError, match=r"idx.*[Ff]etch it again"):
        read_idx(tmp_path / "idx")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="absent cannot be read"):
        read_idx(tmp_path / "absent")
