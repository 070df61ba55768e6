"""Where a training stands, on the disk: once a minute, and when it is asked to stop."""

import signal
import time
from types import FrameType
from typing import Any

import lightning

from digitkit.core.files import atomic_path
from digitkit.learn.module import DigitModule
from digitkit.learn.run import Run

CHECKPOINT_EVERY_S = 60.0  # at most this much work is lost when the process is killed


class Checkpoints(lightning.Callback):
    """Writes last.ckpt once a minute and when the training is asked to stop (Ctrl-C, SIGTERM)."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.stopped_at = 0  # the step of a graceful stop; 0 = none
        self._asked = False
        self._written = 0.0
        self._handlers: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """From here on Ctrl-C means: finish this step, save, say how to go on.

        It begins before Lightning does: an interruption of its own set-up would end the process with another exit code.
        """
        self._take(signal.SIGINT)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """SIGTERM means the same once Lightning has set up its own answer to it."""
        self._written = time.monotonic()
        self._take(signal.SIGTERM)

    def _take(self, number: signal.Signals) -> None:
        try:
            self._handlers[number] = signal.signal(number, self._ask)
        except ValueError:  # not the main thread: signals are somebody else's
            return

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when a minute has passed or a stop was asked for, and apart before the learning rate starts again."""
        assert isinstance(pl_module, DigitModule)
        restarts = pl_module.schedule.restarts
        if batch_idx + 1 in restarts:
            self.save(trainer, f"restart-{1 + restarts.index(batch_idx + 1)}.ckpt")
        if self._asked or time.monotonic() - self._written > CHECKPOINT_EVERY_S:
            self.save(trainer)
            self._written = time.monotonic()
        if self._asked:
            self.stopped_at = batch_idx + 1
            trainer.should_stop = True

    def save(self, trainer: lightning.Trainer, name: str = "last.ckpt") -> None:
        """Write a checkpoint whole or leave the old one."""
        with atomic_path(self.run.file(name)) as temporary:
            trainer.save_checkpoint(temporary)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A finished training leaves its last state too."""
        if not self._asked:
            self.save(trainer)
        self.hand_back(signal.SIGTERM)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """A failed training keeps no signals."""
        self.hand_back(signal.SIGTERM)

    def hand_back(self, *numbers: signal.Signals) -> None:
        """Signals go back to whoever had them: each before those who had it earlier give it back in their turn."""
        for number in numbers:
            if number in self._handlers:
                signal.signal(number, self._handlers.pop(number))
