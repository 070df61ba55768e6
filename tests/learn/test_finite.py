"""A loss that is no number ends a training at once, and nothing good is written over."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from digitkit.cli import exit_code
from digitkit.core.errors import TrainingDiverged
from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import find
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, quiet
from tests.learn.short_runs import SHORT

WILD = ("optim=sgd", "optim.lr=100", "optim.weight_decay=10", "schedule.warmup=0.9", "budget.least_steps=40")


def test_a_training_that_diverges_stops_and_keeps_what_was_good(drawn_source: str, tmp_path: Path) -> None:
    given = (*SHORT, *WILD, "run.validations=40", "run.checkpoint_seconds=0", "run.keep=2")
    recipe = compose_small(drawn_source, tmp_path / "run", *given)
    run = Run.create(recipe)
    with pytest.raises(TrainingDiverged) as caught:
        train(recipe, build(split_plan(recipe.data)), run, quiet)
    standing = find(run)
    assert standing is not None
    told = str(caught.value)
    assert f"step {standing.step + 1}, learning rate " in told
    assert f"The last good checkpoint is {run.file('last.ckpt')}, of step {standing.step}." in told
    assert "lower optim.lr" in told
    assert exit_code(caught.value) == 3
    kept = [torch.load(path, weights_only=True)["state_dict"] for path in run.path.rglob("*.ckpt")]
    for state in (load_file(run.file("best.safetensors")), *kept):
        assert all(bool(torch.isfinite(value).all()) for value in state.values())
    assert [record["step"] for record in run.history()] == list(range(1, standing.step + 1))
    assert not run.file("report.json").exists()


def test_without_a_checkpoint_it_says_that_there_is_none(drawn_source: str, tmp_path: Path) -> None:
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, *WILD, "run.validations=1")
    with pytest.raises(TrainingDiverged, match=r"at step \d+, learning rate \d.*There is no earlier checkpoint\."):
        train(recipe, build(split_plan(recipe.data)), Run.create(recipe), quiet)
