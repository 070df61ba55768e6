"""How fast the one door is, and whether torch and the file agree on pictures of any shape.

    python benchmarks/door.py runs/first

Needs a run with its model.onnx, and MNIST; on a machine with nothing else to do.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from digitkit.core.digitset import Dense, DigitSet
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.export.graph import Graph
from digitkit.learn.device import keep_freed_memory
from digitkit.learn.loader import prepared
from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.run import Run
from digitkit.runtime.predictor import Predictor

SIDES = {28: 1.0, 280: 3.0, 1000: 15.0}  # px of a square picture, and the most ms it may take
SHAPES, LONGEST = 300, 1024
REPEATS = 5


def mnist(part: str) -> tuple[DigitSet, NDArray[np.uint8]]:
    """A part of MNIST, and its pictures uint8 (N,28,28)."""
    digits = read_part(find_source("mnist"), part)
    assert isinstance(digits.pictures, Dense)
    return digits, np.asarray(digits.pictures.pixels)


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """How long each of some calls takes, after one that does not count."""
    taken = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return taken[1:]


def time_bundle(path: Path, pictures: NDArray[np.uint8], table: Table) -> None:
    """Many pictures on all cores, one picture on one thread."""
    predictor = Predictor.load(path, device="cpu")
    rates = [len(pictures) / each for each in seconds(partial(predictor.probabilities, pictures))]
    table.add_row("28x28 to probabilities, all cores", *of_many(rates), "15,000/s")
    rates = [len(pictures) / each for each in seconds(partial(predictor.predict, pictures))]
    table.add_row("28x28 to predictions, all cores", *of_many(rates))
    alone = Predictor.load(path, device="cpu", threads=1)
    for side, most in SIDES.items():
        shown = [np.asarray(Image.fromarray(picture).resize((side, side))) for picture in pictures[:200]]
        taken = [each * 1000 for picture in shown for each in seconds(partial(alone.predict, picture), 1)]
        low, *_, high = statistics.quantiles(taken, n=20)
        figure = f"{statistics.median(taken):.2f} ms (5 to 95 %: {low:.2f} to {high:.2f})"
        table.add_row(f"one picture of {side}x{side}, one thread", figure, f"{most:g} ms")


def of_many(rates: list[float]) -> list[str]:
    """The middle of some rates with their spread."""
    return [f"{statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"]


def time_training(config: PrepareConfig, digits: DigitSet, table: Table) -> None:
    """All training pictures through the door, to the disk, as `train` does when it has not met them before."""
    keep_freed_memory()
    taken = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DIGITKIT_CACHE"] = folder
            begun = time.perf_counter()
            prepared(digits, config)
            taken.append(time.perf_counter() - begun)
    spread = f"{min(taken):.2f} to {max(taken):.2f}"
    table.add_row(f"preparing {len(digits):,} for training", f"{statistics.median(taken):.2f} s ({spread})", "5 s")


@torch.inference_mode()
def compare(run: Run, pictures: NDArray[np.uint8], table: Table) -> None:
    """Digits stretched to random shapes: the largest difference between torch and the file."""
    graph = Graph(run.recipe().prepare, run.network(), 1, run.report()["calibration"]["temperature"]).eval()
    predictor = Predictor.load(run.file("model.onnx"), device="cpu")
    rng = np.random.default_rng(0)
    shapes = [(1, 1), (1, LONGEST), (LONGEST, 1), (LONGEST, LONGEST)]
    sides = np.exp(rng.uniform(0, np.log(LONGEST + 1), (SHAPES - len(shapes), 2))).astype(int)
    shapes += [(int(height), int(width)) for height, width in sides]
    worst = 0.0
    for place, (height, width) in enumerate(shapes):
        shown = np.asarray(Image.fromarray(pictures[place]).resize((width, height)))[None, :, :, None]
        ours = graph(torch.from_numpy(np.repeat(shown, 3, axis=3))).probabilities.numpy()
        difference = float(np.abs(ours - predictor.probabilities(shown)).max())
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
    table.add_row(f"torch and the file apart, {len(shapes)} shapes", f"{worst:.1e}", "1e-4")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    run = Run.open(parser.parse_args().run)
    table = Table(title="The one door")
    for column in ("what", "figure", "bar"):
        table.add_column(column)
    _, tests = mnist("test")
    digits, _ = mnist("train")
    compare(run, tests, table)
    time_bundle(run.file("model.onnx"), tests, table)
    time_training(run.recipe().prepare, digits, table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
