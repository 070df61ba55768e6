"""The verbs that carry data and bundles: what they say, and with which exit code they end."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from tests.fixtures.bundles import TINY, tiny_bundle, write_tiny
from tests.fixtures.hub_server import TOKEN, FakeHub, digest
from tests.fixtures.runs import full_disk
from tests.fixtures.toy_source import IMAGES, MORE

ROOT = Path(__file__).parents[2]


def ask(*words: str | Path, code: int = 0) -> tuple[str, str]:
    """What a verb prints, and what it says to people; the token is in neither."""
    answer = CliRunner().invoke(app, [*map(str, words)])
    assert answer.exit_code == code, answer.output
    assert TOKEN not in answer.output
    return answer.stdout, answer.stderr


def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine: an empty cache."""
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "elsewhere"))
    return tmp_path / "elsewhere" / "sources" / "toy"


def test_a_data_set_that_was_pushed_is_fetched_offline_on_another_machine(
    hub: FakeHub,
    fetched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent, _ = ask("data", "push", "toy", "--repo", "alice/digits")
    assert sent.startswith("toy: 2 files sent to alice/digits (private, commit ")
    folder = elsewhere(tmp_path, monkeypatch)
    assert "not in" in ask("data", "fetch", "toy", "--offline", code=3)[1]
    brought, said = ask("data", "pull", "toy", "--repo", "alice/digits", "--json")
    assert json.loads(brought)["files"] == ["images", "labels"]
    assert said == ""
    ask("data", "list")
    assert (folder / "images").read_bytes() == IMAGES
    assert not (folder / ".hub").exists()


def test_the_extra_part_travels_when_it_is_here(
    hub: FakeHub,
    fetched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (fetched / "more").write_bytes(MORE)
    ask("data", "push", "toy", "--repo", "alice/digits")
    folder = elsewhere(tmp_path, monkeypatch)
    ask("data", "pull", "toy", "--repo", "alice/digits")
    assert ask("data", "fetch", "toy", "--offline")[0].startswith("toy: ")
    assert (folder / "more").read_bytes() == MORE


def test_files_that_are_not_here_whole_are_not_sent(hub: FakeHub, fetched: Path) -> None:
    (fetched / "images").write_bytes(IMAGES[::-1])
    _, said = ask("data", "push", "toy", "--repo", "alice/digits", code=3)
    assert said == "error: toy: images not here. Run `digitkit data fetch toy` first.\n"
    assert hub.requests == []


def test_a_bundle_travels_with_its_card(hub: FakeHub, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_tiny(tmp_path).rename(run / "model.onnx")
    sent, _ = ask("models", "push", run, "--repo", "alice/reader", "--public")
    assert "and its card sent to alice/reader (public, commit" in sent
    files = hub.repos["model", "alice/reader"].files()
    assert files is not None
    assert b"# tiny" in files["README.md"]
    brought, _ = ask("models", "pull", "--repo", "alice/reader", "--to", tmp_path / "there")
    assert f"digitkit predict PICTURE --bundle {tmp_path / 'there' / 'model.onnx'}" in brought
    ask("predict", ROOT / "examples" / "seven.png", "--bundle", tmp_path / "there" / "model.onnx", "--json")


def test_without_a_folder_a_bundle_goes_into_the_cache(hub: FakeHub, cache: Path, tmp_path: Path) -> None:
    ask("models", "push", write_tiny(tmp_path), "--repo", "alice/reader")
    answer = json.loads(ask("models", "pull", "--repo", "alice/reader", "--json")[0])
    assert answer["path"] == str(cache / "models" / "alice" / "reader" / "model.onnx")
    assert answer["private"] is True


def test_the_card_names_the_terms_of_known_data_and_hides_folders(hub: FakeHub, tmp_path: Path) -> None:
    recipe = {"data": {"sources": ["mnist", "folder:secret/place", 7]}}
    (tmp_path / "mixed.onnx").write_bytes(tiny_bundle(replace(TINY, recipe=recipe)))
    ask("models", "push", tmp_path / "mixed.onnx", "--repo", "alice/reader")
    card = (hub.repos["model", "alice/reader"].files() or {})["README.md"]
    assert b"- mnist: CC BY-SA 3.0" in card
    assert b"- pictures of its makers: not stated" in card
    assert b"secret" not in card


def test_the_card_names_the_terms_of_what_was_mixed_in(hub: FakeHub, tmp_path: Path) -> None:
    recipe = {"data": {"sources": ["mnist"], "extra": ["svhn/extra", "usps", "folder:secret/train"]}}
    (tmp_path / "mixed.onnx").write_bytes(tiny_bundle(replace(TINY, recipe=recipe)))
    ask("models", "push", tmp_path / "mixed.onnx", "--repo", "alice/reader")
    card = (hub.repos["model", "alice/reader"].files() or {})["README.md"]
    assert b"- svhn: for non-commercial use" in card
    assert b"- usps: free for research" in card
    assert card.count(b"pictures of its makers") == 1
    assert b"secret" not in card


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("data push toy --repo digits", 2, "expected USER/REPO"),
        ("data pull mnits --repo alice/digits", 2, "Did you mean 'mnist'"),
        ("data push optdigits --repo alice/digits", 2, "has no files to send"),
        ("data push folder:x --repo alice/digits", 2, "hf upload"),
        ("data pull toy --repo alice/public", 3, "holds no toy"),
        ("data pull toy --repo alice/absent", 5, "no dataset repository alice/absent"),
        ("data pull toy --repo alice/digits --revision v9", 5, "no revision 'v9'"),
        ("data push toy --repo alice/public", 2, "is public, so all could see"),
        ("models pull --repo alice/digits", 5, "no model repository alice/digits"),
        ("models push default --repo alice/reader", 4, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_an_exit_code(
    hub: FakeHub,
    fetched: Path,
    words: str,
    code: int,
    message: str,
) -> None:
    hub.hold("dataset", "alice/digits", {})
    hub.hold("dataset", "alice/public", {}, private=False)
    stdout, said = ask(*words.split(), code=code)
    assert message in said
    assert (said.startswith("error: "), said.count("\n"), stdout) == (True, 1, "")


def test_wrong_bytes_are_exit_code_3_for_data_and_4_for_a_bundle(
    hub: FakeHub,
    fetched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = write_tiny(tmp_path).read_bytes()
    ask("data", "push", "toy", "--repo", "alice/digits")
    ask("models", "push", tmp_path / "tiny.onnx", "--repo", "alice/reader")
    hub.gives |= {digest(IMAGES): IMAGES[::-1], digest(bundle): bundle[::-1]}
    elsewhere(tmp_path, monkeypatch)
    assert "expected sha256" in ask("data", "pull", "toy", "--repo", "alice/digits", code=3)[1]
    assert "alice/reader: model.onnx" in ask("models", "pull", "--repo", "alice/reader", code=4)[1]


def test_a_full_disk_is_exit_code_5_and_leaves_no_file(
    hub: FakeHub,
    fetched: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask("data", "push", "toy", "--repo", "alice/digits")
    folder = elsewhere(tmp_path, monkeypatch)
    with full_disk():
        _, said = ask("data", "pull", "toy", "--repo", "alice/digits", code=5)
    assert "Cannot write" in said
    assert not (folder / "images").exists()
    ask("data", "pull", "toy", "--repo", "alice/digits")
    assert (folder / "images").read_bytes() == IMAGES


def test_a_hub_that_tells_the_token_back_is_not_repeated(hub: FakeHub, fetched: Path) -> None:
    hub.refuses["POST /api/repos/create"] = 403, f"the token {TOKEN} may not write"
    _, said = ask("data", "push", "toy", "--repo", "alice/digits", code=5)
    assert "(the token *** may not write)" in said


def test_the_extra_that_is_not_installed_is_said_in_one_line(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    _, said = ask("data", "push", "toy", "--repo", "alice/digits", code=2)
    assert said.count("\n") == 1
    assert "pip install 'digitkit[hub]'" in said
