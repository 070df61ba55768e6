import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.data.source import SOURCES, RemoteFile
from tests.conftest import DrawDigits
from tests.fixtures.toy_source import IMAGES, LABELS, MORE, TOY


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def digits(tmp_path: Path, drawn_digits: DrawDigits) -> Path:
    """A folder of class folders with two pictures in each."""
    drawn = drawn_digits(20, np.random.default_rng(0))
    for index, (picture, label) in enumerate(drawn):
        (tmp_path / "digits" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - picture).save(tmp_path / "digits" / label / f"{index}.png")
    return tmp_path / "digits"


@pytest.fixture
def toy(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a toy data set that is here without its extra part."""
    monkeypatch.setitem(SOURCES._entries, "toy", TOY)
    folder = cache / "sources" / "toy"
    folder.mkdir(parents=True)
    (folder / "images").write_bytes(IMAGES)
    (folder / "labels").write_bytes(LABELS)
    return folder


def ask(*words: str | Path, code: int = 0) -> tuple[list[dict[str, object]], str]:
    """What a verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, ["data", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")], answer.stderr


def test_the_list_names_every_source_and_says_whether_it_is_here() -> None:
    sources, _ = ask("list", "--json")
    here = {source["source"]: source["here"] for source in sources}
    assert (here["mnist"], here["optdigits"]) == (False, True)


def test_the_list_for_people_is_a_table() -> None:
    answer = CliRunner().invoke(app, ["data", "list"])
    assert answer.exit_code == 0
    assert "optdigits" in answer.stdout
    assert "folder:PLACE" in answer.stdout


def test_the_list_tells_what_is_here_and_what_is_still_to_get(cache: Path) -> None:
    folder = cache / "sources" / "hwd1000"
    sources, _ = ask("list", "--json")
    before = next(source for source in sources if source["source"] == "mnist")
    assert before["bytes_here"] == 0
    assert before["bytes_to_get"] == 9_912_422 + 28_881 + 1_648_877 + 4_542
    assert not folder.exists()
    assert all(source["licence"] for source in sources)


def test_one_damaged_source_does_not_hide_the_others(cache: Path) -> None:
    folder = cache / "sources" / "toy"
    folder.mkdir(parents=True)
    (folder / "pinned.json").write_text("{")
    unknown = replace(TOY, files=(RemoteFile("images", ("http://mirror.invalid/images",)),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SOURCES._entries, "toy", unknown)
        sources, said = ask("list", "--json")
    here = {str(source["source"]): source["here"] for source in sources}
    assert (here["toy"], here["optdigits"]) == (False, True)
    assert said.startswith("toy: ")
    assert "pinned.json" in said


def test_a_source_that_comes_with_a_package_needs_no_fetching(cache: Path) -> None:
    assert ask("fetch", "optdigits", "--json")[0] == [{"source": "optdigits", "folder": None, "files": []}]
    assert not cache.exists()


def test_a_source_that_cannot_be_had_fails_and_the_others_are_still_fetched() -> None:
    answers, said = ask("fetch", "mnist", "optdigits", "--offline", "--json", code=3)
    assert [answer["source"] for answer in answers] == ["mnist", "optdigits"]
    assert "offline" in str(answers[0]["error"])
    assert said.startswith("error: mnist: train-images-idx3-ubyte")


def test_the_extra_part_is_fetched_only_when_it_is_named(toy: Path) -> None:
    [answer], _ = ask("fetch", "toy", "--offline", "--json")
    assert answer["files"] == ["images", "labels"]
    _, said = ask("fetch", "toy", "--part", "extra", "--offline", code=3)
    assert "more not in" in said
    (toy / "more").write_bytes(MORE)
    [answer], _ = ask("fetch", "toy", "--part", "extra", "--offline", "--json")
    assert answer["files"] == ["images", "labels", "more"]
    _, said = ask("fetch", "toy", "--part", "test", code=3)
    assert "toy has no part 'test'. Its parts: train, extra." in said


def test_a_mistyped_source_is_a_bad_request_that_names_the_nearest() -> None:
    _, said = ask("fetch", "optdigits", "mnits", code=2)
    assert said.startswith("error: Unknown source 'mnits'. Did you mean 'mnist'")


def test_prepare_gives_sizes_and_statistics_and_is_kept(digits: Path, cache: Path) -> None:
    words = (
        "prepare",
        f"data.sources=[folder:{digits}]",
        "data.val_size=10",
        "prepare.size=20",
        "prepare.box=14",
        "--json",
    )
    (first,), _ = ask(*words)
    assert (first["train"], first["val"], first["test"], first["size"]) == (10, 10, 0, 20)
    entries = sorted(path.name for path in (cache / "arrays").iterdir())
    (second,), _ = ask(*words)
    assert {**first, "prepare_seconds": 0} == {**second, "prepare_seconds": 0}
    assert sorted(path.name for path in (cache / "arrays").iterdir()) == entries


def test_prepare_refuses_a_key_that_is_none() -> None:
    _, said = ask("prepare", "prepare.sise=20", code=2)
    assert "prepare.size" in said
