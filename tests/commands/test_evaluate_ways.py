"""The ways to score: spoilt pictures, other places, one against another, and what is left in files."""

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
from digitkit.commands.readers import Reader
from digitkit.commands.scoring import Part, score_spoilt
from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.intervals import wilson
from digitkit.learn.corruptions import CORRUPTIONS
from tests.fixtures.bundles import TINY, tiny_bundle, write_tiny
from tests.fixtures.runs import Trained, sibling

PART = "optdigits/test"


def ask(*words: str | Path, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """What the verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, ["evaluate", *map(str, words), "--json"])
    assert answer.exit_code == code, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def show(*words: str | Path) -> str:
    """What people see."""
    answer = CliRunner().invoke(app, ["evaluate", *map(str, words)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny(tmp_path)


def bundle_of(path: Path, **facts: Any) -> Path:
    """The tiny bundle with other facts in its record."""
    path.write_bytes(tiny_bundle(replace(TINY, **facts)))
    return path


def test_the_bundle_that_ships_goes_by_its_name() -> None:
    [made], _ = ask("default", "--on", PART, "--limit", "50")
    assert made["accuracy"] > 0.8
    assert 0 <= made["reliability"]["ece"] < 0.2


def test_a_limit_chooses_evenly_and_batches_change_nothing(tiny: Path, tmp_path: Path) -> None:
    [whole], _ = ask(tiny, "--on", PART)
    [some], _ = ask(tiny, "--on", PART, "--limit", "30", "--to", tmp_path / "some")
    assert (whole["n"], some["n"]) == (359, 30)
    lines = (tmp_path / "some" / "predictions.jsonl").read_text().splitlines()
    places = [int(json.loads(line)["picture"].rpartition("/")[2]) for line in lines]
    assert (places[0], places[-1]) == (0, 358)
    assert set(np.diff(places)) <= {12, 13}
    [batched], _ = ask(tiny, "--on", PART, "--batch", "7")
    assert batched == whole


def test_a_run_in_small_batches_gives_the_same_figures(trained: Trained, drawn_source: str) -> None:
    [whole], _ = ask(trained.run.path, "--on", f"{drawn_source}/test")
    [batched], _ = ask(trained.run.path, "--on", f"{drawn_source}/test", "--batch", "7")
    assert batched["confusion"] == whole["confusion"]
    assert batched["loss"] == pytest.approx(whole["loss"], rel=1e-4)


def test_a_run_and_its_bundle_are_sure_alike(trained: Trained, exported: Path, drawn_source: str) -> None:
    made = [ask(target, "--on", f"{drawn_source}/test")[0][0] for target in (trained.run.path, exported)]
    assert made[0]["loss"] == pytest.approx(made[1]["loss"], abs=1e-4)
    assert made[0]["reliability"]["ece"] == pytest.approx(made[1]["reliability"]["ece"], abs=1e-3)


def test_every_corruption_has_a_line_and_the_last_one_is_their_mean(tiny: Path) -> None:
    made, _ = ask(tiny, "--corruptions", "--on", PART, "--limit", "20")
    clean, *spoilt, summary = made
    assert clean["corruption"] == ""
    assert [each["corruption"] for each in spoilt] == list(CORRUPTIONS)
    assert summary["mean"] == pytest.approx(np.mean([each["accuracy"] for each in spoilt]))
    assert summary["worst_accuracy"] == min(each["accuracy"] for each in spoilt)
    assert all(each["interval"] == list(wilson(round(20 * each["accuracy"]), 20)) for each in spoilt)


def test_the_seed_alone_decides_how_pictures_are_spoilt(tiny: Path) -> None:
    words = (tiny, "--corruptions", "--on", PART, "--limit", "20")
    first, again, other = ask(*words)[0], ask(*words, "--batch", "3")[0], ask(*words, "--seed", "1")[0]
    assert first == again
    assert first != other


def test_people_see_a_table_of_corruptions_and_a_sheet(tiny: Path, tmp_path: Path) -> None:
    told = show(tiny, "--corruptions", "--on", PART, "--limit", "10", "--sheet", tmp_path / "sheet.png")
    assert all(name in told for name in (*CORRUPTIONS, "as it is", "mean of 15", "95 % interval"))
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 16 * 56


def test_other_places_are_scored_and_the_rest_is_skipped_with_a_reason(tiny: Path, drawn_source: str) -> None:
    given = f"{drawn_source}/test"
    made, _ = ask(tiny, "--elsewhere", "--on", given, "--limit", "40")
    rows = {row["part"]: row for row in made[:-1]}
    assert rows[PART]["unseen"]
    assert rows[given]["n"] == 40
    assert "not here" in rows["svhn/test"]["note"]
    scored = [row["accuracy"] for row in rows.values() if row["unseen"]]
    assert made[-1] == {"mean": pytest.approx(np.mean(scored)), "unseen": len(scored)}
    assert "Skipped " in show(tiny, "--elsewhere", "--limit", "10")


def test_a_source_that_was_learnt_from_is_no_other_place(tmp_path: Path, drawn_source: str) -> None:
    given = f"{drawn_source}/test"
    own = bundle_of(tmp_path / "own.onnx", recipe={"data": {"sources": ["optdigits"], "extra": []}})
    rows = {row.get("part"): row for row in ask(own, "--elsewhere", "--on", given, "--limit", "10")[0]}
    assert "learnt from these writers" in rows[PART]["note"]
    assert (rows[PART]["unseen"], rows[given]["unseen"]) == (False, True)
    assert "name the file with --on npz:usps16.npz/test" in rows["usps16/test"]["note"]
    stained = bundle_of(tmp_path / "stained.onnx", report={"contaminated": [PART]})
    rows = {row.get("part"): row for row in ask(stained, "--elsewhere", "--limit", "10")[0]}
    assert "contaminated" in rows[PART]["note"]
    assert not rows[PART]["unseen"]


@pytest.mark.parametrize("learnt", ["optdigits32", "optdigits-orig/extra", "npz:somewhere/optdigits32.npz"])
def test_the_same_writers_under_another_name_are_no_other_place(tmp_path: Path, learnt: str) -> None:
    own = bundle_of(tmp_path / "own.onnx", recipe={"data": {"sources": [learnt], "extra": []}})
    rows = {row.get("part"): row for row in ask(own, "--elsewhere", "--limit", "10")[0]}
    assert not rows[PART]["unseen"]
    assert "learnt from these writers" in rows[PART]["note"]


def test_copies_of_what_was_learnt_are_found_in_other_places(tmp_path: Path, drawn_source: str) -> None:
    copied, original = tmp_path / "copied", Path(drawn_source.removeprefix("folder:"))
    shutil.copytree(original / "train", copied / "test")
    shutil.copytree(original / "test", copied / "train")
    learnt = bundle_of(tmp_path / "learnt.onnx", recipe={"data": {"sources": [drawn_source], "extra": []}})
    given = f"folder:{copied}/test"
    rows = {row.get("part"): row for row in ask(learnt, "--elsewhere", "--on", given)[0]}
    assert "400 of its pictures are in the training, to the pixel" in rows[given]["note"]
    assert not rows[given]["unseen"]


def test_a_part_that_was_learnt_from_is_marked(tmp_path: Path) -> None:
    own = bundle_of(tmp_path / "own.onnx", recipe={"data": {"sources": ["optdigits"], "extra": []}})
    assert "how well it remembers" in ask(own, "--on", "optdigits/train", "--limit", "10")[1]
    assert ask(own, "--on", PART, "--limit", "10")[1] == ""


def test_two_models_are_compared_on_the_same_pictures(tiny: Path) -> None:
    [made], said = ask("default", "--against", tiny, "--on", PART, "--limit", "60")
    counts = [made[key] for key in ("both_right", "only_first_right", "only_second_right", "both_wrong")]
    assert sum(counts) == made["n"] == 60
    assert made["first_accuracy"] == pytest.approx((counts[0] + counts[1]) / 60)
    assert made["p_value"] < 0.001
    assert "reads optdigits/test better" in made["sentence"]
    assert "choose between the two by validation" in said


def copied(trained: Trained, folder: Path, **changed: str) -> Path:
    """The run somewhere else, with other facts about its data."""
    shutil.copytree(trained.run.path, folder)
    report = json.loads((folder / "report.json").read_text())
    report["data"] |= changed
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_two_runs_are_compared_on_what_both_were_validated_on(trained: Trained, tmp_path: Path) -> None:
    other = sibling(trained.run.path, tmp_path / "other", 1)
    [made], said = ask(trained.run.path, "--against", other)
    assert (made["split"], made["n"]) == ("val", trained.run.report()["data"]["val"])
    assert made["first_accuracy"] == pytest.approx(trained.run.report()["val"]["accuracy"])
    assert "test part" not in said
    stranger = copied(trained, tmp_path / "stranger", fingerprint="f" * 64)
    assert "are no two runs that were validated on the same" in ask(stranger, "--against", other, code=2)[1]


def test_validation_pictures_that_have_changed_are_refused(trained: Trained, tmp_path: Path) -> None:
    changed = copied(trained, tmp_path / "changed", fingerprint="f" * 64)
    assert f"The pictures are not those that {changed} learnt from" in ask(changed, code=3)[1]


def test_views_are_for_the_run_that_is_compared_with_a_bundle(trained: Trained, tiny: Path, drawn_source: str) -> None:
    part = f"{drawn_source}/test"
    [made], _ = ask(trained.run.path, "--views", "5", "--against", tiny, "--on", part)
    [alone], _ = ask(trained.run.path, "--views", "5", "--on", part)
    assert made["first_accuracy"] == alone["accuracy"]
    assert "--views is for runs" in ask(tiny, "--views", "5", "--against", "default", "--on", part, code=2)[1]


def test_people_see_both_models_and_a_sentence(tiny: Path) -> None:
    told = " ".join(show("default", "--against", tiny, "--on", "optdigits/train", "--limit", "40").split())
    assert "McNemar" in told
    assert "reads optdigits/train better" in told


def test_predictions_and_figures_are_left_in_a_folder(tiny: Path, tmp_path: Path) -> None:
    [made], _ = ask(tiny, "--on", PART, "--limit", "25", "--to", tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    assert len(lines) == 25
    assert sum(line["right"] for line in lines) == round(25 * made["accuracy"])
    assert set(made["mistakes"]) == {line["picture"] for line in lines if not line["right"]}
    for line in lines:
        assert line["right"] == (line["label"] == line["read"])
        assert line["confidence"] == max(line["probabilities"].values())
        assert line["picture"].startswith("optdigits/test/")
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["figures"] == [made]


@pytest.mark.parametrize("name", ["predictions.jsonl", "summary.json"])
def test_no_file_is_overwritten_and_that_is_said_before_any_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    _, said = ask("no-such.onnx", "--on", PART, "--to", tmp_path, code=2)
    assert f"{name} is there already, and is not overwritten" in said
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_mistakes_and_reliability_are_drawn(tiny: Path, trained: Trained, tmp_path: Path) -> None:
    for number, target in enumerate((tiny, trained.run.path)):
        paths = [tmp_path / f"{name}-{number}.png" for name in ("mistakes", "reliability")]
        ask(target, "--on", PART, "--limit", "60", "--mistakes", paths[0], "--reliability", paths[1])
        for path in paths:
            with Image.open(path) as picture:
                assert min(picture.size) > 100


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--corruptions", "--elsewhere"], 2, "ask one at a time"),
        (["--corruptions", "--mistakes", "a.png"], 2, "draw one part as it is"),
        (["--sheet", "a.png", "--on", PART], 2, "--sheet shows what --corruptions does"),
        (["--mistakes", "a.png", "--on", PART, "--on", "optdigits/train"], 2, "name one with --on"),
        (["--against", "default"], 2, "Name the part to compare on"),
        (["--against", "{tiny}", "--on", PART], 2, "Name two models"),
        (["--against", "no-such.onnx", "--on", PART], 4, "no-such.onnx: cannot be read"),
        (["--against", "no-such", "--on", PART], 3, "no-such is not a run"),
        (["--reject", "--views", "5"], 2, "--views changes nothing with --reject"),
        (["--elsewhere", "--on", "optdigits"], 2, "--on optdigits: expected SOURCE/PART"),
        (["--elsewhere", "--on", "folder:no-such/test"], 3, "no-such"),
        (["--corruptions", "--on", "optdigit/test"], 2, "Did you mean 'optdigits'"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(tiny: Path, words: list[str], code: int, message: str) -> None:
    made, said = ask(tiny, *(word.format(tiny=tiny) for word in words), code=code)
    assert made == []
    assert message in said


def test_models_without_a_common_class_cannot_be_compared(tiny: Path, tmp_path: Path) -> None:
    letters = bundle_of(tmp_path / "letters.onnx", classes=tuple("abcdefghij"))
    assert "have no class in common" in ask(tiny, "--against", letters, "--on", PART, code=2)[1]


def test_dark_ink_is_spoilt_and_read_as_dark_ink() -> None:
    """A reader of photos sees what it has learnt from; the pictures that it is shown are looked at here."""
    page = np.full((28, 28), 240, np.uint8)
    page[10:18, 10:18] = 30
    pictures = np.stack([page, 255 - page])
    digits = DigitSet(Dense(pictures), np.zeros(2, np.int64), ("0",), np.array(["a", "b"]))
    shown: list[np.ndarray[Any, Any]] = []

    def answers(part: DigitSet) -> np.ndarray[Any, Any]:
        shown.append(np.stack([part.pictures[0], part.pictures[1]]))
        return np.ones((2, 1), np.float32)

    reader = Reader("probe", ("0",), answers, lambda part: [], lambda part: [], (), (), "")
    part = Part("own/test", digits, np.zeros(2, np.int64))  # so both are spoilt alike
    names = [each.corruption for each in score_spoilt(reader, part, 0, lambda done, total, text: None)]
    assert names == ["", *CORRUPTIONS]
    assert np.array_equal(shown[0], pictures)
    assert all(np.array_equal(dark, 255 - bright) for dark, bright in shown)
