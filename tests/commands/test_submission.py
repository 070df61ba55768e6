"""Kaggle's tables through `predict`: rows are pictures, and a submission has a digit for each."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from digitkit.cli import app
from tests.fixtures.bundles import TINY, tiny_bundle, tone, write_tiny
from tests.fixtures.formats import kaggle_table

TONES = (0.35, 0.15, 0.75, 0.55)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a bundle and a table of four pictures."""
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path)
    Path("test.csv").write_text(kaggle_table(np.stack([tone(brightness, 28) for brightness in TONES]), None))
    return tmp_path


def predict(*words: str, bundle: str = "tiny.onnx") -> Result:
    return CliRunner().invoke(app, ["predict", *words, "--bundle", bundle, "--device", "cpu"])


def rows(text: str) -> list[tuple[str, str]]:
    found = list(csv.reader(text.splitlines()))
    assert found[0] == ["ImageId", "Label"]
    return [(number, label) for number, label in found[1:]]


def test_a_table_becomes_a_submission_numbered_from_1_in_its_order(folder: Path) -> None:
    result = predict("test.csv", "--format", "kaggle")
    assert result.exit_code == 0, result.stderr
    assert rows(result.stdout) == [("1", "3"), ("2", "1"), ("3", "7"), ("4", "5")]


def test_files_become_a_submission_in_the_order_given(folder: Path) -> None:
    Image.fromarray(tone(0.95)).save("b.png")
    Image.fromarray(tone(0.25)).save("a.png")
    assert rows(predict("b.png", "a.png", "--format", "kaggle").stdout) == [("1", "9"), ("2", "2")]


def test_a_blank_or_unsure_picture_gets_its_most_probable_digit(folder: Path) -> None:
    Image.new("L", (20, 20), 255).save("white.png")
    Image.fromarray(tone(0.50)).save("between.png")
    verdicts = [
        json.loads(line)["verdict"] for line in predict("white.png", "between.png", "--json").stdout.splitlines()
    ]
    assert verdicts == ["blank", "unsure"]
    (_, white), (_, between) = rows(predict("white.png", "between.png", "--format", "kaggle").stdout)
    assert white == "9"
    assert between in ("4", "5")


def test_a_submission_says_whose_pictures_kaggles_are(folder: Path) -> None:
    assert "MNIST" in predict("test.csv", "--format", "kaggle").stderr


def test_the_output_file_holds_what_would_be_printed(folder: Path) -> None:
    printed = predict("test.csv", "--format", "kaggle").stdout
    result = predict("test.csv", "--format", "kaggle", "--output", "new/submission.csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert Path("new/submission.csv").read_text() == printed


def test_every_format_can_go_into_a_file(folder: Path) -> None:
    predict("test.csv", "--json", "--output", "answers.jsonl")
    assert [json.loads(line)["label"] for line in Path("answers.jsonl").read_text().splitlines()] == [
        "3",
        "1",
        "7",
        "5",
    ]


def test_a_submission_that_would_miss_a_picture_is_not_written(folder: Path) -> None:
    Path("sub.csv").write_text("an older one")
    result = predict("test.csv", "missing.png", "--format", "kaggle", "--output", "sub.csv")
    assert result.exit_code == 3
    assert "missing.png" in result.stderr
    assert "4 read, 1 failed: no submission" in result.stderr
    assert Path("sub.csv").read_text() == "an older one"


def test_a_file_that_cannot_be_written_stops_before_reading(folder: Path) -> None:
    result = predict("test.csv", "--format", "kaggle", "--output", "test.csv/sub.csv")
    assert result.exit_code == 5
    assert "read" not in result.stderr


def test_a_table_with_labels_is_read_with_what_is_true(folder: Path) -> None:
    Path("train.csv").write_text(kaggle_table(np.stack([tone(0.35, 28)]), ["8"]))
    [answer] = [json.loads(line) for line in predict("train.csv", "--json").stdout.splitlines()]
    assert (answer["picture"], answer["label"], answer["true_label"]) == ("train.csv:2", "3", "8")


def test_a_bad_line_of_a_table_is_one_message_with_its_number(folder: Path) -> None:
    lines = Path("test.csv").read_text().splitlines()
    Path("test.csv").write_text("\n".join([*lines[:2], lines[2].replace("0,", "300,", 1), *lines[3:]]))
    result = predict("test.csv", "--format", "kaggle", "--output", "sub.csv")
    assert result.exit_code == 3
    assert result.stderr == "error: test.csv, line 3: expected pixels from 0 to 255, got '300'. Correct that line.\n"
    assert not Path("sub.csv").exists()


def test_a_bundle_without_single_digits_cannot_make_a_submission(folder: Path) -> None:
    record = replace(TINY, name="jersey", classes=tuple(f"{number}" for number in range(10, 20)))
    Path("jersey.onnx").write_bytes(tiny_bundle(record))
    result = predict("test.csv", "--format", "kaggle", bundle="jersey.onnx")
    assert result.exit_code == 2
    assert "reads no single digits" in result.stderr


def test_the_format_csv_is_the_switch_csv(folder: Path) -> None:
    assert predict("test.csv", "--format", "csv").stdout == predict("test.csv", "--csv").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--format", "kagle"), "Did you mean 'kaggle'"),
        (("--format", "csv", "--json"), "exclude each other"),
        (("--format", "csv", "--csv"), "exclude each other"),
    ],
)
def test_a_format_that_makes_no_sense_ends_with_2(folder: Path, words: tuple[str, ...], says: str) -> None:
    result = predict("test.csv", *words)
    assert result.exit_code == 2
    assert says in result.stderr
