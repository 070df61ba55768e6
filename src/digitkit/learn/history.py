"""What is written down around the steps of a training: losses, scores, the best weights, what pictures will show."""

import json
import math
import time
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Tensor

from digitkit.core.files import write_text
from digitkit.data.batches import Drawing
from digitkit.learn.album import Album
from digitkit.learn.evaluate import Report, probabilities, report
from digitkit.learn.finite import check_loss, check_weights
from digitkit.learn.loader import Images
from digitkit.learn.module import DigitModule
from digitkit.learn.run import Run

Progress = Callable[[int, int, str], None]  # done, total, what stands beside the bar
RECORDS = 100  # lines of history in a run, about


class History(lightning.Callback):
    """Scores the validation part at even distances, keeps the records and the best averaged weights."""

    def __init__(self, run: Run, val: Images, steps: int, progress: Progress, drawing: Drawing) -> None:
        self.run, self.val, self.steps, self.progress, self.drawing = run, val, steps, progress, drawing
        self.records: list[dict[str, Any]] = []
        self.best = (-1.0, 0.0)  # accuracy of the weights that count, and their loss below 0
        self.keep_weights: Callable[[torch.nn.Module], None] = run.save_weights
        self.raw: dict[str, Any] | None = None  # figures of the raw weights beside the best averaged ones
        self.album = Album(run.file("pictures"), val, drawing.classes)
        self.seconds = 0.0  # of the training so far, earlier pieces of a resumed run included
        self._piece = 0.0
        self._since = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The clock starts before the first augmentation."""
        self._piece = time.perf_counter() - self.seconds

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record, score and report when it is due."""
        assert isinstance(pl_module, DigitModule)
        step, count = batch_idx + 1, pl_module.recipe.run.validations
        scored = step == self.steps or step % math.ceil(self.steps / count) == 0
        if scored or step % max(1, self.steps // RECORDS) == 0:
            self._record(pl_module, step, scored)
        self.seconds = time.perf_counter() - self._piece

    def _record(self, module: DigitModule, step: int, scored: bool) -> None:
        recent = torch.stack(module.losses)
        module.losses.clear()
        loss = float(recent.mean())
        check_loss(loss, module, step)
        if scored:
            check_weights(module, step)
        record: dict[str, Any] = {
            "step": step,
            "seconds": round(time.perf_counter() - self._piece, 3),
            "train_loss": loss,
        }
        told = sum(len(earlier.get("drawn", ())) for earlier in self.records)
        if new := self.drawing.epochs()[told:]:
            record["drawn"] = new
        record["lr"] = module.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        if scored and len(self.val):
            record |= self._score(module, step)
        elif scored and step == self.steps:
            self.keep_weights(module.ready())
        self.records.append(record)
        beside = f"loss {loss:.3f}" + (f", val {record['val_accuracy']:.4f}" if "val_accuracy" in record else "")
        self.progress(step, self.steps, beside)

    def _score(self, module: DigitModule, step: int) -> dict[str, float]:
        """Both networks on the validation part, one pass each; the best averaged weights go to the disk."""
        answers, made = self._answer(module, module.ready())
        raw = made  # an average that has not begun is the raw network
        if int(module.average.updates):
            _, raw = self._answer(module, module.network)
        module.network.train()
        self.album.keep(step, made, answers, module.recipe.run.validations)
        if (rank := (made.accuracy, -made.loss)) >= self.best:  # of equals the later one: it has seen more
            self.best, self.raw = rank, raw.to_plain()
            self.keep_weights(module.average.network)
        return {
            "val_accuracy": made.accuracy, "val_loss": made.loss, "val_f1": made.f1,
            "raw_val_accuracy": raw.accuracy, "raw_val_loss": raw.loss, "raw_val_f1": raw.f1,
        }  # fmt: skip

    def _answer(self, module: DigitModule, network: torch.nn.Module) -> tuple[Tensor, Report]:
        """What a network makes of the validation part: probabilities (N,K), and all figures of them."""
        answers = probabilities(network, self.val, precision=module.precision)
        return answers, report("val", answers, self.val.labels, self.drawing.classes)

    def write(self) -> None:
        """Write all records so far."""
        write_text(self.run.file("history.jsonl"), "".join(json.dumps(record) + "\n" for record in self.records))

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write all records."""
        self.write()

    def state_dict(self) -> dict[str, Any]:
        """Travels in the checkpoint."""
        album = self.album.state_dict()
        best = list(self.best)
        return {"records": self.records, "best": best, "raw": self.raw, "album": album, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the records back."""
        accuracy, loss = state_dict["best"]
        self.records, self.best = list(state_dict["records"]), (float(accuracy), float(loss))
        self.raw, self.seconds = state_dict["raw"], float(state_dict["seconds"])
        self.album.load_state_dict(state_dict["album"])
