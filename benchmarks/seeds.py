"""Train an experiment with several seeds on all training pictures and state mean and spread on test.

The recipe is frozen: it was chosen on the 55,000/5,000 split. Each training is a process of its own, as users start it.

    python benchmarks/seeds.py fast --seeds 5
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Trained:
    """One training: seconds, test accuracy with one and with five views (shares)."""

    seed: int
    train_seconds: float
    one_view: float
    five_views: float


def train_seeds(
    experiment: str, seeds: Iterable[int], overrides: Sequence[str] = ("data.val_size=0",)
) -> list[Trained]:
    """Train once per seed through the `digitkit train` verb."""
    trained = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            run = f"run.folder={Path(folder) / str(seed)}"
            command = [
                sys.executable, "-m", "digitkit", "train", f"experiment={experiment}", f"seed={seed}", run,
                "run.export=false", "run.views=5", *overrides, "--json",
            ]  # fmt: skip
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            values = json.loads(done.stdout.splitlines()[-1])
            shares = values["test_accuracy"], values["test_accuracy_views"]["5"]
            trained.append(Trained(seed, values["train_seconds"], *shares))
    return trained


def main() -> None:
    """Train and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment")
    parser.add_argument("overrides", nargs="*", default=["data.val_size=0"])
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    trained = train_seeds(asked.experiment, range(asked.seeds), asked.overrides)
    table = Table(title=f"{asked.experiment} {' '.join(asked.overrides)}, n {asked.seeds} seeds")
    for column in ("", "train seconds", "one view", "five views"):
        table.add_column(column)
    for run in trained:
        table.add_row(f"seed {run.seed}", f"{run.train_seconds:.2f}", f"{run.one_view:.2%}", f"{run.five_views:.2%}")
    columns = zip(*((run.train_seconds, 100 * run.one_view, 100 * run.five_views) for run in trained), strict=True)
    cells = [(statistics.mean(c), statistics.stdev(c) if len(c) > 1 else 0.0) for c in columns]
    table.add_row("mean, sd", *(f"{mean:.3f}, {deviation:.3f}" for mean, deviation in cells))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
