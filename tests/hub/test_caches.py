import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitkit.core.errors import FetchError, HashMismatch, HubError
from digitkit.hub import caches
from digitkit.hub.repo import Repo
from tests.fixtures.hub_server import FakeHub, digest
from tests.hub.conftest import FILES, LARGE, SMALL, cache_of, keep_still, write_files

WRONG = LARGE[::-1]


def send(repo: Repo, folder: Path, files: dict[str, bytes] = FILES) -> None:
    """Push these files from a folder."""
    caches.push(repo, cache_of(write_files(folder, files), files), False, keep_still)


def bring(repo: Repo, folder: Path, **options: Any) -> Path:
    """Pull the files of the data set into a folder."""
    caches.pull(repo, cache_of(folder, **options), "main", keep_still)
    return folder


def held(hub: FakeHub) -> dict[str, bytes]:
    """The newest files of the repository; they can be changed."""
    files = hub.repos["dataset", "alice/digits"].files()
    assert files is not None
    return files


def test_what_was_pushed_is_pulled_to_the_byte(data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    there = bring(data, tmp_path / "there")
    assert {path.name: path.read_bytes() for path in there.iterdir()} == FILES


def test_a_repository_holds_the_named_files_and_their_manifest(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    assert set(held(hub)) == {".gitattributes", "toy/images", "toy/labels", "toy/digitkit.json"}
    manifest = json.loads(held(hub)["toy/digitkit.json"])
    assert manifest["files"] == [
        {"name": name, "sha256": digest(content), "size": len(content)} for name, content in FILES.items()
    ]
    assert (manifest["source"], manifest["licence"]) == ("toy", "CC0")


def test_a_second_data_set_leaves_the_first_where_it_is(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    hub.hold("dataset", "alice/digits", {"mnist/digitkit.json": b"{}"})
    send(data, tmp_path / "here")
    assert {"mnist/digitkit.json", "toy/images"} <= set(held(hub))


def test_files_that_are_here_are_left_alone(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    bring(data, tmp_path / "here")
    assert hub.asked("GET /cdn") == []


def test_a_wrong_file_in_its_place_is_replaced(data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    there = write_files(tmp_path / "there", {"images": WRONG})
    assert (bring(data, there) / "images").read_bytes() == LARGE


def test_a_pull_that_was_cut_is_finished_by_the_next(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    hub.breaks_after[digest(LARGE)] = [300_000, 0]
    there = tmp_path / "there"
    with pytest.raises(HubError, match="300,000 of 1,024,000 bytes are kept"):
        bring(data, there)
    assert not (there / "images").exists()
    hub.breaks_after.clear()
    assert (bring(data, there) / "images").read_bytes() == LARGE
    assert [one.range for one in hub.asked(f"GET /cdn/{digest(LARGE)}")][-1] == "bytes=300000-"
    assert sorted(path.name for path in there.iterdir()) == ["images", "labels"]


def test_a_file_with_other_bytes_is_refused_and_leaves_nothing(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    hub.gives[digest(LARGE)] = WRONG
    with pytest.raises(HashMismatch, match=rf"expected sha256 {digest(LARGE)[:12]}.*got {digest(WRONG)[:12]}"):
        bring(data, tmp_path / "there")
    assert [path for path in (tmp_path / "there").rglob("*") if path.is_file() and path.stat().st_size > 1_000] == []


def test_a_rest_that_does_not_fit_its_beginning_is_brought_whole(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    staging = tmp_path / "there" / caches.STAGING
    staging.mkdir(parents=True)
    (staging / f"{digest(LARGE)}.part").write_bytes(WRONG[:400_000])
    assert (bring(data, tmp_path / "there") / "images").read_bytes() == LARGE
    assert [one.range for one in hub.asked(f"GET /cdn/{digest(LARGE)}")] == ["bytes=400000-", ""]


def test_another_file_than_the_published_is_refused_before_it_is_brought(
    hub: FakeHub, data: Repo, tmp_path: Path
) -> None:
    send(data, tmp_path / "here", {"images": WRONG, "labels": SMALL})
    with pytest.raises(HashMismatch, match="its images is not the one of toy"):
        bring(data, tmp_path / "there")
    assert hub.asked("GET /cdn") == []


def test_where_the_publisher_tells_no_hash_the_manifest_counts(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    assert (bring(data, tmp_path / "there", published=False) / "images").read_bytes() == LARGE
    hub.gives[digest(LARGE)] = WRONG
    with pytest.raises(HashMismatch, match="expected sha256"):
        bring(data, tmp_path / "other", published=False)


def test_a_file_that_can_be_missing_may_be_missing(data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here", {"images": LARGE})
    there = bring(data, tmp_path / "there", more="labels")
    assert [path.name for path in there.iterdir()] == ["images"]


def test_a_file_that_is_needed_and_not_there_is_named(data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here", {"images": LARGE})
    with pytest.raises(FetchError, match="alice/digits lacks labels of toy"):
        bring(data, tmp_path / "there")


def test_a_repository_without_the_data_set_says_how_to_send_it(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    hub.hold("dataset", "alice/digits", {"mnist/digitkit.json": b"{}"})
    with pytest.raises(FetchError, match=r"holds no toy: it has no toy/digitkit.json.*digitkit data push toy"):
        bring(data, tmp_path / "there")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda manifest: b"{", "is no manifest"),
        (lambda manifest: b"[" * 100_000, "is no manifest"),
        (lambda manifest: b"{}", "is no manifest"),
        (lambda manifest: json.dumps({**manifest, "format": 2}).encode(), "has format 2, expected 1"),
        (lambda manifest: json.dumps({**manifest, "files": [{"name": "images"}]}).encode(), "is no manifest"),
        (
            lambda manifest: json.dumps(
                {**manifest, "files": [{"name": "images", "sha256": "../../x", "size": 1}]}
            ).encode(),
            "no sha256 of 64",
        ),
        (lambda manifest: b" " * 2_000_000, "too large for a manifest"),
    ],
    ids=["cut", "deep", "empty", "newer", "bare", "path", "huge"],
)
def test_a_spoilt_manifest_is_refused(
    hub: FakeHub, data: Repo, tmp_path: Path, spoil: Callable[[dict[str, object]], bytes], message: str
) -> None:
    send(data, tmp_path / "here")
    held(hub)["toy/digitkit.json"] = spoil(json.loads(held(hub)["toy/digitkit.json"]))
    with pytest.raises(FetchError, match=message):
        bring(data, tmp_path / "there", published=False)


def test_a_manifest_cannot_bring_files_that_the_record_does_not_name(hub: FakeHub, data: Repo, tmp_path: Path) -> None:
    send(data, tmp_path / "here")
    manifest = json.loads(held(hub)["toy/digitkit.json"])
    manifest["files"].append({"name": "../../evil", "sha256": digest(SMALL), "size": len(SMALL)})
    held(hub).update({"toy/digitkit.json": json.dumps(manifest).encode(), "toy/../../evil": SMALL})
    there = bring(data, tmp_path / "deep" / "there")
    assert sorted(path.name for path in there.iterdir()) == ["images", "labels"]
    assert list(tmp_path.rglob("evil")) == []
