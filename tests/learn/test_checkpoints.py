"""Checkpoints are kept for a reason: the last one, the one before, and the best ones."""

from pathlib import Path

import pytest
import torch

from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start, read
from digitkit.learn.run import LAST, Run
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, quiet, train_small
from tests.learn.short_runs import SHORT, history_without_seconds, same, weights


@pytest.fixture(scope="module")
def ranked(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that keeps its three best validations of six."""
    folder = tmp_path_factory.mktemp("ranked") / "run"
    return train_small(drawn_source, folder, (*SHORT, "run.validations=6", "run.keep=3", "optim.lr=0.05")).run


def test_the_best_validations_are_kept_by_accuracy_then_loss_then_the_later_step(ranked: Run) -> None:
    records = [record for record in ranked.history() if "val_accuracy" in record]
    scored = [(record["val_accuracy"], -record["val_loss"], record["step"]) for record in records]
    best = sorted(scored, reverse=True)[:3]
    names = [f"step-{step:07d}-accuracy-{accuracy:.4f}-loss-{-loss:.4f}.ckpt" for accuracy, loss, step in best]
    assert {path.name for path in ranked.file("top").iterdir()} == {*names}
    state = torch.load(ranked.file("top") / names[0], weights_only=True)["state_dict"]
    average = {name.removeprefix("average.network."): value for name, value in state.items() if "average.net" in name}
    assert same(weights(ranked), average)  # and the best of them is what gets exported


def test_a_kept_checkpoint_can_be_gone_on_from(ranked: Run, drawn_source: str, tmp_path: Path) -> None:
    kept = min(ranked.file("top").iterdir(), key=lambda path: read(path).step)
    run = Run.create(compose_small(drawn_source, tmp_path / "run", *SHORT, "run.validations=6", "optim.lr=0.05"))
    run.file(LAST).write_bytes(kept.read_bytes())
    recipe = run.recipe()
    train(recipe, build(split_plan(recipe.data)), run, quiet, start=Start(resume=True))
    assert same(weights(run), weights(ranked))


def test_few_checkpoints_are_left_of_a_run_that_wants_none(uninterrupted: dict[str, Run]) -> None:
    assert [path.name for path in uninterrupted["tiny"].path.rglob("*.ckpt")] == [LAST]


def test_what_a_killed_process_left_is_removed(drawn_source: str, tmp_path: Path) -> None:
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.keep=1")
    run = Run.create(recipe)
    strays = [
        run.file(".last.ckpt.0123456789abcdef"),
        run.file("pictures") / ".curves.png.0123456789abcdef",
        run.file("top") / "step-0000099-accuracy-1.0000-loss-0.0000.ckpt",
    ]
    for stray in (*strays, run.file(".mine"), run.file("top") / "mine.ckpt"):
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"")
    train(recipe, build(split_plan(recipe.data)), run, quiet, start=Start(resume=True))
    assert not any(stray.exists() for stray in strays)
    assert run.file(".mine").exists()
    assert (run.file("top") / "mine.ckpt").exists()


def test_losses_between_two_records_travel_in_the_checkpoint(drawn_source: str, tmp_path: Path) -> None:
    given = (*SHORT, "budget.least_steps=200", "data.val_size=0")
    whole = train_small(drawn_source, tmp_path / "whole", given).run
    recipe = compose_small(drawn_source, tmp_path / "cut", *given, "run.checkpoint_seconds=0")
    run = Run.create(recipe)
    splits = build(split_plan(recipe.data))

    class Killed(BaseException):
        pass

    def kill(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 100:  # the last checkpoint is of step 99, in the middle of a record
            raise Killed

    with pytest.raises(Killed):
        train(recipe, splits, run, kill)
    train(recipe, splits, run, quiet, start=Start(resume=True))
    assert history_without_seconds(run) == history_without_seconds(whole)


def test_a_checkpoint_holds_tensors_and_plain_values_only(ranked: Run) -> None:
    values = torch.load(ranked.file(LAST), weights_only=True)
    assert values["global_step"] == 12
    assert values["basis"]["recipe"]["name"] == "tiny"
