"""Packed files that are damaged, too long or not there end in one message."""

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from digitkit.core.errors import SourceError
from digitkit.data.unpack import Unpacked
from tests.fixtures.lzw import pack_lzw

CONTENT = bytes(range(256)) * 400
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".Z": pack_lzw,
    ".txt": bytes,
}
every_packing = pytest.mark.parametrize("ending", PACK)


@every_packing
def test_what_was_packed_is_read_in_pieces_of_the_size_asked_for(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(PACK[ending](CONTENT))
    with Unpacked(path) as file:
        assert file.read(1000) == CONTENT[:1000]
        assert file.read_all() == CONTENT[1000:]
        assert file.read(1) == b""


@every_packing
def test_more_than_is_allowed_never_comes_out(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(PACK[ending](CONTENT))
    with pytest.raises(SourceError, match=r"file.*(more than|unpacks to more)"), Unpacked(path, most=5000) as file:
        file.read_all()


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("kept", [0, 20, -30])
def test_a_file_that_was_cut_is_one_error(tmp_path: Path, ending: str, kept: int) -> None:
    path = tmp_path / f"file{ending}"
    path.write_bytes(PACK[ending](CONTENT)[:kept] if kept else b"no packing")
    with pytest.raises(SourceError, match=r"file.*damaged or cut off.*fetch it again"), Unpacked(path) as file:
        file.read_all()


def test_a_packed_member_of_a_zip_is_read_without_unpacking_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/one.gz", gzip.compress(CONTENT))
        archive.writestr("in/two", b"other")
    with Unpacked(tmp_path / "a.zip", "in/one.gz") as file:
        assert file.read_all() == CONTENT
    with Unpacked(tmp_path / "a.zip", "in/two") as file:
        assert file.read_all() == b"other"
    with pytest.raises(SourceError, match=r"a\.zip: in/three"), Unpacked(tmp_path / "a.zip", "in/three"):
        pass


def test_a_file_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="digitkit data fetch"), Unpacked(tmp_path / "a.gz"):
        pass
