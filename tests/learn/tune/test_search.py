"""A search trains for real, by validation alone, and goes on whatever becomes of a trial."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from optuna.trial import TrialState
from PIL import Image

from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import ConfigError, StoreError
from digitkit.data.splits import build
from digitkit.learn.compose import compose, from_plain, to_plain
from digitkit.learn.parts import split_plan
from digitkit.learn.run import Run
from digitkit.learn.train import train
from digitkit.learn.tune.ledger import Ledger
from digitkit.learn.tune.results import Results
from digitkit.learn.tune.search import Listener, Plan, tune
from digitkit.learn.tune.space import Span
from tests.fixtures.runs import SMALL, quiet, write_class_folders

FEW = (
    *SMALL,
    "budget.least_steps=6",
    "data.limit=60",
    "data.duplicates=exact",
    "run.precision=fp32",
    "run.validations=3",
)


def search(source: str, folder: Path, *words: str, **asked: Any) -> tuple[Results, list[str]]:
    """A search and the lines that it says."""
    said: list[str] = []
    plan = Plan((*FEW, f"data.sources=[{source}]", *words), runs=folder, **asked)
    return tune(plan, Listener(said.append, quiet)), said


@pytest.fixture(scope="module")
def found(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A finished search over learning rate and width."""
    folder = tmp_path_factory.mktemp("found")
    return search(drawn_source, folder, "optim.lr=log:1e-6..3e-2", "model.first=4,8", trials=8, prune=False)[0]


def test_a_search_tries_as_often_as_asked_and_ranks_by_accuracy(found: Results) -> None:
    assert [entry.state for entry in found.entries] == ["finished"] * 8
    figures = [(-(entry.accuracy or 0), entry.loss or 0) for entry in found.entries]
    assert figures == sorted(figures)
    assert found.best == found.entries[0]
    assert all(entry.seconds for entry in found.entries)


def test_a_trial_keeps_recipe_and_history_and_nothing_large(found: Results) -> None:
    for entry in found.entries:
        run = Run(found.folder / "trials" / f"{entry.trial:04}")
        assert {path.name for path in run.path.iterdir()} == {"recipe.yaml", "history.jsonl"}
        recipe = run.recipe()
        assert (recipe.optim.lr, recipe.run.test, recipe.run.export) == (entry.settings["optim.lr"], False, False)
        assert max(record.get("val_accuracy", 0) for record in run.history()) == entry.accuracy


def test_the_best_recipe_is_an_experiment_that_trains_to_the_same_score(found: Results, tmp_path: Path) -> None:
    best = found.best
    assert best is not None
    recipe = compose([f"experiment={found.experiment}", "run.threads=1", "run.device=cpu", f"run.folder={tmp_path}"])
    assert recipe.optim.lr == best.settings["optim.lr"]
    assert recipe.run.test
    run = train(recipe, build(split_plan(recipe.data)), Run.create(recipe), quiet)
    assert run.report()["val"]["accuracy"] == best.accuracy
    assert run.report()["test"]["n"] > 0


def test_the_file_of_the_best_holds_differences_and_says_what_it_is(found: Results) -> None:
    text = found.experiment.read_text()
    values = yaml.safe_load(text)
    assert values["defaults"] == [{"override /model": "tiny_cnn"}, {"override /optim": "adamw"}]
    assert set(values) <= {"name", "defaults", "data", "model", "optim", "budget", "run"}
    assert values["data"]["limit"] == 60
    assert {"folder", "test", "export", "device", "threads"}.isdisjoint(values["run"])
    assert text.startswith("# @package _global_\n# The best of a search, trial ")
    assert f"# Command: digitkit train experiment={found.experiment}" in text


def test_pictures_show_what_matters_and_how_it_went(found: Results) -> None:
    assert list(found.importance) == sorted(found.importance, key=lambda key: -found.importance[key])
    assert sum(found.importance.values()) == pytest.approx(1)
    for name in ("importance.png", "history.png"):
        with Image.open(found.folder / name) as picture:
            assert picture.width > picture.height > 100


def test_the_same_command_again_goes_on_to_the_total(drawn_source: str, tmp_path: Path) -> None:
    words = ("optim.lr=log:1e-4..1e-2",)
    first, _ = search(drawn_source, tmp_path, *words, trials=1)
    second, said = search(drawn_source, tmp_path, *words, trials=2)
    third, nothing = search(drawn_source, tmp_path, *words, trials=2)
    assert first.entries[0] in second.entries
    assert len(second.entries) == 2
    assert second.entries == third.entries
    assert [line for line in said if line.startswith("trial 1 finished (2 of 2): ")]
    assert not any(line.startswith("trial") for line in nothing)


@pytest.mark.parametrize("prune", [True, False])
def test_a_trial_that_lags_behind_the_others_is_given_up_if_wanted(
    drawn_source: str, tmp_path: Path, prune: bool
) -> None:
    lr = Span("optim.lr", 1e-6, 1e-5, log=True, whole=False)
    others = Ledger.open("tiny", str(tmp_path / "tune-tiny" / "journal.log"), (lr,), seed=0, prune=prune)
    for _ in range(5):
        trial = others.take(5)
        assert trial is not None
        for validation in (1, 2, 3):
            trial.report(0.99, validation)
        others.tell(trial, 0.99, TrialState.COMPLETE, loss=0.1)
    results, _ = search(drawn_source, tmp_path, "optim.lr=log:1e-6..1e-5", trials=6, prune=prune)
    assert results.counts() == ({"finished": 5, "given up": 1} if prune else {"finished": 6})
    history = Run(tmp_path / "tune-tiny" / "trials" / "0005").history()
    assert sum("val_accuracy" in record for record in history) == (2 if prune else 3)


def test_there_are_no_more_trials_than_settings(drawn_source: str, tmp_path: Path) -> None:
    results, said = search(drawn_source, tmp_path, "model.first=2,3", trials=40)
    assert sorted(entry.settings["model.first"] for entry in results.entries) == ["2", "3"]
    assert "There are 2 different settings, and each is tried once." in said


def test_settings_that_do_not_go_together_fail_and_the_others_go_on(drawn_source: str, tmp_path: Path) -> None:
    words = ("data.sampling.mode=disabled,auto", "loss.weights=none,inverse")  # both at once is refused
    results, said = search(drawn_source, tmp_path, *words, trials=4)
    assert sorted(entry.state for entry in results.entries) == ["failed", "finished", "finished", "finished"]
    failed = results.entries[-1]
    assert "twice is too much" in failed.error
    assert any(failed.error in line for line in said)
    assert failed.accuracy is None


def test_where_all_trials_fail_the_search_has_failed(drawn_source: str, tmp_path: Path) -> None:
    words = ("model=resnet18", "model.weights=absent.safetensors,missing.safetensors")
    with pytest.raises(ConfigError, match=r"All 2 trials failed\. The first one said: .*there is no such file"):
        search(drawn_source, tmp_path, *words, trials=2)
    assert not (tmp_path / "tune-tiny" / "best.yaml").exists()


def test_without_validation_pictures_there_is_nothing_to_choose_by(drawn_source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chooses by validation pictures"):
        search(drawn_source, tmp_path, "data.val_size=0", "seed=1,2")


def test_ctrl_c_leaves_the_trial_to_the_next_call(drawn_source: str, tmp_path: Path) -> None:
    words = ("optim.lr=log:1e-4..1e-2",)
    plan = Plan((*FEW, f"data.sources=[{drawn_source}]", *words), trials=2, runs=tmp_path)
    finished: list[str] = []

    def stop_in_the_second(done: int, total: int, text: str) -> None:
        if text.startswith("trial 1,") and done == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match=r"stopped after 1 of 2 trials; nothing is lost\. Go on with the same"):
        tune(plan, Listener(finished.append, stop_in_the_second))
    assert (tmp_path / "tune-tiny" / "best.yaml").is_file()
    results = tune(plan, Listener(finished.append, quiet))
    assert [entry.state for entry in results.entries] == ["finished"] * 2
    assert not any(path.name == "last.ckpt" for path in tmp_path.rglob("*"))


def test_a_folder_that_cannot_be_written_is_no_fault_of_a_setting(drawn_source: str, tmp_path: Path) -> None:
    (tmp_path / "tune-tiny").mkdir()
    (tmp_path / "tune-tiny" / "trials").write_text("in the way")
    with pytest.raises(StoreError, match="Cannot create the folder"):
        search(drawn_source, tmp_path, "seed=1,2", trials=2)


def test_the_recipe_of_the_best_comes_back_from_its_plain_values(found: Results) -> None:
    recipe = compose([f"experiment={found.experiment}"])
    assert from_plain(to_plain(recipe)) == recipe


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"trials": 0}, "--trials must lie in 1"), ({"study": "../up"}, "--study becomes part of a folder's name")],
)
def test_a_plan_that_makes_no_sense_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Plan(("seed=1,2",), **asked)


def test_a_search_does_not_go_on_with_other_negatives(drawn_source: str, tmp_path: Path) -> None:
    folder = tmp_path / "others" / "train"
    pictures = Dense(np.full((8, 9, 9), 7, np.uint8))
    write_class_folders(DigitSet(pictures, np.zeros(8, np.int64), ("not a digit",), np.arange(8).astype(str)), folder)
    words = ("optim.lr=log:1e-4..1e-2", f"data.negatives=[folder:{folder.parent}]")
    search(drawn_source, tmp_path, *words, trials=1)
    next((folder / "not a digit").iterdir()).unlink()
    with pytest.raises(ConfigError, match="begun with other negatives"):
        search(drawn_source, tmp_path, *words, trials=2)
