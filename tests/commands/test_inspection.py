"""`digitkit data inspect` shows what is in a data set."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.data.source import SOURCES
from tests.conftest import DrawDigits
from tests.fixtures.runs import write_class_folders
from tests.fixtures.toy_source import IMAGES, LABELS, MORE, TOY


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def digits(tmp_path: Path, drawn_digits: DrawDigits) -> Path:
    """A folder of class folders with two pictures in each."""
    return write_class_folders(drawn_digits(20, np.random.default_rng(0)), tmp_path / "digits")


def ask(*words: str | Path, code: int = 0) -> tuple[list[dict[str, object]], str]:
    """What the verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, ["data", "inspect", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")], answer.stderr


def test_the_figures_of_each_part_are_given() -> None:
    parts, _ = ask("optdigits", "--json")
    assert [(part["part"], part["pictures"]) for part in parts if "pictures" in part] == [
        ("train", 1438),
        ("test", 359),
    ]


def test_the_extra_part_is_looked_at_when_it_is_here_or_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch, drawn_digits: DrawDigits
) -> None:
    toy = replace(TOY, read=lambda folder, part: drawn_digits(20, np.random.default_rng(len(part))))
    monkeypatch.setitem(SOURCES._entries, "toy", toy)
    folder = cache / "sources" / "toy"
    folder.mkdir(parents=True)
    for name, content in (("images", IMAGES), ("labels", LABELS)):
        (folder / name).write_bytes(content)
    words = ("toy", "--duplicates", "keep", "--offline", "--json")
    assert [part["part"] for part in ask(*words)[0]] == ["train"]
    assert "more not in" in ask(*words, "--part", "extra", code=3)[1]
    (folder / "more").write_bytes(MORE)
    assert [part["part"] for part in ask(*words)[0]] == ["train", "extra"]
    assert [part["part"] for part in ask(*words, "--part", "extra")[0]] == ["extra"]


def test_people_are_told_classes_sizes_and_ink(digits: Path) -> None:
    answer = CliRunner().invoke(app, ["data", "inspect", f"folder:{digits}"], terminal_width=200)
    assert answer.exit_code == 0
    assert "pictures with dark ink" in answer.stdout
    assert "100.00 %" in answer.stdout


def test_a_sheet_of_examples_is_drawn(digits: Path, tmp_path: Path) -> None:
    _, said = ask(f"folder:{digits}", "--picture", tmp_path / "sheet.png", "--json")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height > 10 * 28
    assert str(tmp_path / "sheet.png") in said


def test_a_folder_of_sheets_has_a_page_for_each_class_whatever_its_name(digits: Path, tmp_path: Path) -> None:
    (digits / "9").rename(digits / "nine & a ½")
    _, said = ask(f"folder:{digits}", "--pictures", tmp_path / "sheets", "--json")
    names = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    assert "train.png" in names
    assert [name for name in names if name.startswith("train-0")] == [
        *(f"train-{label:03}-{label}.png" for label in range(9)),
        "train-009-nine_a_.png",
    ]
    assert str(tmp_path / "sheets") in said


def test_files_that_are_no_pictures_are_named(digits: Path) -> None:
    (digits / "3" / "notes.png").write_text("text")
    parts, said = ask(f"folder:{digits}", "--json")
    assert parts[0]["pictures"] == 20
    assert said.startswith("train: skipped 3/notes.png")


def test_of_a_part_that_is_not_there_those_that_are_get_named(digits: Path) -> None:
    _, said = ask(f"folder:{digits}", "--part", "test", code=3)
    assert "has no part 'test'. Its parts: train." in said


def test_a_folder_without_pictures_is_told_what_it_should_hold(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _, said = ask(f"folder:{tmp_path / 'empty'}", code=3)
    assert "one folder per class" in said


def test_likely_wrong_labels_are_listed_and_drawn(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    folder = write_class_folders(drawn_digits(400, np.random.default_rng(0)), tmp_path / "digits")
    wrong = {path.name for path in sorted((folder / "4").iterdir())[:6]}
    for name in wrong:
        (folder / "4" / name).rename(folder / "8" / name)
    settings = ("model=tiny_cnn", "optim=adamw", "budget.batch=64", "budget.least_steps=60", "run.threads=1")
    words = [word for setting in settings for word in ("--set", setting)]
    answers, said = ask(f"folder:{folder}", "--labels", *words, "--pictures", tmp_path / "sheets", "--json")
    suspects = [answer for answer in answers if "looks_like" in answer]
    found = {str(each["picture"]) for each in suspects if (each["label"], each["looks_like"]) == ("8", "4")}
    assert len(found & {f"digits/train/8/{name}" for name in wrong}) >= 2
    with Image.open(tmp_path / "sheets" / "train-labels.png") as sheet:
        assert sheet.width > 1_000
    assert "train-labels.png" in said


def test_labels_are_not_judged_by_a_recipe_that_makes_no_sense(digits: Path) -> None:
    _, said = ask(f"folder:{digits}", "--labels", "--set", "budget.epoch=2", code=2)
    assert "Did you mean 'budget.epochs'" in said


def test_a_setting_that_makes_no_sense_is_refused_before_anything_is_fetched() -> None:
    _, said = ask("mnist", "--offline", "--labels", "--set", "budget.epoch=2", code=2)
    assert "Did you mean 'budget.epochs'" in said


def test_copies_within_and_across_parts_are_counted_and_drawn(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    digits = drawn_digits(40, np.random.default_rng(0))
    folder = write_class_folders(digits, tmp_path / "digits" / "train").parent
    write_class_folders(drawn_digits(10, np.random.default_rng(1)), folder / "test")
    first = sorted((folder / "train" / "3").iterdir())[0]
    (folder / "test" / "3" / "leak.png").write_bytes(first.read_bytes())
    (folder / "train" / "5" / "again.png").write_bytes(first.read_bytes())
    answers, _ = ask(f"folder:{folder}", "--pictures", tmp_path / "sheets", "--json")
    [copies] = [answer["copies"] for answer in answers if "copies" in answer]
    assert isinstance(copies, dict)
    found = {(each["part"], each["of"]): (each["exact"], each["near"]) for each in copies["overlaps"]}
    assert found == {("train", "test"): (2, 0), ("train", "train"): (1, 0)}
    assert copies["conflicts"] == 1
    with Image.open(tmp_path / "sheets" / "copies.png") as sheet:
        assert sheet.height > 56
    answer = CliRunner().invoke(app, ["data", "inspect", f"folder:{folder}", "--duplicates", "exact"])
    assert "Drawings whose copies have different labels: 1" in answer.stdout


def test_copies_that_nobody_asked_for_are_not_looked_for(digits: Path) -> None:
    answers, _ = ask(f"folder:{digits}", "--duplicates", "keep", "--json")
    assert not [answer for answer in answers if "copies" in answer]
    _, said = ask(f"folder:{digits}", "--duplicates", "some", code=2)
    assert "--duplicates must be one of near, exact, keep, got 'some'" in said


def test_metadata_is_counted_for_people_and_programs(tmp_path: Path) -> None:
    rows = []
    for place, camera in enumerate(["left", "left", "right"]):
        Image.fromarray(np.full((9, 9), 40 * place, np.uint8)).save(tmp_path / f"{place}.png")
        rows.append(json.dumps({"image": f"{place}.png", "suffix": str(place), "metadata": {"camera": camera}}))
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    spec = f"jsonl:{tmp_path / 'rows.jsonl'}"
    found, _ = ask(spec, "--json", "--duplicates", "keep")
    assert {"source": spec, "part": "train", "metadata": {"camera": {"left": 2, "right": 1}}} in found
    table = CliRunner().invoke(app, ["data", "inspect", spec, "--duplicates", "keep"]).stdout
    assert "left: 2, right: 1" in table
