"""From drawings to a reader of drawings: the whole way through the real command, without a network."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import DrawDigits
from tests.fixtures.runs import write_class_folders
from tests.journeys.terminal import call

NEW = 100  # drawings that nobody has seen


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, drawn_digits: DrawDigits) -> Path:
    """A folder with `drawings` to learn from and `new` ones to read."""
    folder = tmp_path_factory.mktemp("desk")
    write_class_folders(drawn_digits(500, np.random.default_rng(1)), folder / "drawings")
    write_class_folders(drawn_digits(NEW, np.random.default_rng(2), side=90), folder / "new")
    return folder


@pytest.fixture(scope="module")
def trained_here(desk: Path) -> dict[str, object]:
    """The last line of `train --json`."""
    words = ["experiment=tiny", "data.sources=[folder:drawings]", "budget.epochs=16", "run.folder=run"]
    values = json.loads(call("train", *words, "--json", folder=desk).splitlines()[-1])
    assert isinstance(values, dict)
    return values


def read(desk: Path, bundle: str) -> float:
    """The share of the new drawings that a bundle reads rightly."""
    lines = call("predict", "new", "--bundle", bundle, "--json", folder=desk).splitlines()
    answers = [json.loads(line) for line in lines]
    assert len(answers) == NEW
    right = [bool(answer["label"] == Path(answer["picture"]).parent.name) for answer in answers]
    return sum(right) / NEW


def test_the_last_line_of_training_has_the_figures(trained_here: dict[str, object]) -> None:
    promised = {"run", "train_seconds", "prepare_seconds", "total_seconds", "val_accuracy", "test_accuracy"}
    assert promised <= set(trained_here)
    assert trained_here["run"] == "run"
    assert trained_here["test_accuracy"] is None  # drawings are one folder, without a test part


def test_new_drawings_are_read_with_the_bundle_of_the_training(desk: Path, trained_here: dict[str, object]) -> None:
    assert read(desk, "run/model.onnx") >= 0.9


@pytest.mark.slow
def test_new_drawings_are_read_with_an_export_of_five_views(desk: Path, trained_here: dict[str, object]) -> None:
    call("export", "run", "--views", "5", "--output", "five.onnx", folder=desk)
    assert read(desk, "five.onnx") >= 0.9


def test_the_run_on_the_desk_tells_everything(desk: Path, trained_here: dict[str, object]) -> None:
    names = {path.name for path in (desk / "run").iterdir()} - {"precision.json"}  # where bf16 could be measured
    assert names == {
        "best.safetensors", "card.html", "card.md", "history.jsonl", "last.ckpt", "model.onnx", "pictures",
        "recipe.yaml", "report.json",
    }  # fmt: skip
