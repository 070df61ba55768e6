"""What a step of digitkit's training costs over a step of a bare PyTorch loop, measured in turns in one run.

Both make the same steps of `experiment=fast` on MNIST: the same network, batches, augmentation, optimiser, number
format and average. Ours is all that `digitkit train` runs: Lightning with history, checkpoints, early stop and the look
at every loss. The bare loop calls the same parts one after the other and keeps nothing. After every few steps of ours
it makes as many of its own. Blocks with a validation do not count, nor does the first.

    python benchmarks/loop.py --steps 600 --block 10
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import lightning
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table

from digitkit.data.splits import build
from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.averaging import Average
from digitkit.learn.batches import Batches
from digitkit.learn.compose import compose
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.parts import Parts, draw, prepare_parts, split_plan
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.running import Precision
from digitkit.learn.schedule import Schedule
from digitkit.learn.train import fit


@dataclass(frozen=True)
class Spent:
    """Time of some steps: on the clock and on all processor cores together, ms per step."""

    wall: float
    cpu: float


class Bare:
    """The loop that one would write by hand."""

    def __init__(self, recipe: Recipe, parts: Parts, classes: list[str]) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.rng = recipe, torch.Generator().manual_seed(recipe.seed)
        network = build_network(recipe, len(classes), *parts.train.statistics())
        self.network = network.to(memory_format=torch.channels_last)
        self.batches = Batches(parts.train, draw(recipe, parts, classes))
        self.augmentation = Augmentation.of(recipe.augment, classes)
        self.optimiser = OPTIMISERS[recipe.optim.name].build(recipe.optim, self.network)
        self.peaks = [group["lr"] for group in self.optimiser.param_groups]
        self.schedule = Schedule(recipe.schedule, recipe.average, self.batches.pace)
        self.average = Average(self.network, recipe.average, len(self.batches))
        self.drawn, self.done = iter(self.batches), 0

    def make(self, steps: int, precision: Precision) -> None:
        """Make so many steps."""
        for _ in range(steps):
            pixels, labels, indices = next(self.drawn)
            images = self.augmentation(pixels, labels, self.rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision is Precision.bf16):
                logits = self.network(images)
            each = F.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.loss.smoothing, reduction="none")
            self.batches.note(indices, each.detach())
            for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
                group["lr"] = peak * self.schedule(self.done)
            self.optimiser.zero_grad()
            torch.autograd.backward(each.mean())
            self.optimiser.step()
            self.done += 1
            self.average.follow(self.network, self.done)


class Loop(Protocol):
    """Another way to make the same steps."""

    batches: Batches
    done: int

    def make(self, steps: int, precision: Precision) -> None:
        """Make so many steps."""


class InTurns(lightning.Callback):
    """After every block of our steps, lets the bare loop make one."""

    def __init__(self, bare: Loop, block: int) -> None:
        self.bare, self.block = bare, block
        self.ours: list[Spent] = []
        self.others: list[Spent] = []
        self._mark = (0.0, 0.0)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """The clocks start."""
        self._mark = clocks()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Change turns when a block is full."""
        assert isinstance(pl_module, DigitModule)
        if (batch_idx + 1) % self.block or self.bare.done + self.block > len(self.bare.batches):
            return
        ends = [self._mark, clocks()]
        self.bare.make(self.block, pl_module.precision)
        ends.append(clocks())
        ours, others = (
            Spent(*(1000 * (late - early) / self.block for early, late in zip(before, after, strict=True)))
            for before, after in pairwise(ends)
        )
        self.ours.append(ours)
        self.others.append(others)
        self._mark = clocks()


def clocks() -> tuple[float, float]:
    """Seconds on the clock and on all cores."""
    return time.perf_counter(), time.process_time()


def show(turns: InTurns, precision: str) -> None:
    """One table: medians, quartiles, and how much more ours takes."""
    title = f"ms per step, {len(turns.ours) - 1} blocks of {turns.block} steps each in turns"
    table = Table(title=f"{title}, batch 512, {precision}, {torch.get_num_threads()} threads")
    for column in ("clock", "digitkit", "quartiles", "bare loop", "quartiles", "more", "of pairs"):
        table.add_column(column)
    for name in ("wall", "cpu"):
        ours, others = ([getattr(spent, name) for spent in each[1:]] for each in (turns.ours, turns.others))
        middles = [statistics.median(each) for each in (ours, others)]
        spreads = ["{0:.2f}..{2:.2f}".format(*statistics.quantiles(each)) for each in (ours, others)]
        pairs = statistics.median(mine / other for mine, other in zip(ours, others, strict=True))
        table.add_row(
            name, f"{middles[0]:.2f}", spreads[0], f"{middles[1]:.2f}", spreads[1],
            f"{middles[0] / middles[1] - 1:+.1%}", f"{pairs - 1:+.1%}",
        )  # fmt: skip
    Console(width=120).print(table)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--block", type=int, default=10, help="steps that each makes before the other goes on")
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = compose([
            "experiment=fast", "budget.epochs=0", f"budget.steps={asked.steps}", "run.validations=1", "run.device=cpu",
            f"run.threads={asked.threads}", f"run.folder={Path(folder) / 'run'}",
        ])  # fmt: skip
        splits = build(split_plan(recipe.data))
        parts, classes = prepare_parts(recipe, splits, lambda *told: None), list(splits.primary.classes)
        turns, run = InTurns(Bare(recipe, parts, classes), asked.block), Run.create(recipe)
        fit(recipe, parts, classes, run, lambda *told: None, watchers=[turns])
        show(turns, json.loads(run.file("precision.json").read_text())["precision"])


if __name__ == "__main__":
    main()
