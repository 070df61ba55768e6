"""Contract of every experiment, present and future: it composes, says what it is, and holds differences only."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.learn.compose import compose, experiments, from_plain, to_plain
from digitkit.learn.models import MODELS, InputShape

EXPERIMENTS = experiments()
every_experiment = pytest.mark.parametrize("name", EXPERIMENTS)


def differences(name: str) -> dict[str, Any]:
    """What the file of an experiment holds."""
    text = files("digitkit.conf").joinpath("experiment", f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert isinstance(values, dict)
    return values


def smoke(name: str) -> list[str]:
    """The words of the small training that the header of an experiment names, after `digitkit`; none if it has none."""
    found = re.search(r"^Smoke: digitkit (.+(?:\n(?!\w+:).+)*)", EXPERIMENTS[name], re.MULTILINE)
    return found[1].split() if found else []


SMOKES = [name for name in EXPERIMENTS if smoke(name)]


def test_the_experiments_of_the_five_projects_are_there() -> None:
    assert {"fast", "sprint", "resnext", "jersey", "wide_resnet", "tiny", "mnist_cnn"} <= set(EXPERIMENTS)
    assert {"resnext", "jersey", "wide_resnet", "tiny", "mnist_cnn"} <= set(SMOKES)


@pytest.mark.parametrize("name", SMOKES)
def test_the_small_training_of_a_header_learns(name: str, tmp_path: Path) -> None:
    words = [
        *smoke(name),
        f"run.folder={tmp_path / name}",
        "run.device=cpu",
        "run.threads=1",
        "run.views=1",
        "run.export=false",
    ]
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 0, answer.output
    losses = [json.loads(line)["train_loss"] for line in (tmp_path / name / "history.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]
    if name == "resnext":  # 64 pictures, without blends and smoothing: it overfits them
        assert losses[-1] < 0.1


@every_experiment
def test_an_experiment_composes_under_its_own_name(name: str) -> None:
    assert compose([f"experiment={name}"]).name == name


@every_experiment
def test_the_header_of_an_experiment_says_what_it_is(name: str) -> None:
    first = EXPERIMENTS[name].splitlines()[0]
    assert len(first.split()) >= 4
    assert "@package" not in EXPERIMENTS[name]


@every_experiment
def test_an_experiment_takes_overrides(name: str) -> None:
    assert compose([f"experiment={name}", "seed=5", "data.sources=[optdigits]"]).seed == 5


@every_experiment
def test_an_experiment_comes_back_from_its_plain_values(name: str) -> None:
    recipe = compose([f"experiment={name}"])
    assert from_plain(to_plain(recipe)) == recipe


@every_experiment
def test_the_network_of_an_experiment_can_be_built(name: str) -> None:
    recipe = compose([f"experiment={name}"])
    shape = InputShape(recipe.prepare.size, recipe.prepare.channels, 10)
    with torch.device("meta"):
        network = MODELS[recipe.model.name].build(recipe.model, shape)
    assert sum(weight.numel() for weight in network.parameters()) > 0


@every_experiment
def test_an_experiment_does_not_choose_where_and_on_what_it_runs(name: str) -> None:
    assert {"folder", "device", "threads"}.isdisjoint(differences(name).get("run", {}))
