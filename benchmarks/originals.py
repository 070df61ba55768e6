"""Pictures per second of an earlier project's training and of ours, with the same network, in turns in one run.

Theirs is what their code did with it: fp32, PyTorch's default memory layout, plain batch norm (the wide network's ghost
norm did nothing), their optimiser, pictures that are prepared and in memory already, so their loading and augmentation
cost nothing here. Ours is all that `digitkit train` does, augmentation, blends and averages included.

    python benchmarks/originals.py wide_resnet --steps 24 --block 2
    python benchmarks/originals.py mnist_cnn --steps 300 --block 20
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from loop import InTurns, Spent
from rich.console import Console
from rich.table import Table

from digitkit.data.splits import build
from digitkit.learn.batches import Batches
from digitkit.learn.compose import compose
from digitkit.learn.network import build_network
from digitkit.learn.parts import Parts, draw, prepare_parts, split_plan
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.running import Precision
from digitkit.learn.train import fit

ORIGINALS = ("wide_resnet", "mnist_cnn")


class Original:
    """The loop of an earlier project around its network."""

    def __init__(self, recipe: Recipe, plain: Recipe, parts: Parts, classes: list[str]) -> None:
        mean, std = parts.train.statistics()
        self.network = build_network(plain, len(classes), mean, std)
        self.batches = Batches(parts.train, draw(recipe, parts, classes))
        weights = self.network.parameters()
        adam = recipe.name == "mnist_cnn"
        self.optimiser = torch.optim.Adam(weights) if adam else torch.optim.SGD(weights, lr=0.01, momentum=0.9)
        self.drawn, self.done = iter(self.batches), 0

    def make(self, steps: int, precision: Precision) -> None:
        """Make so many steps, in fp32 whatever ours are made in."""
        for _ in range(steps):
            pixels, labels, _ = next(self.drawn)
            self.optimiser.zero_grad()
            torch.autograd.backward(F.cross_entropy(self.network(pixels.float().div_(255)), labels))
            self.optimiser.step()
            self.done += 1


def show(name: str, ours: list[Spent], theirs: list[Spent], batch: int) -> None:
    """One table: pictures per second on the clock and per busy core, and the median ratio of neighbouring blocks."""
    table = Table(title=f"{name}, batch {batch}, {len(ours)} blocks in turns, {torch.get_num_threads()} threads")
    for column in ("pictures/s", "digitkit", "quartiles", "original", "quartiles", "ratio"):
        table.add_column(column)
    for clock, word in (("wall", "on the clock"), ("cpu", "per busy core")):
        rates = [[1000 * batch / getattr(spent, clock) for spent in each] for each in (ours, theirs)]
        ratio = statistics.median(mine / other for mine, other in zip(*rates, strict=True))
        cells = [
            cell
            for each in rates
            for cell in (f"{statistics.median(each):,.0f}", "{0:,.0f}..{2:,.0f}".format(*statistics.quantiles(each)))
        ]
        table.add_row(word, *cells, f"{ratio:.2f}")
    Console(width=120).print(table)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=ORIGINALS)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--block", type=int, default=2, help="steps that each makes before the other goes on")
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    words = [
        f"experiment={asked.name}", "budget.epochs=0", f"budget.steps={asked.steps}", "run.validations=1",
        "run.device=cpu", f"run.threads={asked.threads}",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        recipe = compose([*words, f"run.folder={Path(folder) / 'run'}"])
        plain = compose([*words, "model.ghost=0"]) if asked.name == "wide_resnet" else recipe
        splits = build(split_plan(recipe.data))
        parts, classes = prepare_parts(recipe, splits, lambda *told: None), list(splits.primary.classes)
        turns = InTurns(Original(recipe, plain, parts, classes), asked.block)
        fit(recipe, parts, classes, Run.create(recipe), lambda *told: None, watchers=[turns])
    show(asked.name, turns.ours[1:], turns.others[1:], recipe.budget.batch)


if __name__ == "__main__":
    main()
