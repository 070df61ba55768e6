"""What a training tells while it runs: records and pictures, to the run's folder and to trackers."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning

from digitkit.core.errors import StoreError
from digitkit.learn.history import History
from digitkit.learn.trackers.threads import Trackers

DRAW_EVERY_S = 60.0  # a training that lasts longer is drawn on the way, at validations; it costs about a second each


class Telling(lightning.Callback):
    """Passes on what the history has recorded; drawing, which is slow against a step, waits for its minute."""

    def __init__(self, trackers: Trackers, draws: bool = True) -> None:
        self.trackers, self.draws = trackers, draws
        self._drawn = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Tell what an earlier piece of the training has recorded: a tracker may have missed some of it."""
        if trainer.is_global_zero:
            for record in self._history(trainer).records:
                self.trackers.record(record["step"], record)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell of this step, if there is anything to tell."""
        history = self._history(trainer)
        if not (trainer.is_global_zero and history.records and history.records[-1]["step"] == batch_idx + 1):
            return
        self.trackers.record(batch_idx + 1, history.records[-1])
        if "val_accuracy" in history.records[-1] and time.monotonic() - self._drawn > DRAW_EVERY_S:
            with suppress(StoreError):  # what found no room on the disk waits for the next time, or for the end
                history.write()
                self.draw(history)
            self._drawn = time.monotonic()

    @staticmethod
    def _history(trainer: lightning.Trainer) -> History:
        return next(each for each in trainer.callbacks if isinstance(each, History))  # type: ignore[attr-defined]

    def finish(self, history: History, folder: Path) -> None:
        """Draw the validations that are left, and show trackers all other pictures of the folder."""
        self.draw(history, rest=True)
        step = history.records[-1]["step"]
        others = [path for path in sorted(folder.glob("*.png")) if "-step-" not in path.name]
        self.trackers.pictures(step, {path.stem: path for path in others})

    def draw(self, history: History, *, rest: bool = False) -> None:
        """Draw the validations that are due, or all that are left."""
        if not self.draws:
            return
        for step, paths in history.album.draw(rest=rest):
            self.trackers.pictures(step, paths)
