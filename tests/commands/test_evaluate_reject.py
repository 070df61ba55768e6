"""The verb evaluate with --reject: digits against what is none."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.core.files import sha256
from digitkit.data import drawings
from digitkit.data.npz import LIKE_DIGITS
from digitkit.data.npz_records import RECORDS
from digitkit.data.source import SOURCES
from digitkit.data.stock import source_folder
from digitkit.runtime.predictor import Predictor
from tests.conftest import DrawDigits
from tests.fixtures.bundles import TINY, tiny_bundle, tone, write_tiny
from tests.fixtures.runs import Trained, write_class_folders

PART = "optdigits/test"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few drawings, which are quick."""
    monkeypatch.setattr(drawings, "COUNTS", {"train": 6, "test": 40})


def ask(*words: str | Path, code: int = 0) -> tuple[dict[str, dict[str, Any]], str]:
    """The lines of JSON by their kind, and what is said to people; the mean has no kind."""
    answer = CliRunner().invoke(app, ["evaluate", *map(str, words), "--reject", "--json"])
    assert answer.exit_code == code, answer.output
    return {line.get("kind", ""): line for line in map(json.loads, answer.stdout.splitlines())}, answer.stderr


def bundle_of(path: Path, **facts: Any) -> Path:
    """The tiny bundle with other facts in its record."""
    path.write_bytes(tiny_bundle(replace(TINY, **facts)))
    return path


def save_others(folder: Path, name: str, pictures: list[np.ndarray[Any, Any]]) -> None:
    (folder / name).mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / name / f"{number}.png")


def test_the_bundle_that_ships_accepts_digits_more_than_scribbles_and_noise() -> None:
    made, said = ask("default", "--on", PART, "--limit", "100")
    assert made["digits"]["n"] == 100
    for kind in ("scribbles", "things", "noise"):
        low, high = made[kind]["interval"]
        assert 0.7 < low <= made[kind]["auroc"] <= high
        assert made[kind]["n"] == 40
        assert made[kind]["seen"]  # it has learnt to refuse all three
    assert made[""] == {"mean": None, "unseen": 0}
    assert "Skipped notmnist_test/test: fonts, not here" in said


def test_verdicts_are_those_that_users_get(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    made, _ = ask(path, "--on", PART)
    pictures = SOURCES["scribbles"].read(source_folder(SOURCES["scribbles"]), "test").pictures
    told = [answer.verdict for answer in Predictor.load(path).predict([pictures[index] for index in range(40)])]
    for verdict in ("blank", "not a digit", "unsure", "digit"):
        assert made["scribbles"]["verdicts"][verdict] == pytest.approx(told.count(verdict) / 40)
    digits = made["digits"]["verdicts"]
    assert digits["refused"] == pytest.approx(digits["blank"] + digits["not a digit"])


def test_others_among_the_named_pictures_are_a_kind_and_a_blank_one_counts_as_refused(
    tmp_path: Path, drawn_digits: DrawDigits
) -> None:
    folder = write_class_folders(drawn_digits(30, np.random.default_rng(5)), tmp_path / "own")
    white = np.full((10, 10), 255, np.uint8)  # no ink: blank, although the tiny bundle accepts it
    save_others(folder, "not a digit", [white] * 12)
    assert Predictor.load(write_tiny(tmp_path)).evidence([white])[0].acceptance > 0.9
    made, _ = ask(tmp_path / "tiny.onnx", "--on", f"folder:{folder}/train")
    kind = made[f"folder:{folder}"]
    assert (made["digits"]["n"], kind["n"], kind["digits"]) == (30, 12, 30)
    assert kind["verdicts"]["blank"] == 1
    assert kind["auroc"] == 1


def test_of_letters_those_unlike_digits_have_a_line_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "letters.npz"
    letters = np.array([*"OXSY" * 5])
    images = np.stack([tone(0.75 if letter in LIKE_DIGITS else 0.1) for letter in letters.tolist()])
    np.savez_compressed(path, images=images, labels=letters)
    record = next(record for record in RECORDS.values() if record.name == "notmnist_test")
    monkeypatch.setitem(RECORDS, sha256(path), record)
    made, _ = ask(write_tiny(tmp_path), "--on", PART, "--on", f"npz:{path}/test")
    kind = f"npz:{path}"
    assert made[kind]["n"] == 20
    assert made[f"{kind} unlike digits"]["n"] == 10


def test_a_kind_that_was_learnt_is_marked_and_left_out_of_the_mean(tmp_path: Path) -> None:
    taught = bundle_of(tmp_path / "taught.onnx", recipe={"data": {"sources": ["optdigits"], "negatives": ["noise"]}})
    made, _ = ask(taught, "--on", PART)
    assert (made["noise"]["seen"], made["scribbles"]["seen"]) == (True, False)
    unseen = [made[kind]["auroc"] for kind in ("scribbles", "things")]
    assert made[""] == {"mean": pytest.approx(sum(unseen) / 2), "unseen": 2}
    answer = CliRunner().invoke(app, ["evaluate", str(taught), "--on", PART, "--reject"])
    for words in ("(seen)", "so it is not in the mean", "AUROC", f"{PART}: ", "of the digits refused"):
        assert words in " ".join(answer.stdout.replace("│", " ").split())


def test_what_any_of_two_networks_has_learnt_to_refuse_is_seen(tmp_path: Path) -> None:
    members = [{"changed": {}}, {"changed": {"data": {"negatives": ["noise", "scribbles"]}}}]
    recipe = {"data": {"sources": ["optdigits"], "negatives": ["noise"]}}
    made, _ = ask(bundle_of(tmp_path / "two.onnx", recipe=recipe, report={"members": members}), "--on", PART)
    assert [made[kind]["seen"] for kind in ("noise", "scribbles", "things")] == [True, True, False]


@pytest.mark.parametrize(
    "recipe", [{"data": {"negatives": "noise"}}, {"data": [1]}, {"data": {"negatives": [None, 3]}}]
)
def test_a_strange_list_of_negatives_is_no_harm(tmp_path: Path, recipe: dict[str, Any]) -> None:
    made, _ = ask(bundle_of(tmp_path / "odd.onnx", recipe=recipe), "--on", PART, "--limit", "10")
    assert not made["noise"]["seen"]


def test_without_a_name_the_digits_are_of_a_test_part_that_the_model_knows(tmp_path: Path) -> None:
    own = bundle_of(tmp_path / "own.onnx", recipe={"data": {"sources": ["optdigits"]}})
    assert ask(own, "--limit", "10")[0]["digits"]["part"] == PART


def test_a_run_is_judged_by_its_bundle(trained: Trained, exported: Path, tmp_path: Path, drawn_source: str) -> None:
    part = f"{drawn_source}/test"
    run = tmp_path / "run"
    shutil.copytree(trained.run.path, run)
    (run / "model.onnx").unlink(missing_ok=True)
    assert "has no bundle, and verdicts are a bundle's" in ask(run, "--on", part, code=2)[1]
    shutil.copy(exported, run / "model.onnx")
    of_run, of_bundle = (ask(target, "--on", part)[0] for target in (run, exported))
    assert of_run == of_bundle


def test_what_was_told_of_each_picture_and_all_figures_are_left_in_a_folder(tmp_path: Path) -> None:
    made, _ = ask(write_tiny(tmp_path), "--on", PART, "--limit", "10", "--to", tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    found = {part: [line for line in lines if line["part"] == part] for part in {line["part"] for line in lines}}
    counts = {f"{kind}/test": 10 for kind in ("scribbles", "things", "noise")}
    assert {part: len(each) for part, each in found.items()} == {PART: 10, **counts}
    assert all(line["right"] == (line["label"] == line["read"]) for line in found[PART])
    for kind in ("scribbles", "things", "noise"):
        refused = [line["verdict"] in ("blank", "not a digit") for line in found[f"{kind}/test"]]
        assert [line["right"] for line in found[f"{kind}/test"]] == refused
        assert made[kind]["verdicts"]["refused"] == pytest.approx(np.mean(refused))
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["figures"] == list(made.values())


def test_it_is_a_question_of_its_own(tmp_path: Path) -> None:
    assert "ask one at a time" in ask(write_tiny(tmp_path), "--elsewhere", code=2)[1]


def test_a_class_for_what_is_no_digit_counts_as_refusing_and_as_seen(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    classes = (*"123456789", "not a digit")  # the tiny bundle reads the brightness: the last one in the brightest
    folder = tmp_path / "own"
    save_others(folder, "5", [tone(0.45)] * 12)
    save_others(folder, "not a digit", [tone(0.95)] * 12)
    recipe = {"data": {"sources": [f"folder:{folder}"]}}
    spec = f"folder:{folder}"
    made, _ = ask(bundle_of(tmp_path / "ten.onnx", classes=classes, recipe=recipe), "--on", f"{spec}/train")
    assert (made["digits"]["n"], made[spec]["n"], made[spec]["seen"]) == (12, 12, True)
    assert made[spec]["verdicts"]["refused"] == 1
    assert made[spec]["auroc"] == 1


def test_a_folder_is_the_same_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_others(tmp_path / "own", "5", [tone(0.45)] * 12)
    save_others(tmp_path / "own", "not a digit", [tone(0.95)] * 12)
    path = bundle_of(tmp_path / "taught.onnx", recipe={"data": {"sources": [], "negatives": ["folder:own"]}})
    for spec in ("folder:own", "folder:./own", f"folder:{tmp_path}/own"):
        assert ask(path, "--on", f"{spec}/train")[0][spec]["seen"]


def test_a_reader_of_other_classes_is_compared_with_its_own_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    for part in ("train", "test"):
        for name in ("A", "B"):
            save_others(folder / part, name, [tone(0.45)] * 12)
    letters = {"classes": tuple("ABCDEFGHIJ"), "recipe": {"data": {"sources": [f"folder:{folder}"]}}}
    made, _ = ask(bundle_of(tmp_path / "letters.onnx", **letters))
    assert (made["digits"]["part"], made["digits"]["n"]) == (f"folder:{folder}/test", 24)
    shutil.rmtree(folder)
    _, said = ask(tmp_path / "letters.onnx", code=2)
    assert "Name pictures of these to compare with" in said
