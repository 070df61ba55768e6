import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digitkit.core.errors import FetchError, HashMismatch, SourceError, StoreError
from digitkit.data.fetch import fetch, read_part
from digitkit.data.source import RemoteFile, Report, Step
from digitkit.data.stock import missing
from tests.data.conftest import CONTENT, UNREACHABLE, WRONG, Lines, Mirror, remote, source_of


def test_a_file_comes_from_the_first_mirror_and_is_kept(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("a"))))
    assert folder.is_relative_to(cache)
    assert (folder / "a").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["a", "verified.json"]


def test_a_kept_file_is_not_asked_for_again(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    source = source_of(remote("a", CONTENT, mirror.url("a")))
    fetch(source)
    fetch(source)
    assert mirror.requests == [("a", "")]


def test_a_kept_file_that_was_changed_is_noticed_and_fetched_again(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    source = source_of(remote("a", CONTENT, mirror.url("a")))
    kept = fetch(source) / "a"
    kept.write_bytes(WRONG)
    lines = Lines()
    fetch(source, report=lines)
    assert kept.read_bytes() == CONTENT
    assert "is not the published file" in lines.text


def test_offline_a_file_that_was_changed_is_not_said_to_be_replaced(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    source, lines = source_of(remote("a", CONTENT, mirror.url("a"))), Lines()
    (fetch(source) / "a").write_bytes(WRONG)
    with pytest.raises(FetchError, match="offline"):
        fetch(source, offline=True, report=lines)
    assert "is not the published file and is not used" in lines.text


def test_a_missing_file_is_said_in_one_line_and_the_next_mirror_is_asked(mirror: Mirror) -> None:
    mirror.files["good"] = CONTENT
    lines = Lines()
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("gone"), mirror.url("good"))), report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert lines == [f"tests: {mirror.url('gone')} answered 404 Not Found"]


def test_a_wrong_checksum_names_what_was_expected_what_came_and_the_cure(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = WRONG
    source = source_of(remote("a", CONTENT, mirror.url("a")))
    with pytest.raises(HashMismatch) as caught:
        fetch(source)
    expected, got = re.findall(r"\b[0-9a-f]{12}\b(?=\.\.\.)", str(caught.value))
    assert expected == source.files[0].sha256[:12]
    assert got == remote("a", WRONG).sha256[:12]
    assert "fetch again" in str(caught.value)
    assert list((cache / "sources" / "tests").glob("a*")) == []


def test_after_a_wrong_checksum_the_other_mirrors_are_tried(mirror: Mirror) -> None:
    mirror.files |= {"wrong": WRONG, "good": CONTENT}
    lines = Lines()
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("wrong"), mirror.url("good"))), report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert len(lines) == 1
    assert "expected sha256" in lines[0]


def test_a_packed_file_is_unpacked_and_checked_by_its_content(mirror: Mirror) -> None:
    packed = gzip.compress(CONTENT)
    mirror.files["a.gz"] = packed
    folder = fetch(source_of(remote("a", CONTENT, mirror.url("a.gz"), packed=packed)))
    assert (folder / "a").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(CONTENT + b"x"), gzip.compress(WRONG), gzip.compress(CONTENT)[:-9], b"no gzip at all"],
    ids=["unpacks to more", "unpacks to other bytes", "is cut", "is not packed"],
)
def test_a_packed_file_that_holds_something_else_is_refused(mirror: Mirror, cache: Path, packed: bytes) -> None:
    mirror.files["a.gz"] = packed
    with pytest.raises(HashMismatch):
        fetch(source_of(remote("a", CONTENT, mirror.url("a.gz"), packed=packed)))
    assert list((cache / "sources" / "tests").glob("a*")) == []


def test_offline_a_missing_file_is_named_with_its_place_and_nobody_is_asked(mirror: Mirror, cache: Path) -> None:
    mirror.files["a"] = CONTENT
    with pytest.raises(FetchError) as caught:
        fetch(source_of(remote("a", CONTENT, mirror.url("a"))), offline=True)
    assert f"a not in {cache / 'sources' / 'tests'}" in str(caught.value)
    assert "offline" in str(caught.value)
    assert "by hand" in str(caught.value)
    assert mirror.url("a") in str(caught.value)
    assert mirror.requests == []


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_file_put_there_by_hand_is_taken_even_offline(cache: Path, is_packed: bool) -> None:
    packed = gzip.compress(CONTENT) if is_packed else b""
    file = remote("a", CONTENT, f"{UNREACHABLE}/a", packed=packed)
    folder = cache / "sources" / "tests"
    folder.mkdir(parents=True)
    (folder / file.download_name).write_bytes(packed or CONTENT)
    assert (fetch(source_of(file), offline=True) / "a").read_bytes() == CONTENT


def test_when_no_mirror_helps_the_other_steps_are_taken(mirror: Mirror) -> None:
    def write_both(folder: Path, report: Report) -> None:
        (folder / "a").write_bytes(CONTENT)
        (folder / "b").write_bytes(WRONG)

    mirror.files["b"] = WRONG
    files = remote("a", CONTENT, mirror.url("a")), remote("b", WRONG, mirror.url("b"))
    lines = Lines()
    folder = fetch(source_of(*files, steps=(Step("a step of this test", write_both),)), report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert lines[-1] == "tests: trying a step of this test."
    assert not (folder / ".step").exists()


def test_a_step_that_fails_is_said_in_one_line_and_the_next_is_tried() -> None:
    def fail(folder: Path, report: Report) -> None:
        raise FetchError("this step has no luck")

    def write_wrong(folder: Path, report: Report) -> None:
        (folder / "a").write_bytes(WRONG)

    def write_right(folder: Path, report: Report) -> None:
        (folder / "a").write_bytes(CONTENT)

    steps = tuple(Step(step.__name__, step) for step in (fail, write_wrong, write_right))
    lines = Lines()
    folder = fetch(source_of(remote("a", CONTENT), steps=steps), report=lines)
    assert (folder / "a").read_bytes() == CONTENT
    assert lines[1] == "tests: this step has no luck"
    assert "expected sha256" in lines[3]


def test_progress_is_told_in_bytes_of_the_whole_file(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    told: list[tuple[str, int, int]] = []
    fetch(source_of(remote("a", CONTENT, mirror.url("a"))), lambda *progress: told.append(progress))
    assert told[-1] == ("a", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_of_a_file_of_unknown_size_the_progress_is_told_by_the_word_of_the_mirror(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    told: set[int] = set()
    fetch(source_of(RemoteFile("a", (mirror.url("a"),))), lambda name, done, total: told.add(total))
    assert told == {len(CONTENT)}


def test_two_at_once_fetch_a_file_once(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    source = source_of(remote("a", CONTENT, mirror.url("a")))
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: fetch(source), range(4)))
    assert (folders[0] / "a").read_bytes() == CONTENT
    assert mirror.requests == [("a", "")]


def test_a_place_that_cannot_be_written_is_said_plainly(mirror: Mirror, cache: Path) -> None:
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder should be")
    mirror.files["a"] = CONTENT
    with pytest.raises(StoreError, match="Choose another place"):
        fetch(source_of(remote("a", CONTENT, mirror.url("a"))))


def test_a_part_that_a_source_does_not_have_is_named_with_those_it_has() -> None:
    with pytest.raises(SourceError, match=r"no part 'test'.*train"):
        read_part(source_of(), "test")


def test_what_is_missing_is_known_without_a_network(mirror: Mirror) -> None:
    mirror.files["a"] = CONTENT
    source = source_of(remote("a", CONTENT, mirror.url("a")))
    assert [file.name for file in missing(source)] == ["a"]
    fetch(source)
    assert missing(source) == []
