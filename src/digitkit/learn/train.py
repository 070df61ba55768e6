"""From a recipe and splits to a finished run."""

import logging
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch

from digitkit.core.errors import ConfigError, DataError, TrainingDiverged
from digitkit.data.splits import Splits
from digitkit.learn import pictures, visualize
from digitkit.learn.bank import Bank
from digitkit.learn.batches import Batches
from digitkit.learn.budget import settle_length
from digitkit.learn.checkpoints import Checkpoints
from digitkit.learn.device import HalfPrecision, choose_device, keep_freed_memory
from digitkit.learn.earlier import check_earlier, start_there, told_start
from digitkit.learn.finite import FiniteLoss
from digitkit.learn.gathering import follower, gathered
from digitkit.learn.history import History, Progress
from digitkit.learn.models import InputShape
from digitkit.learn.models.weights import load_start
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.parts import Parts, prepare_parts
from digitkit.learn.precision import settle_precision
from digitkit.learn.recipe import Recipe
from digitkit.learn.resuming import ANEW, Basis, Start, check, find
from digitkit.learn.run import PREVIOUS, Run, git_state, hardware, versions
from digitkit.learn.running import Precision, RunConfig
from digitkit.learn.schedule import Schedule
from digitkit.learn.scoring import score_parts
from digitkit.learn.stopping import EarlyStop
from digitkit.learn.task import Task, Together
from digitkit.learn.telling import Telling
from digitkit.learn.trackers.threads import Trackers, trackers_of

LESS = "Train again with a lower optim.lr, a longer schedule.warmup or step.clip=1."


def train(
    recipe: Recipe, splits: Splits, run: Run, progress: Progress, *, start: Start = ANEW,
    trackers: Trackers | None = None,
) -> Run:  # fmt: skip
    """Train, score validation and (once, at the end) test, draw the pictures; the run's folder holds all of it.

    `trackers` are told of all of it too, but for the end, which is their owner's; without any the recipe's are started.
    Raises: KeyboardInterrupt, with a text that says how to go on, when it was stopped by Ctrl-C or SIGTERM.
    """
    if trackers is None:
        with trackers_of(recipe, run, start.say) as own:
            train(recipe, splits, run, progress, start=start, trackers=own)
            own.finish(run)
        return run
    if not len(splits.primary):
        raise DataError(
            f"No training pictures in {', '.join(recipe.data.sources)}. Name sources with data.sources=[...]."
        )
    _check_unvalidated(recipe, splits)
    check_earlier(recipe, splits, resumed=start.resume)
    device = set_up(recipe.run)
    parts = prepare_parts(recipe, splits, progress)
    classes = list(splits.primary.classes)
    telling = Telling(trackers, recipe.run.pictures)
    fitted = fit(recipe, parts, classes, run, progress, start=start, watchers=[telling])
    network, mean, std, batches = fitted.network, fitted.mean, fitted.std, fitted.batches
    drawing, last = batches.drawing, fitted.history.records[-1]
    facts = {
        "classes": classes, "mean": mean, "std": std, "fingerprint": splits.fingerprint,
        "train": parts.primary, "extra": len(parts.train) - parts.primary, "val": len(parts.val),
        "test": len(parts.test), "negatives": len(parts.negatives),
    }  # fmt: skip
    stored = {
        "name": recipe.name, "seed": recipe.seed, "steps": last["step"], "ended": last.get("ended", ""),
        "precision": fitted.precision.value, "processes": batches.team.count,
        "train_seconds": round(fitted.seconds, 3), "prepare_seconds": round(parts.prepare_seconds, 3),
        "data": facts, "splits": splits.report.to_plain(),
        "cycles": Schedule(recipe.schedule, recipe.average, batches.pace).cycles, "start": told_start(recipe),
        "drawn": drawing.epochs(), "parameters": sum(weight.numel() for weight in network.parameters()),
        "versions": versions(), "hardware": hardware(device), "git": git_state(), "raw_val": fitted.history.raw,
    }  # fmt: skip
    folder, network = run.file("pictures"), run.load_weights(network).to(device)
    stored |= score_parts(recipe, parts, network, classes, folder if recipe.run.pictures else None)
    if recipe.run.pictures:
        pictures.curves(run.history(), folder / "curves.png")
        visualize.write(visualize.batches(recipe, parts, classes, 2), folder / "batch.png")
        if splits.copies.pairs:
            splits.copies.write_sheet(folder / "copies.png")
    telling.finish(fitted.history, folder)
    run.write_report(stored)  # last: where it stands, the run has finished
    run.file(PREVIOUS).unlink(missing_ok=True)
    return run


def _check_unvalidated(recipe: Recipe, splits: Splits) -> None:
    """Refuse what counts validations where there are none."""
    asked = [
        key for key, value in (("budget.patience", recipe.budget.patience), ("run.keep", recipe.run.keep)) if value
    ]
    if asked and not len(splits.val):
        raise ConfigError(
            f"{' and '.join(asked)} would choose by validation, and no picture is kept for it."
            f" Set data.val_size, or {' and '.join(f'{key}=0' for key in asked)}."
        )


def set_up(config: RunConfig) -> torch.device:
    """Threads and memory as the recipe wants them, and the device; said before anything is prepared.

    Raises: ConfigError when the device is absent.
    """
    device = choose_device(config)
    keep_freed_memory()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32: fp32 with shorter products
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
    precision: Precision
    history: History
    seconds: float  # from the first augmentation to the final weights


def fit(
    recipe: Recipe, parts: Parts, classes: list[str], run: Run, progress: Progress, *, start: Start = ANEW,
    watchers: Sequence[lightning.Callback] = (),
) -> Fitted:  # fmt: skip
    """Build the network and train it on prepared parts: weights, history and checkpoints go into the run's folder.

    `watchers` come after the history, so that they see what it has recorded.
    Raises: KeyboardInterrupt, with a text that says how to go on, when it was stopped by Ctrl-C or SIGTERM.
    """
    with gathered(recipe.run, run.path) as team:
        device = team.settle(set_up(recipe.run), recipe.run.threads)
        if recipe.budget.minutes and team.count > 1:
            raise ConfigError("budget.minutes is measured with one process only; set budget.steps, or run.devices=1.")
        bank = Bank.of(recipe, parts, team)
        recipe = settle_length(recipe, parts, classes, start, run, run_steps, bank)
        mean, std = parts.train.statistics()
        torch.manual_seed(recipe.seed)
        network = build_network(recipe, len(classes), mean, std)
        basis = Basis.of(recipe, parts.contents, device)
        standing = find(run, start.say) if start.resume else None
        if standing:
            check(standing, basis, run, start)
        else:  # a checkpoint holds all weights
            if not recipe.start:
                shape = InputShape(recipe.prepare.size, recipe.prepare.channels, len(classes))
                load_start(recipe.model, network.get_submodule("1"), shape)
            start_there(recipe, network)
            if told := told_start(recipe):
                start.say(told)
        batches = Batches.of(recipe, parts, classes, device, team, bank)
        precision = settle_precision(recipe, network, batches.images.pixels, run)
        begin = standing.path if standing else None
        if team.count > 1:
            Task(recipe, parts, classes, mean, std, precision, begin).hand_out(network, team)
        module = DigitModule(recipe, network, precision, batches)
        history = History(run, parts.val.to(device), len(batches), progress, batches.drawing)
        checkpoints = Checkpoints(history, recipe.run, basis, standing, start.say)
        early = EarlyStop(history, recipe.budget.patience)
        callbacks = [FiniteLoss(), history, early, checkpoints, *watchers, Together(team)]
        # An interruption of Lightning's own set-up would end the process with another exit code.
        checkpoints.signals.take(signal.SIGINT)
        try:
            run_steps(module, batches, callbacks, begin)
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error} {checkpoints.told()} {LESS}") from error
        finally:
            checkpoints.signals.hand_back(signal.SIGTERM, signal.SIGINT)
    if checkpoints.stopped_at and checkpoints.stopped_at < len(batches):
        raise KeyboardInterrupt(
            f"stopped at step {checkpoints.stopped_at} of {len(batches)}; nothing is lost. "
            f"Go on with: digitkit train --resume {run.path}"
        )
    return Fitted(network, mean, std, batches, precision, history, history.seconds)


def follow() -> None:
    """Do a share of the training that another process leads; it scores, writes and speaks."""
    with follower() as team:
        task, network = Task.take(team)
        device = team.settle(set_up(task.recipe.run), task.recipe.run.threads)
        module = task.module(network, team, device)
        run_steps(module, module.batches, [Together(team)], task.start)


def run_steps(
    module: DigitModule, batches: Batches, callbacks: list[lightning.Callback], start: Path | None = None
) -> None:
    """Let Lightning make the steps of a training on the device of its batches, from a checkpoint where one is given."""
    device = batches.images.pixels.device
    plugins: list[Any] = [each.files for each in callbacks if isinstance(each, Checkpoints)]
    if module.precision is Precision.fp16:
        plugins.append(HalfPrecision(device.type))
    with _quiet():
        trainer = lightning.Trainer(
            max_steps=len(batches), accelerator=device.type, devices=1 if device.index is None else [device.index],
            callbacks=callbacks, plugins=plugins,
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            num_sanity_val_steps=0, use_distributed_sampler=False, deterministic="warn",
        )  # fmt: skip
        trainer.fit(module, batches, ckpt_path=start, weights_only=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's adverts and notes about absent accelerators are not for our users, unless they want to see all."""
    level = logging.NOTSET if logging.getLogger("digitkit").isEnabledFor(logging.DEBUG) else logging.ERROR
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        for logger, before in zip(loggers, levels, strict=True):
            logger.setLevel(level or before)
        try:
            yield
        finally:
            for logger, before in zip(loggers, levels, strict=True):
                logger.setLevel(before)
