"""A training may be killed at any moment, and ends as if nothing had happened."""

import random
import subprocess
from pathlib import Path

import pytest

from benchmarks.kill import cut_often, differences, start
from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import SMALL, quiet, train_small

QUICK = (
    "budget.least_steps=150", "budget.batch=8", "data.limit=60", "data.val_size=0", "run.test=false",
    "run.export=false", "run.checkpoint_seconds=0.02", "prepare.mode=photo",
)  # fmt: skip
PATIENCE_S = 120


@pytest.fixture(scope="module")
def whole(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training that nobody disturbs."""
    return train_small(drawn_source, tmp_path_factory.mktemp("whole") / "run", QUICK).run


@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_training_is_resumed_to_the_same_bits(
    whole: Run, drawn_source: str, tmp_path: Path, seed: int
) -> None:
    run = Run(tmp_path / "run")
    process = start(run.path, *SMALL, *QUICK, f"data.sources=[{drawn_source}]", f"run.folder={run.path}")
    while not run.file("last.ckpt").exists() and process.poll() is None:
        pass
    with pytest.raises(subprocess.TimeoutExpired):  # it is killed before its end
        process.wait(random.Random(seed).uniform(0, 0.2))
    process.kill()
    process.wait(PATIENCE_S)
    recipe = run.recipe()
    train(recipe, build(split_plan(recipe.data)), run, quiet, start=Start(resume=True))
    assert list(differences(run.path, whole.path)) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_at_random_moments_change_no_bit(tmp_path: Path) -> None:
    made = [each for each in cut_often(tmp_path, 20) if not each.was_over]
    assert [(each.after_s, each.differences) for each in made if each.differences] == []
    assert len(made) == 20
