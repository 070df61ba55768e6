"""The verb evaluate: what it measures, of a run and of a bundle."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from tests.conftest import DrawDigits
from tests.fixtures.bundles import TINY, tiny_bundle
from tests.fixtures.runs import Trained, write_class_folders


def ask(*words: str | Path, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """What a verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert answer.exit_code == code, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def test_a_run_and_its_bundle_agree(trained: Trained, exported: Path, drawn_source: str) -> None:
    part = f"{drawn_source}/test"
    [of_run], _ = ask("evaluate", trained.run.path, "--on", part)
    [of_bundle], _ = ask("evaluate", exported, "--on", part)
    assert of_run["n"] == of_bundle["n"] == 100
    assert of_run["confusion"] == of_bundle["confusion"]
    assert of_run["top_k"] == of_bundle["top_k"]
    stored = trained.run.report()["test"]
    assert of_run["accuracy"] == of_bundle["accuracy"] == stored["accuracy"]
    assert of_run["interval"] == stored["interval"]


def test_a_run_is_scored_on_its_own_validation_part(trained: Trained) -> None:
    [made], _ = ask("evaluate", trained.run.path)
    stored = trained.run.report()["val"]
    assert (made["split"], made["n"]) == ("val", 40)
    assert made["accuracy"] == stored["accuracy"]
    assert made["confusion"] == stored["confusion"]


def test_several_parts_give_a_line_each(trained: Trained, drawn_source: str) -> None:
    parts = ["optdigits/test", f"{drawn_source}/test"]
    made, _ = ask("evaluate", trained.run.path, "--on", parts[0], "--on", parts[1])
    assert [each["split"] for each in made] == parts


def test_views_of_a_run_are_averaged(trained: Trained, drawn_source: str) -> None:
    part = f"{drawn_source}/test"
    [one], _ = ask("evaluate", trained.run.path, "--on", part)
    [five], _ = ask("evaluate", trained.run.path, "--on", part, "--views", "5")
    assert five["loss"] != one["loss"]
    assert five["accuracy"] == trained.run.report()["test"]["accuracy_views"]["5"]


def test_people_get_a_table(trained: Trained) -> None:
    answer = CliRunner().invoke(app, ["evaluate", str(trained.run.path)])
    assert answer.exit_code == 0
    for words in ("val", "accuracy", "interval", " %"):
        assert words in answer.stdout


def test_labels_that_the_model_does_not_know_are_left_out_and_counted(
    trained: Trained, tmp_path: Path, drawn_digits: DrawDigits
) -> None:
    folder = write_class_folders(drawn_digits(30, np.random.default_rng(5)), tmp_path / "more")
    (folder / "3").rename(folder / "three")
    [made], said = ask("evaluate", trained.run.path, "--on", f"folder:{folder}/train")
    assert made["n"] == 27
    assert "left out 3 pictures with labels the model does not know: three" in said


def test_figures_of_a_test_part_that_was_learnt_from_are_marked(trained: Trained, tmp_path: Path) -> None:
    stored = trained.run.report()
    stored["splits"]["contaminated"] = ["optdigits/test"]
    for name in ("recipe.yaml", "best.safetensors"):
        (tmp_path / name).write_bytes(trained.run.file(name).read_bytes())
    (tmp_path / "report.json").write_text(json.dumps(stored))
    bundle = tiny_bundle(replace(TINY, report={"contaminated": ["optdigits/test"]}))
    (tmp_path / "model.onnx").write_bytes(bundle)
    for target in (tmp_path, tmp_path / "model.onnx"):
        _, said = ask("evaluate", target, "--on", "optdigits/test", "--on", "optdigits/train")
        assert said.count("Contaminated: the model has learnt from digits of optdigits/test") == 1
        assert "digits of optdigits/train" not in said


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["no-such-run"], 3, "no-such-run is not a run"),
        (["{run}", "--on", "optdigits"], 2, "--on optdigits: expected SOURCE/PART, as in mnist/test"),
        (["{run}", "--on", "folder:my/digits"], 2, "'digits' is no part. Add /train, /val or /test"),
        (["{run}", "--on", "optdigit/test"], 2, "Did you mean 'optdigits'"),
        (["{run}", "--on", "optdigits/val"], 3, "optdigits has no part 'val'. Its parts: train, test"),
        (["{run}", "--views", "4", "--on", "optdigits/test"], 2, "--views must be 1, 5 or 9, got 4"),
        (["{bundle}", "--views", "5", "--on", "optdigits/test"], 2, "a bundle has its views inside"),
        (["{bundle}"], 2, "Name what to score, as in --on mnist/test"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_a_reason(
    trained: Trained, exported: Path, words: list[str], code: int, message: str
) -> None:
    given = [word.format(run=trained.run.path, bundle=exported) for word in words]
    made, said = ask("evaluate", *given, code=code)
    assert made == []
    assert message in said


def test_a_run_without_a_validation_part_asks_for_another(trained: Trained, tmp_path: Path, drawn_source: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("report.json", "best.safetensors"):
        (folder / name).write_bytes(trained.run.file(name).read_bytes())
    text = trained.run.file("recipe.yaml").read_text()
    assert "val_size: 0.1" in text
    (folder / "recipe.yaml").write_text(text.replace("val_size: 0.1", "val_size: 0.0"))
    _, said = ask("evaluate", folder, code=2)
    assert "has no validation part here. Name what to score" in said
