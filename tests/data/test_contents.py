import os
from pathlib import Path

import pytest

from digitkit.core import files
from digitkit.data import contents
from digitkit.data.contents import contents_of


@pytest.fixture
def listing(tmp_path: Path) -> list[tuple[str, Path]]:
    """Two files."""
    for name in "ab":
        (tmp_path / name).write_text(f"text {name}")
    return [(name, tmp_path / name) for name in "ab"]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once; a test cannot wait for seconds, nor set back when a file was changed."""
    monkeypatch.setattr(contents, "SETTLED_NS", -(10**18))


def test_the_same_names_and_bytes_have_the_same_content_anywhere(
    listing: list[tuple[str, Path]], tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for name, path in listing:
        (moved / name).write_bytes(path.read_bytes())
    assert contents_of((name, moved / name) for name, _ in listing) == contents_of(listing)


def test_another_name_order_or_byte_is_another_content(listing: list[tuple[str, Path]]) -> None:
    before = contents_of(listing)
    assert contents_of(listing[::-1]) != before
    assert contents_of([("c", listing[0][1]), listing[1]]) != before
    listing[0][1].write_text("text c")
    assert contents_of(listing) != before


@pytest.mark.usefixtures("settled")
def test_files_that_nobody_touched_are_not_read_again(
    listing: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents_of(listing)

    def fail(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(contents, "sha256", fail)
    assert contents_of(listing) == before


@pytest.mark.usefixtures("settled")
def test_a_file_with_other_bytes_and_its_old_time_is_noticed(listing: list[tuple[str, Path]]) -> None:
    before = contents_of(listing)
    path = listing[0][1]
    times = path.stat()
    while path.stat().st_ctime_ns == times.st_ctime_ns:  # the clock of a file system takes steps
        path.write_text("text x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert contents_of(listing) != before


def test_files_that_were_just_written_are_read_each_time(listing: list[tuple[str, Path]], cache: Path) -> None:
    contents_of(listing)
    assert not (cache / "contents").exists()


@pytest.mark.usefixtures("settled")
def test_a_damaged_note_is_made_again(listing: list[tuple[str, Path]], cache: Path) -> None:
    before = contents_of(listing)
    (note,) = (cache / "contents").iterdir()
    note.write_bytes(b"\xff\xfe")
    assert contents_of(listing) == before
    assert note.read_text() == before


@pytest.mark.usefixtures("settled")
def test_a_cache_that_cannot_be_written_costs_time_only(
    listing: list[tuple[str, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents_of(listing)
    (tmp_path / "file").touch()
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "file"))
    assert files.cache_folder() == tmp_path / "file"
    assert contents_of(listing) == before


def test_a_file_that_is_not_there_is_a_content_too(listing: list[tuple[str, Path]]) -> None:
    whole = contents_of(listing)
    listing[0][1].unlink()
    assert contents_of(listing) != whole
