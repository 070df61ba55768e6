from dataclasses import replace
from pathlib import Path

import pytest

from digitkit.core.errors import BundleAltered, BundleError, HubError
from digitkit.hub import models
from digitkit.hub.repo import Repo
from digitkit.runtime.bundle import check, read_bundle
from tests.fixtures.bundles import TINY, tiny_bundle, write_tiny
from tests.fixtures.hub_server import FakeHub, digest
from tests.hub.conftest import keep_still


def send(repo: Repo, path: Path) -> None:
    """Push a bundle with a card."""
    models.push(repo, path, read_bundle(path)[0], "# A card\n", False, keep_still)


def bring(repo: Repo, folder: Path, revision: str = "main") -> Path:
    """Pull the bundle into a folder."""
    return models.pull(repo, revision, folder, check, keep_still)[1]


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_that_was_pushed_is_pulled_to_the_byte(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    send(model, path)
    held = hub.repos["model", "alice/reader"].files()
    assert held is not None
    assert set(held) == {".gitattributes", "model.onnx", "README.md"}
    target = bring(model, tmp_path / "there")
    assert target == tmp_path / "there" / "model.onnx"
    assert target.read_bytes() == path.read_bytes()
    assert names(tmp_path / "there") == ["model.onnx"]


def test_a_bundle_that_is_here_is_not_brought_again(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    send(model, write_tiny(tmp_path))
    bring(model, tmp_path / "there")
    hub.requests.clear()
    bring(model, tmp_path / "there")
    assert [one.path for one in hub.requests] == ["/api/models/alice/reader/revision/main"]


def test_an_older_commit_can_be_brought(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    send(model, write_tiny(tmp_path, "first"))
    first = model.contents().commit
    send(model, write_tiny(tmp_path, "second"))
    assert read_bundle(bring(model, tmp_path / "new"))[0].name == "second"
    assert read_bundle(bring(model, tmp_path / "old", first))[0].name == "first"


def test_an_altered_bundle_is_refused_and_the_one_that_is_here_stays(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    send(model, write_tiny(tmp_path, "first"))
    target = bring(model, tmp_path / "there")
    second = write_tiny(tmp_path, "second").read_bytes()
    send(model, tmp_path / "second.onnx")
    hub.gives[digest(second)] = second[:-1] + bytes([second[-1] ^ 1])
    with pytest.raises(BundleAltered, match=r"^alice/reader: model\.onnx: the bytes of the bundle are not the ones"):
        bring(model, tmp_path / "there")
    assert read_bundle(target)[0].name == "first"
    assert names(tmp_path / "there") == ["model.onnx"]


def test_a_pull_that_was_cut_is_finished_by_the_next(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    content = write_tiny(tmp_path).read_bytes()
    send(model, tmp_path / "tiny.onnx")
    hub.breaks_after[digest(content)] = [1_000, 0]
    with pytest.raises(HubError, match="1,000 of"):
        bring(model, tmp_path / "there")
    assert not (tmp_path / "there" / "model.onnx").exists()
    assert bring(model, tmp_path / "there").read_bytes() == content
    assert hub.asked("GET /cdn")[-1].range == "bytes=1000-"


def test_a_rest_that_does_not_fit_its_beginning_is_brought_whole(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    content = write_tiny(tmp_path).read_bytes()
    send(model, tmp_path / "tiny.onnx")
    there = tmp_path / "there"
    there.mkdir()
    (there / f".model.onnx.{digest(content)[:40]}.part").write_bytes(b"x" * 1_000)
    (there / ".model.onnx.of-another-revision.part").write_bytes(b"x")
    assert bring(model, there).read_bytes() == content
    assert names(there) == ["model.onnx"]


def test_a_bundle_of_another_name_is_found_when_it_is_the_only_one(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    hub.hold("model", "alice/reader", {"README.md": b"", "best.onnx": tiny_bundle()})
    assert read_bundle(bring(model, tmp_path / "there"))[0].name == "tiny"


@pytest.mark.parametrize("count", [0, 2])
def test_a_repository_without_one_bundle_is_refused(hub: FakeHub, model: Repo, tmp_path: Path, count: int) -> None:
    hub.hold("model", "alice/reader", {f"{number}.onnx": tiny_bundle() for number in range(count)})
    with pytest.raises(BundleError, match=f"alice/reader has {count} .onnx files"):
        bring(model, tmp_path / "there")


def test_a_model_of_another_kind_is_refused(hub: FakeHub, model: Repo, tmp_path: Path) -> None:
    hub.hold("model", "alice/reader", {"model.onnx": b"not a bundle"})
    with pytest.raises(BundleError, match=r"alice/reader: model\.onnx"):
        bring(model, tmp_path / "there")
    assert names(tmp_path / "there") == []


def test_a_file_too_large_for_a_bundle_is_never_brought(
    hub: FakeHub, model: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MAX_BYTES", 100)
    hub.hold("model", "alice/reader", {"model.onnx": tiny_bundle(replace(TINY, name="large"))})
    with pytest.raises(BundleError, match="more than a bundle may have"):
        bring(model, tmp_path / "there")
    assert hub.asked("GET /alice") == []
