"""One trial: the training of a recipe on parts that are loaded once, watched from validation to validation."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import optuna
from optuna.trial import Trial

from digitkit.core.errors import ConfigError
from digitkit.core.files import make_folder, write_text
from digitkit.data.source import Progress as FileProgress
from digitkit.data.splits import Splits, build
from digitkit.learn.compose import to_plain, to_yaml
from digitkit.learn.earlier import check_earlier
from digitkit.learn.history import History, Progress
from digitkit.learn.parts import Parts, prepare_parts, split_plan
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.train import fit

KEPT = {"recipe.yaml", "history.jsonl"}  # of a trial; weights and checkpoints of forty would fill a disk


@dataclass(frozen=True)
class Score:
    """What validation says of the averaged weights: those that a training with this recipe would export."""

    accuracy: float
    loss: float


class Shelf:
    """Splits and prepared parts, each read and prepared once by this process; the last two of each are kept."""

    def __init__(self, report: Callable[[str], None], files: FileProgress | None) -> None:
        self.report, self.files = report, files
        self._splits: dict[str, Splits] = {}
        self._parts: dict[str, Parts] = {}

    def splits(self, recipe: Recipe) -> Splits:
        """The pictures of a recipe."""
        key = json.dumps(to_plain(recipe)["data"])
        if key not in self._splits:
            _make_room(self._splits)
            made = build(split_plan(recipe.data), self.report, self.files)
            if not len(made.val):
                raise ConfigError("A search chooses by validation pictures, and there are none. Set data.val_size=0.1.")
            self._splits[key] = replace(made, test=made.test.take(np.zeros(0, np.int64)))  # not even prepared
        return self._splits[key]

    def parts(self, recipe: Recipe, progress: Progress) -> Parts:
        """Its images."""
        plain = to_plain(recipe)
        key = json.dumps([plain["data"], plain["prepare"]])
        if key not in self._parts:
            _make_room(self._parts)
            self._parts[key] = prepare_parts(recipe, self.splits(recipe), progress)
        return self._parts[key]


def _make_room(kept: dict[str, Any], most: int = 2) -> None:
    while len(kept) >= most:
        kept.pop(next(iter(kept)))


class Watch(lightning.Callback):
    """Tells the study how each validation went, and ends a trial that lags behind the others."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.told = trial, 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look whether there is a new score."""
        [history] = [each for each in trainer.callbacks if isinstance(each, History)]  # type: ignore[attr-defined]
        scored = [record["val_accuracy"] for record in history.records if "val_accuracy" in record]
        if len(scored) == self.told:
            return
        self.told = len(scored)
        self.trial.report(scored[-1], self.told)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def run_trial(recipe: Recipe, trial: Trial, shelf: Shelf, folder: Path, progress: Progress) -> Score:
    """Train a recipe for a trial; the folder keeps recipe and history.

    Raises: optuna.TrialPruned when it was given up, KeyboardInterrupt when it was stopped.
    """
    check_earlier(recipe, shelf.splits(recipe))
    parts = shelf.parts(recipe, progress)
    run = Run(make_folder(folder))
    write_text(run.file("recipe.yaml"), to_yaml(recipe))
    try:
        fitted = fit(recipe, parts, list(shelf.splits(recipe).primary.classes), run, progress, watchers=[Watch(trial)])
    finally:
        _tidy(folder)
    scored = [record for record in fitted.history.records if "val_accuracy" in record]
    # The same choice as that of the weights: the best accuracy, of equals the later one.
    best = max(reversed(scored), key=lambda record: (float(record["val_accuracy"]), -float(record["val_loss"])))
    return Score(float(best["val_accuracy"]), float(best["val_loss"]))


def _tidy(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in KEPT:
            path.unlink()
