"""Two real processes train one network: they learn what one learns, only one speaks, and none is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError, DigitkitError
from digitkit.data.splits import build
from digitkit.learn.gathering import follows, gathered
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.running import RunConfig
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, quiet, train_small
from tests.learn.short_runs import history_without_seconds, same, weights

# Its learning rate is small enough for rounding to stay rounding over 50 steps.
CALM = ("budget.least_steps=50", "budget.batch=45", "run.precision=fp32", "run.test=false", "data.limit=200")
HARD = ("budget.hard_share=0.3", "mix.probability=0.2", "loss.weights=inverse")
VARIED = ("augment.before.k=1", "augment.before.refresh=6", "augment.before.noise=0.5")
ENDS_IN_S = 60.0


def children() -> list[int]:
    """The processes that this one has started."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]


def losses(run: Run) -> torch.Tensor:
    return torch.tensor([float(record["train_loss"]) for record in run.history()])


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "digitkit", "train", *words]


def recipe_words(source: str, folder: Path, *overrides: str) -> list[str]:
    small = ("experiment=tiny", "budget.epochs=0.01", "run.device=cpu", "run.threads=1", "run.export=false", *CALM)
    return [*small, f"data.sources=[{source}]", f"run.folder={folder}", *overrides]


def test_two_processes_learn_what_one_learns_and_leave_the_same_files(drawn_source: str, tmp_path: Path) -> None:
    one = train_small(drawn_source, tmp_path / "one", (*CALM, *HARD, *VARIED)).run
    two = train_small(drawn_source, tmp_path / "two", (*CALM, *HARD, *VARIED, "run.devices=2")).run
    assert len(losses(one)) == 50
    assert float((losses(one) - losses(two)).abs().max()) < 1e-4
    files = [{str(path.relative_to(run.path)) for path in run.path.rglob("*")} for run in (one, two)]
    assert files[0] == files[1]
    assert [run.report()["processes"] for run in (one, two)] == [1, 2]
    assert two.report()["precision"] == "fp32"


def test_more_devices_than_processes_that_were_started_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    refused = pytest.raises(ConfigError, match=r"run\.devices=3, but 2 processes were started")
    with refused, gathered(RunConfig(devices=3), Path("run")):
        pytest.fail("it was taken")


@pytest.mark.parametrize(("rank", "expected"), [("0", False), ("1", True), ("", False)])
def test_whoever_is_not_the_first_follows(monkeypatch: pytest.MonkeyPatch, rank: str, expected: bool) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank:
        monkeypatch.setenv("RANK", rank)
    assert follows() is expected


def test_an_environment_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ConfigError, match="RANK='first' in the environment is no whole number"):
        follows()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the other process in /proc")
def test_a_process_that_is_killed_ends_the_training_with_its_name(drawn_source: str, tmp_path: Path) -> None:
    recipe = compose_small(drawn_source, tmp_path / "run", *CALM, "run.devices=2")
    before = set(children())

    def kill(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 5:
            os.kill(next(iter(set(children()) - before)), signal.SIGKILL)

    with pytest.raises(DigitkitError, match=r"Process 2 of 2 was ended by SIGKILL .* digitkit train --resume"):
        train(recipe, build(split_plan(recipe.data)), Run.create(recipe), kill)
    assert set(children()) == before


@pytest.mark.slow
def test_a_batch_too_small_for_all_is_refused_once(drawn_source: str, tmp_path: Path) -> None:
    recipe = compose_small(drawn_source, tmp_path / "run", *CALM, "budget.batch=1", "run.devices=2")
    with pytest.raises(ConfigError, match="2 processes cannot share 1 images"):
        train(recipe, build(split_plan(recipe.data)), Run.create(recipe), quiet)


@pytest.mark.slow
def test_a_run_of_two_goes_on_as_if_it_had_never_been_stopped(drawn_source: str, tmp_path: Path) -> None:
    together = (*CALM, *HARD, "run.devices=2", "model=fast_cnn", "model.stem=4", "optim=muon")
    whole = train_small(drawn_source, tmp_path / "whole", together).run

    def stop(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 21:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "cut", *together)
    run, splits = Run.create(recipe), build(split_plan(recipe.data))
    with pytest.raises(KeyboardInterrupt, match="stopped at step 21 of 50"):
        train(recipe, splits, run, stop)
    train(recipe, splits, run, quiet, start=Start(resume=True))
    assert same(weights(run), weights(whole))
    assert history_without_seconds(run) == history_without_seconds(whole)


@pytest.mark.slow
def test_torchrun_starts_the_same_training_and_one_process_speaks(drawn_source: str, tmp_path: Path) -> None:
    one = train_small(drawn_source, tmp_path / "one", CALM).run
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m"]
    words = ["digitkit", "train", *recipe_words(drawn_source, tmp_path / "two"), "--json"]
    done = subprocess.run([*torchrun, *words], capture_output=True, text=True, check=True, timeout=250)
    assert json.loads(done.stdout)["run"] == str(tmp_path / "two")  # one object, so one process
    assert float((losses(one) - losses(Run.open(tmp_path / "two"))).abs().max()) < 1e-4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the other process in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_follower_outlives_its_leader(drawn_source: str, tmp_path: Path, number: signal.Signals) -> None:
    words = recipe_words(drawn_source, tmp_path / "run", "run.devices=2", "budget.least_steps=100000")
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True) as leader:
        others: list[str] = []
        end = time.monotonic() + 120
        while not others and time.monotonic() < end:
            others = Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text().split()
            time.sleep(0.1)
        leader.send_signal(number)
        leader.communicate(timeout=ENDS_IN_S)
    end = time.monotonic() + ENDS_IN_S
    while Path(f"/proc/{others[0]}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not Path(f"/proc/{others[0]}").exists()
