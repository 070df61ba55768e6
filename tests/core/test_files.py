"""Files are written whole or not at all."""

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from digitkit.core.errors import StoreError
from digitkit.core.files import atomic_path, cache_folder, make_folder, sha256, size_of, write_bytes, write_text


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_word_the_cache_is_the_one_of_the_user(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("DIGITKIT_CACHE")
    if value is not None:
        monkeypatch.setenv("DIGITKIT_CACHE", value)
    assert cache_folder().name == "digitkit"
    assert cache_folder().is_absolute()


def test_the_sha256_of_a_file_is_the_one_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b"abc" * 100_000)
    assert sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_a_file_that_is_not_there_has_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"abc")
    assert (size_of(tmp_path / "bytes"), size_of(tmp_path / "none")) == (3, 0)


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "ä.txt", "sieben 七")
    assert (tmp_path / "a" / "b" / "ä.txt").read_bytes() == "sieben 七".encode()
    assert names_in(tmp_path / "a" / "b") == ["ä.txt"]


def test_a_written_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_bytes(tmp_path / "ours", b"x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "ours")}
    assert len(modes) == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["model.onnx"]


def test_until_the_end_of_the_block_readers_see_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == tmp_path
    assert target.read_text() == "new"


def test_a_full_disk_is_our_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    def fill_the_disk() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match=r"Cannot write .*model\.onnx: No space left on device\. Free some space"):
        fill_the_disk()
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_disk_that_is_really_full_is_our_error(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"

    def write_to_a_full_device() -> None:
        with atomic_path(target) as temporary:
            temporary.unlink()
            temporary.symlink_to("/dev/full")
            temporary.write_bytes(b"x" * 2**20)

    with pytest.raises(StoreError, match="No space left on device"):
        write_to_a_full_device()
    assert names_in(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"Cannot create the folder .*file.*Choose another place"):
        write_bytes(tmp_path / "file" / "x", b"")
    with pytest.raises(StoreError):
        make_folder(tmp_path / "file")


def test_a_folder_in_the_place_of_the_file_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreError, match="Cannot write"):
        write_bytes(tmp_path / "taken", b"x")
    assert names_in(tmp_path) == ["taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_our_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            write_bytes(tmp_path / "x", b"x")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_takes_no_files_is_our_error() -> None:
    with pytest.raises(StoreError, match="Cannot write /proc/self/x"):
        write_bytes(Path("/proc/self/x"), b"x")


def test_a_name_as_long_as_the_file_system_takes_is_written(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 125)
    write_bytes(target, b"x")
    assert target.read_bytes() == b"x"


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "shared"
    contents = [bytes([letter]) * 50_000 for letter in b"abcdefgh"]
    threads = [threading.Thread(target=write_bytes, args=(target, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in contents
    assert names_in(tmp_path) == ["shared"]


@pytest.mark.parametrize("name", [".", "/", "here"])
def test_a_folder_is_no_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(StoreError, match=r"it is a folder\. Name a file"):
        write_text(Path(name), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
