"""From a recipe and splits to a finished run."""

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import torch

from digitkit.core.errors import DataError
from digitkit.data.splits import Splits
from digitkit.learn import pictures
from digitkit.learn.checkpoints import Checkpoints
from digitkit.learn.device import choose_device, choose_precision, keep_freed_memory
from digitkit.learn.history import History, Progress
from digitkit.learn.loader import Batches
from digitkit.learn.models import InputShape
from digitkit.learn.models.weights import load_start
from digitkit.learn.module import DigitModule, build_network
from digitkit.learn.parts import Parts, draw, prepare_parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run, git_state, hardware, versions
from digitkit.learn.running import RunConfig
from digitkit.learn.schedule import Schedule
from digitkit.learn.scoring import score_parts
from digitkit.learn.telling import Telling
from digitkit.learn.trackers.threads import Trackers


def train(
    recipe: Recipe, splits: Splits, run: Run, progress: Progress, *, resume: bool = False,
    trackers: Trackers | None = None,
) -> Run:  # fmt: skip
    """Train, score validation and (once, at the end) test, draw the pictures; the run's folder holds all of it.

    `trackers` are told of all of it too (see `trackers_of`), but for the end, which is their owner's.
    Raises: KeyboardInterrupt, with a text that says how to go on, when it was stopped by Ctrl-C or SIGTERM.
    """
    if not len(splits.primary):
        raise DataError(
            f"No training pictures in {', '.join(recipe.data.sources)}. Name sources with data.sources=[...]."
        )
    device = set_up(recipe.run)
    parts = prepare_parts(recipe, splits, progress)
    classes = list(splits.primary.classes)
    telling = Telling(trackers or Trackers())
    fitted = fit(recipe, parts, classes, run, progress, resume=resume, watchers=[telling])
    network, mean, std, batches = fitted.network, fitted.mean, fitted.std, fitted.batches
    drawing = batches.drawing
    facts = {
        "classes": classes, "mean": mean, "std": std, "fingerprint": splits.fingerprint,
        "train": parts.primary, "extra": len(parts.train) - parts.primary, "val": len(parts.val),
        "test": len(parts.test),
    }  # fmt: skip
    stored = {
        "name": recipe.name, "seed": recipe.seed, "steps": drawing.steps, "train_seconds": round(fitted.seconds, 3),
        "prepare_seconds": round(parts.prepare_seconds, 3), "data": facts, "splits": splits.report.to_plain(),
        "cycles": Schedule(recipe.schedule, recipe.average, batches.pace).cycles,
        "drawn": drawing.epochs(), "parameters": sum(weight.numel() for weight in network.parameters()),
        "versions": versions(), "hardware": hardware(device), "git": git_state(), "raw_val": fitted.history.raw,
    }  # fmt: skip
    folder, network = run.file("pictures"), run.load_weights(network).to(device)
    stored |= score_parts(recipe, parts, network, classes, folder)
    pictures.curves(run.history(), folder / "curves.png")
    pictures.batch_sheet(parts.train, recipe, classes, folder / "batch.png")
    if splits.copies.pairs:
        splits.copies.write_sheet(folder / "copies.png")
    telling.finish(fitted.history, folder)
    run.write_report(stored)  # last: where it stands, the run has finished
    return run


def set_up(config: RunConfig) -> torch.device:
    """Threads and memory as the recipe wants them, and the device; said before anything is prepared.

    Raises: ConfigError when the device is absent.
    """
    device = choose_device(config)
    keep_freed_memory()
    if config.threads:
        torch.set_num_threads(config.threads)
    return device


@dataclass(frozen=True)
class Fitted:
    """What the steps of a training leave: its last raw weights; those that count lie in the run."""

    network: torch.nn.Module
    mean: list[float]
    std: list[float]
    batches: Batches
    history: History
    seconds: float  # from the first augmentation to the final weights


def fit(
    recipe: Recipe, parts: Parts, classes: list[str], run: Run, progress: Progress, *, resume: bool = False,
    watchers: Sequence[lightning.Callback] = (),
) -> Fitted:  # fmt: skip
    """Build the network and train it on prepared parts: weights, history and checkpoints go into the run's folder.

    `watchers` come after the history, so that they see what it has recorded.
    Raises: KeyboardInterrupt, with a text that says how to go on, when it was stopped by Ctrl-C or SIGTERM.
    """
    device = set_up(recipe.run)
    mean, std = parts.train.statistics()
    torch.manual_seed(recipe.seed)
    network = build_network(recipe, len(classes), mean, std)
    if not (resume and run.checkpoint()):  # a checkpoint holds all weights
        shape = InputShape(recipe.prepare.size, recipe.prepare.channels, len(classes))
        load_start(recipe.model, network.get_submodule("1"), shape)
    batches = Batches(parts.train.to(device), draw(recipe, parts, classes))
    module = DigitModule(recipe, network, choose_precision(recipe.run, device), batches)
    history = History(run, parts.val.to(device), len(batches), progress, batches.drawing)
    checkpoints = Checkpoints(run)
    checkpoints.listen()
    try:
        run_steps(module, batches, [history, checkpoints, *watchers], run.checkpoint() if resume else None)
    finally:
        checkpoints.hand_back(signal.SIGTERM, signal.SIGINT)
    if checkpoints.stopped_at and checkpoints.stopped_at < len(batches):
        raise KeyboardInterrupt(
            f"stopped at step {checkpoints.stopped_at} of {len(batches)}; nothing is lost. "
            f"Go on with: digitkit train --resume {run.path}"
        )
    return Fitted(network, mean, std, batches, history, history.seconds)


def run_steps(
    module: DigitModule, batches: Batches, callbacks: list[lightning.Callback], start: Path | None = None
) -> None:
    """Let Lightning make the steps of a training on the device of its batches, from a checkpoint where one is given."""
    with _quiet():
        trainer = lightning.Trainer(
            max_steps=len(batches), accelerator=batches.images.pixels.device.type, devices=1, callbacks=callbacks,
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            num_sanity_val_steps=0, use_distributed_sampler=False, deterministic="warn",
        )  # fmt: skip
        trainer.fit(module, batches, ckpt_path=start, weights_only=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's adverts and notes about absent accelerators are not for our users."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
