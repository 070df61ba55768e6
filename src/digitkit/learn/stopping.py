"""What ends a training before its last step: a signal, or weights that get no better."""

import signal
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

import lightning

from digitkit.learn.history import History


class StopSignals:
    """Ctrl-C and SIGTERM as a wish to stop after the present step."""

    def __init__(self) -> None:
        self.asked = False
        self._handlers: dict[signal.Signals, Any] = {}

    def take(self, number: signal.Signals) -> None:
        """From here on the signal means: finish this step, save, say how to go on."""
        try:
            self._handlers[number] = signal.signal(number, self._ask)
        except ValueError:  # not the main thread: signals are somebody else's
            return

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def hand_back(self, *numbers: signal.Signals) -> None:
        """Signals go back to whoever had them: each before those who had it earlier give it back in their turn."""
        for number in numbers:
            if number in self._handlers:
                signal.signal(number, self._handlers.pop(number))


class EarlyStop(lightning.Callback):
    """Ends a training whose averaged weights have not become better for some validations; the best ones count."""

    def __init__(self, history: History, patience: int) -> None:
        self.history, self.patience = history, patience

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A run that was killed after its early end has nothing more to learn."""
        trainer.should_stop = trainer.should_stop or self._is_over()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop when patience is at its end, and say so in the last record."""
        records, step = self.history.records, batch_idx + 1
        if not records or records[-1]["step"] != step or step == self.history.steps or not self._is_over():
            return
        records[-1]["ended"] = f"{self.patience} validations without a better one"
        trainer.should_stop = True

    def _is_over(self) -> bool:
        return 0 < self.patience <= fruitless(self.history.records)


def fruitless(records: Sequence[Mapping[str, Any]]) -> int:
    """How many validations have gone by since the best one, by accuracy, of equal ones by loss."""
    scores = [(record["val_accuracy"], -record["val_loss"]) for record in records if "val_accuracy" in record]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0
