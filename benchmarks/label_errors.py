"""How many wrong labels are found: some of MNIST's training labels are changed at random, then looked for.

The changed labels are known, so found and false ones can be counted; MNIST's own wrong labels count as false.

    python benchmarks/label_errors.py --share 0.02 --seeds 3
"""

import argparse
import statistics
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from digitkit.core.digitset import DigitSet
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.learn.compose import compose
from digitkit.learn.labels import OVERRIDES, find_label_errors


def plant(digits: DigitSet, share: float, rng: np.random.Generator) -> tuple[DigitSet, set[int]]:
    """The same pictures with some labels changed to another class; returns them and which were changed."""
    changed = rng.choice(len(digits), round(share * len(digits)), replace=False)
    labels = digits.labels.copy()
    labels[changed] = (labels[changed] + rng.integers(1, len(digits.classes), len(changed))) % len(digits.classes)
    return DigitSet(digits.pictures, labels, digits.classes, digits.origins), set(changed.tolist())


def main() -> None:
    """Plant, look and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", help="key=value of the recipe that judges")
    parser.add_argument("--source", default="mnist")
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    digits = read_part(find_source(asked.source), "train")
    table = Table(title=f"{asked.source} train, {len(digits):,} pictures, {asked.share:.1%} of the labels changed")
    for column in ("", "suspects", "found", "precision", "precision, surer half", "seconds", "CPU seconds"):
        table.add_column(column)
    figures = []
    for seed in range(asked.seeds):
        given, changed = plant(digits, asked.share, np.random.default_rng(seed))
        begun, begun_cpu = time.perf_counter(), time.process_time()
        recipe = compose([*OVERRIDES, f"seed={seed}", *asked.overrides])
        suspects = [suspect.index for suspect in find_label_errors(given, recipe, lambda done, total, text: None)]
        right = [index in changed for index in suspects]
        surer = right[: (len(right) + 1) // 2]
        found = sum(right) / len(changed), sum(right) / max(1, len(right)), sum(surer) / max(1, len(surer))
        spent = time.perf_counter() - begun, time.process_time() - begun_cpu
        figures.append((*found, *spent))
        table.add_row(f"seed {seed}", f"{len(suspects):,}", *(f"{x:.2%}" for x in found), *(f"{x:.1f}" for x in spent))
    means = [statistics.mean(column) for column in zip(*figures, strict=True)]
    table.add_row("mean", "", *(f"{x:.2%}" for x in means[:3]), *(f"{x:.1f}" for x in means[3:]))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
