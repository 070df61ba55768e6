"""What reading costs with the networks of the earlier projects under torch, and with the bundle that ships.

Those projects read with torch, operation by operation, from images that somebody had prepared. Their networks (written
anew, at their own input sizes, weights by lot) get ready images here; only digitkit's bundle prepares its pictures.
Each row is measured in processes of its own, in turns.

    python benchmarks/runtimes.py --threads 1 --repeats 3

`--bundle runs/fast/model-int8.onnx` adds a bundle in 8 bits, as `digitkit export runs/fast --int8` writes it.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from digitkit.commands.timed import times

# What each project served, as overrides of its experiment, and how many classes it told apart.
NETWORKS = {
    "tiny_cnn": (["experiment=tiny", "prepare.size=32"], 10, "3, scikit-learn digits"),
    "mnist_cnn": (["experiment=mnist_cnn"], 10, "4, sketches"),
    "wide_resnet": (["experiment=wide_resnet"], 10, "2, MNIST"),
    "resnet18": (["experiment=jersey"], 43, "1, jersey numbers"),
    "resnext": (["experiment=resnext"], 10, "0, photos"),
}
FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
BATCH = 256
BATCH_PIXELS = 64 * 64 * 64 * 3  # of larger images fewer make a batch
Figures = dict[str, float | int | str]


def of_network(name: str, threads: int, seconds: float) -> Figures:
    """A network under torch, from ready images."""
    import torch

    from digitkit.learn.compose import compose
    from digitkit.learn.models import MODELS, InputShape

    torch.set_num_threads(threads)
    overrides, classes, project = NETWORKS[name]
    recipe = compose(overrides)
    side, channels = recipe.prepare.size, recipe.prepare.channels
    network = MODELS[name].build(recipe.model, InputShape(side, channels, classes)).eval()
    count = min(BATCH, max(1, BATCH_PIXELS // (channels * side * side)))
    images = torch.rand(count, channels, side, side)
    megabytes = sum(weight.numel() for weight in network.parameters()) * 4 / 1e6
    with torch.inference_mode():
        figures = timed(lambda size: network(images[:size]), count, seconds)
    return {"name": f"{name} (project {project})", "side": side, "mb": megabytes, **figures}


def of_bundle(path: str, threads: int, seconds: float) -> Figures:
    """A bundle by onnxruntime, from pictures of 28x28 as they come."""
    from digitkit.runtime.bundle import read_bundle
    from digitkit.runtime.predictor import Predictor

    predictor = Predictor.load(path, "cpu", threads)
    with np.load(FIXTURES / "digits.npz", allow_pickle=False) as sets:  # a cascade is slower where it is not sure
        digits = np.concatenate([sets["pendigits_images"], sets["hwd1000_images"]])
    pictures = np.resize(np.repeat(digits[..., None], 3, axis=3), (BATCH, 28, 28, 3))
    figures = timed(lambda size: predictor.probabilities(pictures[:size]), BATCH, seconds)
    name = f"digitkit {predictor.bundle.name}, with preparation"
    return {"name": name, "side": 28, "mb": len(read_bundle(path)[1]) / 1e6, **figures}


def timed(read: Callable[[int], object], count: int, seconds: float) -> Figures:
    """Milliseconds for one, and how many per second in batches of `count`."""
    one, many = times(lambda: read(1), seconds), times(lambda: read(count), seconds)
    return {"ms": 1000 * statistics.median(one), "rate": count / statistics.median(many), "batch": count}


def in_own_process(what: str, threads: int, seconds: float) -> Figures:
    """The figures of one row, from a fresh process."""
    command = [sys.executable, __file__, "--one", what, "--threads", str(threads), "--seconds", str(seconds)]
    made: Figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return made


def show(rows: dict[tuple[str, int], list[Figures]], repeats: int) -> None:
    """One table, the bundle that ships first."""
    table = Table(title=f"Reading on the CPU, fp32 unless named, median (least-most) of {repeats} processes")
    for column in ("reader", "threads", "side, px", "MB", "one, ms", "of a batch, /s", "batch"):
        table.add_column(column)
    for (_, threads), made in rows.items():
        first = made[0]
        figures = [spread([float(each[key]) for each in made], digits) for key, digits in (("ms", 2), ("rate", 0))]
        cells = (first["name"], threads, first["side"], f"{first['mb']:.2f}", *figures, first["batch"])
        table.add_row(*map(str, cells))
    Console(width=130).print(table)


def spread(values: list[float], digits: int) -> str:
    """The median, the least and the most."""
    middle, least, most = (f"{each:,.{digits}f}" for each in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({least}-{most})"


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", action="append", type=Path, help="also these bundles; repeatable")
    parser.add_argument("--threads", action="append", type=int, help="repeatable; 1 by default")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure in each process")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        measure = of_network if asked.one in NETWORKS else of_bundle
        print(json.dumps(measure(asked.one, asked.threads[0], asked.seconds)))
        return
    names = ["default", *map(str, asked.bundle or ()), *NETWORKS]
    rows: dict[tuple[str, int], list[Figures]] = {(name, each): [] for each in asked.threads or [1] for name in names}
    for _ in range(asked.repeats):
        for (name, threads), made in rows.items():
            made.append(in_own_process(name, threads, asked.seconds))
    show(rows, asked.repeats)


if __name__ == "__main__":
    main()
