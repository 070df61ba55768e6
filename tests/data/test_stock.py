"""Files whose publisher tells no sha256, files of one part only, and sources that share a folder."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from digitkit.core.errors import FetchError, HashMismatch, SourceError
from digitkit.data.fetch import fetch
from digitkit.data.source import RemoteFile, Source
from digitkit.data.stock import content_of, is_here, missing, source_folder
from tests.data.conftest import CONTENT, WRONG, Lines, Mirror, remote, source_of

DIGEST = hashlib.sha256(CONTENT).hexdigest()


def unknown(mirror: Mirror, size: int = 0) -> Source:
    """A source of one file whose sha256 nobody tells."""
    mirror.files["a"] = CONTENT
    return source_of(RemoteFile("a", (mirror.url("a"),), size=size))


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_without_a_published_hash_is_fetched_and_its_hash_is_told_once(
    mirror: Mirror, tells_length: bool
) -> None:
    mirror.tells_length = tells_length
    source, lines = unknown(mirror), Lines()
    folder = fetch(source, report=lines)
    fetch(source, report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert lines == [f"tests: no sha256 is published for a; saw {DIGEST}, and will take no other."]
    assert mirror.requests == [("a", "")]


def test_a_later_change_of_the_published_file_is_refused_in_one_line_with_the_cure(mirror: Mirror) -> None:
    source = unknown(mirror)
    folder = fetch(source)
    (folder / "a").unlink()
    mirror.files["a"] = WRONG
    with pytest.raises(HashMismatch) as caught:
        fetch(source)
    assert DIGEST[:12] in str(caught.value)
    assert str(folder / "pinned.json") in str(caught.value)
    assert "If you trust the new file, delete that list" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder / "a").exists()


def test_the_same_file_is_taken_again_after_it_was_deleted(mirror: Mirror) -> None:
    source = unknown(mirror)
    (fetch(source) / "a").unlink()
    assert (fetch(source) / "a").read_bytes() == CONTENT


def test_a_pinned_file_that_was_changed_here_is_fetched_again(mirror: Mirror) -> None:
    source, lines = unknown(mirror), Lines()
    kept = fetch(source) / "a"
    kept.write_bytes(WRONG)
    fetch(source, report=lines)
    assert kept.read_bytes() == CONTENT
    assert "is not the file that came first" in lines.text


def test_after_the_list_of_pins_is_deleted_a_new_file_is_taken(mirror: Mirror) -> None:
    source = unknown(mirror)
    folder = fetch(source)
    (folder / "a").unlink()
    (folder / "pinned.json").unlink()
    mirror.files["a"] = WRONG
    assert (fetch(source) / "a").read_bytes() == WRONG


def test_a_damaged_list_of_pins_is_said_and_not_taken_for_none(mirror: Mirror) -> None:
    source = unknown(mirror)
    folder = fetch(source)
    for content in ("{", json.dumps(["a"]), json.dumps({"a": "no hash"})):
        (folder / "pinned.json").write_text(content)
        with pytest.raises(SourceError, match=r"pinned\.json.*Delete it"):
            missing(source)


def test_a_file_without_a_published_hash_that_lies_there_by_hand_is_taken_offline_and_pinned(
    mirror: Mirror, cache: Path
) -> None:
    source, lines = unknown(mirror), Lines()
    source_folder(source).mkdir(parents=True)
    (source_folder(source) / "a").write_bytes(CONTENT)
    fetch(source, offline=True, report=lines)
    assert DIGEST in lines.text
    assert mirror.requests == []


def test_the_rest_of_an_unknown_file_is_never_joined_to_what_an_earlier_process_left(mirror: Mirror) -> None:
    source = unknown(mirror)
    source_folder(source).mkdir(parents=True)
    (source_folder(source) / "a.part").write_bytes(WRONG[:1000])
    assert (fetch(source) / "a").read_bytes() == CONTENT


def test_an_interrupted_download_of_unknown_size_goes_on_where_it_broke_off(mirror: Mirror) -> None:
    source = unknown(mirror)
    mirror.breaks_after["a"] = 300_000
    assert (fetch(source) / "a").read_bytes() == CONTENT
    assert mirror.requests == [("a", ""), ("a", "bytes=300000-")]


def test_a_file_of_known_hash_and_unknown_size_is_checked(mirror: Mirror) -> None:
    mirror.files["a"] = WRONG
    with pytest.raises(HashMismatch, match="expected sha256"):
        fetch(source_of(RemoteFile("a", (mirror.url("a"),), DIGEST)))


def two_parts(mirror: Mirror) -> Source:
    """A source whose test part needs one small file and whose extra part needs another."""
    mirror.files |= {"small": CONTENT, "large": WRONG}
    files = (
        replace(remote("small", CONTENT, mirror.url("small")), part="test"),
        replace(remote("large", WRONG, mirror.url("large")), part="extra"),
    )
    return replace(source_of(*files), parts=("train", "test", "extra"))


def test_only_the_files_of_the_wanted_part_are_fetched(mirror: Mirror) -> None:
    fetch(two_parts(mirror), parts=("test",))
    assert mirror.requests == [("small", "")]


def test_without_a_wish_every_file_is_fetched(mirror: Mirror) -> None:
    fetch(two_parts(mirror))
    assert [name for name, _ in mirror.requests] == ["small", "large"]


def test_a_source_is_here_without_its_extra_part(mirror: Mirror) -> None:
    source = two_parts(mirror)
    assert not is_here(source)
    fetch(source, parts=("train", "test"))
    assert is_here(source)
    assert [file.name for file in missing(source)] == ["large"]


def test_two_sources_of_one_archive_share_its_file(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    digits, letters = (
        replace(source_of(remote("a", CONTENT, mirror.url("a"))), name=name, folder="both")
        for name in ("digits", "letters")
    )
    assert fetch(digits) == fetch(letters)
    assert len(mirror.requests) == 1


def test_a_file_without_an_address_is_asked_for_by_hand_with_the_page_about_it() -> None:
    source = replace(source_of(RemoteFile("a.npz", (), DIGEST, 5)), homepage="https://example.org/about")
    with pytest.raises(FetchError) as caught:
        fetch(source)
    assert "Put the files there by hand" in str(caught.value)
    assert "https://example.org/about" in str(caught.value)


def test_the_content_of_a_file_follows_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    assert content_of(tmp_path / "a") == DIGEST
    (tmp_path / "a").write_bytes(WRONG)
    assert content_of(tmp_path / "a") != DIGEST
    with pytest.raises(SourceError, match="digitkit data fetch"):
        content_of(tmp_path / "b")
