"""A training that is stopped loses nothing, whatever stopped it."""

import signal
from pathlib import Path

import pytest

from digitkit.core.errors import DataError, StoreError
from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, full_disk, quiet
from tests.learn.short_runs import KINDS, SHORT, history_without_seconds, same, weights


def stop_at(step: int, number: signal.Signals, source: str, folder: Path, *overrides: str) -> Run:
    """Train and send a signal to ourselves when a step is done."""

    def progress(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == step:
            signal.raise_signal(number)

    recipe = compose_small(source, folder, *overrides)
    run = Run.create(recipe)
    with pytest.raises(KeyboardInterrupt, match=rf"stopped at step {step} of \d+; .* digitkit train --resume {folder}"):
        train(recipe, build(split_plan(recipe.data)), run, progress)
    return run


def resume(run: Run) -> Run:
    recipe = run.recipe()
    return train(recipe, build(split_plan(recipe.data)), run, quiet, resume=True)


@pytest.mark.parametrize("step", [1, 5, 11])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_ends_as_the_uninterrupted_one(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path, step: int, kind: str
) -> None:
    whole = uninterrupted[kind]
    run = stop_at(step, signal.SIGINT, drawn_source, tmp_path / "cut", *SHORT, *KINDS[kind])
    assert not run.file("report.json").exists()
    resume(run)
    assert same(weights(run), weights(whole))
    assert history_without_seconds(run) == history_without_seconds(whole)
    assert run.report()["val"] == whole.report()["val"]


def test_a_run_can_be_stopped_again_and_again(uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path) -> None:
    run = stop_at(3, signal.SIGTERM, drawn_source, tmp_path / "cut", *SHORT)
    recipe = run.recipe()

    def stop_later(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 7:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped at step 7 of 12"):
        train(recipe, build(split_plan(recipe.data)), run, stop_later, resume=True)
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))
    seconds = [record["seconds"] for record in run.history()]
    assert seconds == sorted(seconds)


def test_a_stop_at_the_last_step_is_a_finished_run(drawn_source: str, tmp_path: Path) -> None:
    def stop_at_the_end(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == total:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT)
    run = train(recipe, build(split_plan(recipe.data)), Run.create(recipe), stop_at_the_end)
    assert run.report()["steps"] == 12


def test_a_disk_that_fills_up_stops_the_training_and_leaves_the_last_whole_checkpoint(
    drawn_source: str, tmp_path: Path
) -> None:
    run = stop_at(3, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    before, recipe = run.file("last.ckpt").read_bytes(), run.recipe()
    splits = build(split_plan(recipe.data))
    with full_disk(), pytest.raises(StoreError, match=r"Cannot write .*: File too large\. Free some space"):
        train(recipe, splits, run, quiet, resume=True)
    assert run.file("last.ckpt").read_bytes() == before
    assert not [path for path in run.path.iterdir() if path.name.startswith(".")]
    assert resume(run).report()["steps"] == 12


def test_a_checkpoint_that_finds_no_room_says_so(drawn_source: str, tmp_path: Path) -> None:
    def stop(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 2:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.validations=1")
    splits, run = build(split_plan(recipe.data)), Run.create(recipe)
    with full_disk(), pytest.raises(StoreError, match=r"Cannot write .*last\.ckpt: File too large\. Free some space"):
        train(recipe, splits, run, stop)
    assert {path.name for path in run.path.iterdir()} == {"recipe.yaml"}


def test_signals_go_back_to_whom_they_belonged(drawn_source: str, tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    stop_at(2, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_run_stopped_before_its_first_checkpoint_starts_from_its_beginning(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path
) -> None:
    run = Run.create(compose_small(drawn_source, tmp_path / "bare", *SHORT))
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))


def test_a_run_does_not_go_on_with_other_pictures(drawn_source: str, tmp_path: Path) -> None:
    run = stop_at(2, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    recipe = compose_small(drawn_source, run.path, *SHORT, "data.limit=100")
    with pytest.raises(DataError, match="stopped with 200 training pictures, now there are 100"):
        train(recipe, build(split_plan(recipe.data)), run, quiet, resume=True)
