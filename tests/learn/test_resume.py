"""A training that is stopped loses nothing, whatever stopped it."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError, DataError, StoreError
from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, full_disk, quiet, train_small
from tests.learn.short_runs import KINDS, SHORT, history_without_seconds, same, weights

RESUME = Start(resume=True)


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


def resume(run: Run, start: Start = RESUME) -> Run:
    recipe = run.recipe()
    return train(recipe, build(split_plan(recipe.data)), run, quiet, start=start)


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
        train(recipe, build(split_plan(recipe.data)), run, stop_later, start=RESUME)
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


def test_a_disk_that_fills_up_stops_no_training_and_leaves_the_last_whole_checkpoint(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path
) -> None:
    run = stop_at(3, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    before, said = run.file("last.ckpt").read_bytes(), list[str]()
    with full_disk(), pytest.raises(StoreError, match=r"Cannot write .*: File too large\. Free some space"):
        resume(run, Start(resume=True, say=said.append))
    assert run.file("last.ckpt").read_bytes() == before
    assert not [path for path in run.path.iterdir() if path.name.startswith(".")]
    assert len(said) == 1
    assert "best.safetensors: File too large" in said[0]
    assert "The training goes on, and tries again" in said[0]
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))


def test_what_found_no_room_is_written_when_there_is_some(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path
) -> None:
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.checkpoint_seconds=0", "run.validations=6")
    splits, run, said, disk = build(split_plan(recipe.data)), Run.create(recipe), list[str](), ExitStack()

    def fill_from_4_to_7(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 3:
            disk.enter_context(full_disk())
        if text.startswith("loss") and done == 7:
            disk.close()

    with disk:
        train(recipe, splits, run, fill_from_4_to_7, start=Start(say=said.append))
    assert len(said) == 1
    whole = train_small(drawn_source, tmp_path / "whole", (*SHORT, "run.validations=6")).run
    assert same(weights(run), weights(whole))
    assert history_without_seconds(run) == history_without_seconds(whole)


def test_a_stop_that_finds_no_room_says_so(drawn_source: str, tmp_path: Path) -> None:
    def stop(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 2:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.validations=1")
    splits, run = build(split_plan(recipe.data)), Run.create(recipe)
    with full_disk(), pytest.raises(StoreError, match=r"Cannot write .*last\.ckpt: File too large\. Free some space"):
        train(recipe, splits, run, stop)
    assert not run.file("last.ckpt").exists()


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
    recipe = compose_small(drawn_source, run.path, *SHORT, "data.limit=100", "optim.lr=0.001")
    splits = build(split_plan(recipe.data))
    told = r"pictures or labels.*data\.limit was 200, is 100; .*optim\.lr was 0\.003, is 0\.001.*--resume .*run --force"
    with pytest.raises(ConfigError, match=told):
        train(recipe, splits, run, quiet, start=RESUME)
    with pytest.raises(DataError, match="stopped with 200 training pictures, now there are 100"):
        train(recipe, splits, run, quiet, start=Start(resume=True, force=True))


def test_a_run_goes_on_with_another_recipe_when_forced_and_then_asks_no_more(drawn_source: str, tmp_path: Path) -> None:
    run = stop_at(2, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT)
    run.write_recipe(compose_small(drawn_source, run.path, *SHORT, "optim.lr=0.001"))
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        stop_again_at(5, run, Start(resume=True, force=True, say=said.append))
    assert said[0].startswith("going on although this has changed: recipe.yaml: optim.lr was")
    assert resume(run).report()["steps"] == 12


def stop_again_at(step: int, run: Run, start: Start) -> None:
    """Go on and stop once more."""

    def progress(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == step:
            signal.raise_signal(signal.SIGINT)

    recipe = run.recipe()
    train(recipe, build(split_plan(recipe.data)), run, progress, start=start)


def test_the_checkpoint_before_takes_the_place_of_a_damaged_one(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path
) -> None:
    run = stop_at(7, signal.SIGINT, drawn_source, tmp_path / "run", *SHORT, "run.checkpoint_seconds=0")
    last, before = run.file("last.ckpt"), run.file("previous.ckpt").read_bytes()
    last.write_bytes(last.read_bytes()[:-100])
    said: list[str] = []
    with full_disk(), pytest.raises(StoreError):  # nothing is written over the last whole one
        resume(run, Start(resume=True, say=said.append))
    assert said[0] == f"{last} is damaged; going on from {run.file('previous.ckpt')}, which is of step 6."
    assert run.file("previous.ckpt").read_bytes() == before
    assert same(weights(resume(run)), weights(uninterrupted["tiny"]))
    assert not run.file("previous.ckpt").exists()


def test_the_history_is_on_the_disk_before_the_end(drawn_source: str, tmp_path: Path) -> None:
    seen: list[int] = []

    def look(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 9:
            seen.extend(record["step"] for record in Run(tmp_path / "run").history())

    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.checkpoint_seconds=0")
    train(recipe, build(split_plan(recipe.data)), Run.create(recipe), look)
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]
