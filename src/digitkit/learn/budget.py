"""Minutes as steps: how many fit is measured once, on a throw-away copy of the training."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import lightning
import torch

from digitkit.core.errors import ConfigError
from digitkit.learn.bank import Bank
from digitkit.learn.batches import Batches
from digitkit.learn.device import choose_device
from digitkit.learn.evaluate import probabilities
from digitkit.learn.fitting import AverageKind
from digitkit.learn.loader import Images
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.parts import Parts
from digitkit.learn.precision import settle_precision
from digitkit.learn.recipe import Recipe
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.stopping import StopSignals

TRIAL_STEPS = 1_000_000  # of the schedule: while it lasts the learning rate is near 0, and nothing can go wrong
WARM, LEAST = 3, 10  # steps that are made but not counted, and the fewest that are
SHARE, LONGEST = 0.03, 10.0  # of the time that is measured: this share of it, at most so many seconds
MOST = 0.1  # share of the time after which measuring ends, however few its steps
KEPT = 0.95  # share of the time that is planned for, since a machine is not always equally fast
SOME = 1000  # images scored to see how long that takes


MakeSteps = Callable[[DigitModule, Batches, list[lightning.Callback]], None]


@dataclass(frozen=True)
class Timing:
    """How long things take: a step, the first ones, scoring an image, measuring all of it, a round of variants.

    The first round is made while measuring, and lasts for `bank_steps`, as every other one does.
    """

    step_s: float
    warm_s: float
    image_s: float
    spent_s: float
    bank_s: float = 0.0
    bank_steps: float = 1.0

    def steps(self, seconds: float) -> int:
        """How many steps fit into so many seconds, with the variants that they need."""
        if not self.bank_s:
            return int(seconds / self.step_s)
        rounds, rest = divmod(seconds, self.bank_steps * self.step_s + self.bank_s)
        return int(rounds * self.bank_steps + min(self.bank_steps, rest / self.step_s))


class _Stopwatch(lightning.Callback):
    """Times steps, the first ones apart, which are slow."""

    def __init__(self, seconds: float, signals: StopSignals, wait: Callable[[], None]) -> None:
        self.seconds, self.signals, self.wait = seconds, signals, wait
        self.made = self.warm = 0
        self.begun = self.counted_from = 0.0
        self.step_s = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The clock starts."""
        self.begun = time.perf_counter()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop when enough has been seen."""
        assert isinstance(pl_module, DigitModule)
        pl_module.losses.clear()
        self.made += 1
        now = time.perf_counter()
        if not self.warm:
            if self.made >= WARM or now - self.begun > self.seconds * SHARE:
                self.wait()
                self.warm, self.counted_from = self.made, time.perf_counter()
            return
        counted, timed = self.made - self.warm, now - self.counted_from
        is_enough = counted >= LEAST and timed >= min(LONGEST, self.seconds * SHARE)
        if is_enough or now - self.begun > self.seconds * MOST or self.signals.asked:
            self.wait()
            self.step_s = (time.perf_counter() - self.counted_from) / counted
            trainer.should_stop = True


@dataclass(frozen=True)
class Trial:
    """A throw-away copy of a training, images to score, and who makes the steps."""

    module: DigitModule
    scored: Images
    run_steps: MakeSteps

    @classmethod
    def of(
        cls, recipe: Recipe, parts: Parts, classes: list[str], run: Run, run_steps: MakeSteps, bank: Bank | None
    ) -> "Trial":
        """That of a recipe, on the device that it asks for; random numbers have to be seeded anew after it."""
        endless = replace(recipe, budget=replace(recipe.budget, minutes=0.0, steps=TRIAL_STEPS))
        network = build_network(endless, len(classes), *parts.train.statistics())
        batches = Batches.of(endless, parts, classes, choose_device(recipe.run), bank=bank)
        precision = settle_precision(recipe, network, batches.images.pixels, run)
        module = DigitModule(endless, network, precision, batches)
        scored = next(images for images in (parts.val, parts.test, parts.train) if len(images))
        return cls(module, scored.first(SOME).to(batches.images.pixels.device), run_steps)

    def measure(self, seconds: float) -> Timing:
        """Time some steps, and scoring some images, within a tenth of so many seconds or little more.

        Raises: KeyboardInterrupt when Ctrl-C or SIGTERM came meanwhile.
        """
        begun, device, signals = time.perf_counter(), self.module.batches.images.pixels.device, StopSignals()
        bank, refresh = self.module.batches.bank, self.module.recipe.augment.before.refresh
        if bank:
            bank.renew(0, device)
            bank.holds = True  # so that steps are timed, and nothing else
        wait = torch.cuda.synchronize if device.type == "cuda" else _nothing
        watch = _Stopwatch(seconds, signals, wait)
        signals.take(signal.SIGINT)
        try:
            self.run_steps(self.module, self.module.batches, [watch])
        finally:
            signals.hand_back(signal.SIGINT)
            if bank:
                bank.holds = False
        if signals.asked:
            raise KeyboardInterrupt
        spent, warm = time.perf_counter() - begun, watch.counted_from - watch.begun
        bank_steps = max(1.0, self.module.batches.pace.epoch * refresh)
        return Timing(watch.step_s, warm, self._scoring_s(), spent, bank.seconds if bank else 0.0, bank_steps)

    def _scoring_s(self) -> float:
        """Seconds that one image takes; the second pass counts, the first one lays things out."""
        network, begun = self.module.to(self.scored.pixels.device).network, 0.0
        for _ in range(2):
            begun = time.perf_counter()
            probabilities(network, self.scored, precision=self.module.precision)  # it ends with a copy to the CPU
        return (time.perf_counter() - begun) / len(self.scored)


def _nothing() -> None:
    """The CPU has no queue to wait for."""


def settle_length(
    recipe: Recipe, parts: Parts, classes: list[str], start: Start, run: Run, run_steps: MakeSteps, bank: Bank | None
) -> Recipe:
    """Make steps of a recipe's minutes, and let the run remember them: with minutes no run could be repeated.

    The variants that are made on the way stay in the bank.
    """
    if not recipe.budget.minutes:
        return recipe
    found = Trial.of(recipe, parts, classes, run, run_steps, bank).measure(60 * recipe.budget.minutes)
    recipe, note = in_steps(recipe, parts, found)
    run.write_recipe(recipe, note)
    start.say(note)
    return recipe


def in_steps(recipe: Recipe, parts: Parts, found: Timing) -> tuple[Recipe, str]:
    """The recipe with the steps that fit into its minutes, and a line that says how many and why.

    All that follows has to fit too: slow first steps, validation on the way, and scoring at the end.
    Raises: ConfigError when not one step fits.
    """
    minutes, seconds = recipe.budget.minutes, 60 * recipe.budget.minutes
    scoring_s = found.image_s * _scored_images(recipe, parts)
    left = KEPT * (seconds - found.spent_s - found.warm_s - scoring_s)
    steps = found.steps(left)
    varying = f", a round of variants {found.bank_s:.2g} s" if found.bank_s else ""
    if steps < 1:
        raise ConfigError(
            f"budget.minutes={minutes:g} leaves no time to learn: a step takes about {found.step_s:.2g} s here"
            f"{varying} and scoring {scoring_s:.0f} s. Give more minutes, fewer run.validations, or set run.test=false."
        )
    note = (
        f"budget.minutes={minutes:g} became {steps:,} steps: one takes {1000 * found.step_s:.3g} ms here{varying},"
        f" and scoring {scoring_s:.1f} s in all"
    )
    return replace(recipe, budget=replace(recipe.budget, minutes=0.0, steps=steps)), note


def _scored_images(recipe: Recipe, parts: Parts) -> int:
    """Images that pass a network without being learnt from: on validations, both networks, and at the end."""
    val, test = len(parts.val), len(parts.test) if recipe.run.test else 0
    norms = recipe.average.norm_images if recipe.average.kind is AverageKind.swa else 0
    views = recipe.run.views if recipe.run.views > 1 else 0
    return recipe.run.validations * (2 * val + norms) + val + test * (1 + views)
