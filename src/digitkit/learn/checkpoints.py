"""Where a training stands, on the disk: at even distances of time, when it is asked to stop, and where it was best."""

import io
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor, nn

from digitkit.core.errors import StoreError
from digitkit.core.files import atomic_path, size_of
from digitkit.data.source import Report, keep_quiet
from digitkit.learn.finite import check_weights
from digitkit.learn.history import History
from digitkit.learn.module import DigitModule
from digitkit.learn.resuming import Basis, Standing
from digitkit.learn.run import LAST, PREVIOUS, TOP
from digitkit.learn.running import RunConfig
from digitkit.learn.stopping import StopSignals


class WholeFiles(TorchCheckpointIO):
    """Writes checkpoints whole or not at all, and keeps the one before the last."""

    def __init__(self) -> None:
        self.last_is_whole = True  # False: it is damaged, and must not replace the previous one

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write first, then let the last one become the previous one, so that one of them is whole at any moment."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        target = Path(path)
        with atomic_path(target) as temporary:
            temporary.write_bytes(content.getbuffer())
            if target.name == LAST and self.last_is_whole and size_of(target):
                target.replace(target.with_name(PREVIOUS))
        self.last_is_whole = self.last_is_whole or target.name == LAST


class Checkpoints(lightning.Callback):
    """Writes last.ckpt every so many seconds and when the training is asked to stop, and keeps the best ones."""

    def __init__(
        self, history: History, config: RunConfig, basis: Basis, standing: Standing | None, say: Report = keep_quiet
    ) -> None:
        self.history, self.run, self.config = history, history.run, config
        self.basis, self.standing, self.say = basis, standing, say
        self.signals = StopSignals()
        self.files = WholeFiles()
        self.files.last_is_whole = standing is None or standing.path.name == LAST
        self.stopped_at = 0  # the step of a graceful stop; 0 = none
        self.best: list[dict[str, Any]] = []  # the kept ones, best first: accuracy, loss, step, file
        self._due = 0.0
        self._trouble: StoreError | None = None  # why something could not be written that still should be
        self._unwritten: dict[str, Tensor] = {}  # the best weights, while the disk has no room for them
        history.keep_weights = self.keep_weights

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """SIGTERM means what Ctrl-C does once Lightning has set up its own answer to it."""
        self._due = time.monotonic() + self.config.checkpoint_seconds
        self.signals.take(signal.SIGTERM)
        if trainer.is_global_zero:
            self._sweep()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save what is due, also apart before the learning rate starts again and where validation was good."""
        assert isinstance(pl_module, DigitModule)
        step, asked = batch_idx + 1, self.signals.asked
        restarts = pl_module.schedule.restarts
        if step in restarts:
            self.save(trainer, f"restart-{1 + restarts.index(step)}.ckpt")
        self._rank(trainer, step)
        if asked or time.monotonic() > self._due:
            self.save(trainer)
            self._due = time.monotonic() + self.config.checkpoint_seconds
        if asked:
            self._insist()
            self.stopped_at = step
            trainer.should_stop = True

    def save(self, trainer: lightning.Trainer, name: str = LAST) -> bool:
        """Write a checkpoint whole or leave the old one; without room for it the training goes on, and tries again.

        Tells whether it was written. Raises: TrainingDiverged instead of writing weights that are no numbers.
        """
        module = trainer.lightning_module
        assert isinstance(module, DigitModule)
        check_weights(module, trainer.global_step)
        try:
            self._write_weights()
            self.history.write()
            trainer.save_checkpoint(self.run.file(name))
        except StoreError as error:
            self._note(error)
            return False
        self._trouble = None
        if name == LAST:
            self.standing = Standing(self.run.file(LAST), trainer.global_step, self.basis)
        return True

    def keep_weights(self, network: nn.Module) -> None:
        """Write the weights that count, or keep them in memory until there is room for them."""
        self._unwritten = {name: value.detach().clone() for name, value in network.state_dict().items()}
        try:
            self._write_weights()
        except StoreError as error:
            self._note(error)

    def _write_weights(self) -> None:
        if self._unwritten:
            self.run.write_weights(self._unwritten)
            self._unwritten = {}

    def _note(self, error: StoreError) -> None:
        if self._trouble is None:
            self.say(f"{error} The training goes on, and tries again with the next checkpoint.")
        self._trouble = error

    def _insist(self) -> None:
        """The last chance to write: what is missing now is lost."""
        if self._trouble:
            raise self._trouble

    def told(self) -> str:
        """Where the run can be gone on from, in words."""
        if not self.standing:
            return "There is no earlier checkpoint."
        return f"The last good checkpoint is {self.standing.path}, of step {self.standing.step}."

    def _rank(self, trainer: lightning.Trainer, step: int) -> None:
        """Keep the checkpoint of a validation that is among the best: by accuracy, then loss, then the later step."""
        record = self.history.records[-1] if self.history.records else {}
        if not self.config.keep or record.get("step") != step or "val_accuracy" not in record:
            return
        accuracy, loss = record["val_accuracy"], record["val_loss"]
        name = f"{TOP}/step-{step:07d}-accuracy-{accuracy:.4f}-loss-{loss:.4f}.ckpt"
        new = {"accuracy": accuracy, "loss": loss, "step": step, "file": name}
        before, ranked = self.best, sorted([*self.best, new], key=_rank_of, reverse=True)
        self.best, dropped = ranked[: self.config.keep], ranked[self.config.keep :]
        if new in dropped:
            return
        if not self.save(trainer, name):
            self.best = before
            return
        for other in dropped:
            self.run.file(other["file"]).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove the kept checkpoints of steps that are still to be made: a killed process had made them."""
        kept = {self.run.file(each["file"]) for each in self.best}
        for path in self.run.file(TOP).glob("step-*.ckpt"):
            if path not in kept:
                path.unlink()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """A finished training leaves its last state too."""
        if not self.stopped_at:
            self.save(trainer)
            self._insist()
        self.signals.hand_back(signal.SIGTERM)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """A failed training keeps no signals, and tells what has been until then."""
        with suppress(StoreError):
            self.history.write()
        self.signals.hand_back(signal.SIGTERM)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Every checkpoint tells what it rests on."""
        checkpoint["basis"] = self.basis.to_plain()

    def state_dict(self) -> dict[str, Any]:
        """Travels in the checkpoint."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the ranking back."""
        self.best = list(state_dict["best"])


def _rank_of(kept: Mapping[str, Any]) -> tuple[float, float, int]:
    return kept["accuracy"], -kept["loss"], kept["step"]
