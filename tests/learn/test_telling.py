"""One pass over the validation images per network serves everything, and nothing else of a training is changed."""

import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from digitkit.core.errors import ConfigError
from digitkit.data.splits import build
from digitkit.learn import telling
from digitkit.learn.layers import Standardise
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.trackers.threads import Trackers, TrackerThread
from digitkit.learn.trackers.tracker import Entry, Tracked
from digitkit.learn.train import train
from tests.fixtures.runs import Trained, compose_small, quiet, train_small
from tests.learn.short_runs import SHORT, history_without_seconds, same, weights


class Notebook:
    """A tracker that writes down what it hears."""

    def __init__(self, heard: list[tuple[str, int]]) -> None:
        self.heard, self.run_id = heard, "one"

    def record(self, step: int, values: Mapping[str, float]) -> None:
        self.heard.append(("record", step))

    def pictures(self, step: int, paths: Mapping[str, Path]) -> None:
        assert all(path.is_file() for path in paths.values())
        self.heard += [(name, step) for name in paths]

    def end(self, figures: Mapping[str, float] | None, files: Sequence[Path]) -> None:
        self.heard.append(("end", len(figures or {})))


def told_by(run: Run, heard: list[tuple[str, int]]) -> Trackers:
    tracked = Tracked("run", {}, run.path, "", 0, heard.clear)  # type: ignore[arg-type]
    return Trackers([TrackerThread("notebook", Entry("json", lambda _: Notebook(heard)), tracked)])


@pytest.fixture(scope="module")
def heard(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[tuple[str, int]]]:
    """A short run and what a tracker heard of it."""
    found: list[tuple[str, int]] = []
    recipe = compose_small(drawn_source, tmp_path_factory.mktemp("heard") / "run", *SHORT, "run.pictures=true")
    run = Run.create(recipe)
    trackers = told_by(run, found)
    train(recipe, build(split_plan(recipe.data)), run, quiet, trackers=trackers)
    trackers.finish(run)
    return run, found


def test_trackers_hear_every_record_and_pictures_at_the_step_that_they_show(
    heard: tuple[Run, list[tuple[str, int]]],
) -> None:
    run, told = heard
    history = run.history()
    scored = [record["step"] for record in history if "val_accuracy" in record]
    assert [step for what, step in told if what == "record"] == [record["step"] for record in history]
    assert [step for what, step in told if what == "confusion"] == scored
    assert [step for what, step in told if what == "grid"] == scored
    assert {what for what, step in told if step == scored[-1]} >= {"curves", "batch", "confusion-val", "mistakes-val"}
    assert told[-1][0] == "end"
    assert told[-1][1] > 5


def test_trackers_change_nothing_in_what_is_learnt(
    heard: tuple[Run, list[tuple[str, int]]], uninterrupted: dict[str, Run]
) -> None:
    run, _ = heard
    assert same(weights(run), weights(uninterrupted["tiny"]))
    assert history_without_seconds(run) == history_without_seconds(uninterrupted["tiny"])


def test_a_long_training_is_drawn_on_the_way(
    drawn_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "DRAW_EVERY_S", 0.0)
    seen: list[int] = []
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.pictures=true")
    run = Run.create(recipe)

    def look(done: int, total: int, text: str) -> None:
        if text.startswith("loss"):
            seen.append(len(list(run.file("pictures").glob("grid-step-*.png"))))

    train(recipe, build(split_plan(recipe.data)), run, look)
    assert seen[0] == 0
    assert seen[-1] == recipe.run.validations - 1  # the last record is told before its own pictures are drawn
    assert len(list(run.file("pictures").glob("grid-step-*.png"))) == recipe.run.validations


def test_a_network_reads_the_validation_images_once_in_each_validation(drawn_source: str, tmp_path: Path) -> None:
    read: list[int] = []

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(layer, Standardise) and not layer.training:
            read.append(len(given[0]))

    with register_module_forward_pre_hook(count):
        run = train_small(drawn_source, tmp_path / "run", (*SHORT, "run.precision=fp32", "average.every=2")).run
    # raw and averaged weights at each validation, and the best ones at the end, for report, temperature and pictures
    assert read == [run.report()["data"]["val"]] * (2 * run.recipe().run.validations + 1)


def test_the_raw_weights_are_reported_beside_the_best_average(trained: Trained) -> None:
    stored = trained.run.report()
    scored = [record for record in trained.run.history() if "val_accuracy" in record]
    best = max(record["val_accuracy"] for record in scored)
    [*_, chosen] = [record for record in scored if record["val_accuracy"] == best]
    for name in ("accuracy", "f1", "loss"):
        assert stored["raw_val"][name] == chosen[f"raw_val_{name}"]
    assert stored["raw_val"]["top_k"].keys() == {"2", "3", "5"}
    assert len(stored["raw_val"]["per_class"]) == 10


def test_an_absent_tracker_stops_before_the_training(
    drawn_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digitkit.learn.trackers import threads

    monkeypatch.setattr(threads, "find_spec", lambda package: None)
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.trackers=[wandb]", "run.pictures=true")
    run, splits = Run.create(recipe), build(split_plan(recipe.data))
    with pytest.raises(ConfigError, match=r"pip install 'digitkit\[wandb\]'"):
        train(recipe, splits, run, quiet)
    assert {path.name for path in run.path.iterdir()} == {"recipe.yaml"}


def test_a_tracker_that_fails_leaves_a_whole_run(drawn_source: str, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "run.trackers=[tensorboard]", "run.pictures=true")
    run = Run.create(recipe)
    run.file("trackers").write_text("a file where the tracker wants a folder")
    train(recipe, build(split_plan(recipe.data)), run, quiet, start=Start(say=said.append))
    assert [line.partition(":")[0] for line in said] == ["tensorboard"]
    assert run.report()["val"]
    assert run.file("pictures").joinpath("curves.png").is_file()


def test_a_training_leaves_the_process_as_it_was(drawn_source: str, tmp_path: Path) -> None:
    before = state_of_the_process()
    train_small(drawn_source, tmp_path / "run", SHORT)
    assert state_of_the_process() == before


def state_of_the_process() -> list[object]:
    """What libraries like to change for everybody."""
    loggers = [logging.getLogger(name) for name in ("", "lightning.pytorch", "lightning.fabric", "matplotlib")]
    return [
        sys.stdout, sys.stderr, sys.excepthook, sys.exit, list(warnings.filters), warnings.showwarning,
        [(logger.level, list(logger.handlers)) for logger in loggers], torch.get_default_dtype(),
    ]  # fmt: skip
