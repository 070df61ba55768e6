"""How fast copies are found, how many of them, and how far apart copies and different drawings lie.

    python benchmarks/dedup.py --sheet nearest.png
    python benchmarks/dedup.py --million

Needs MNIST (`digitkit data fetch mnist`). Copies are made as those of QMNIST are: each picture drawn again with noise
below a pixel, every 400th shifted by a whole one. `--sheet` shows the most alike of MNIST's different pictures.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.data.catalogue import find_source
from digitkit.data.dedup import METHOD, REACH, find_copies
from digitkit.data.fetch import read_part
from digitkit.data.fingerprint import marks_of
from digitkit.data.likeness import differences, limits
from digitkit.data.neighbours import close_pairs
from digitkit.data.sheet import draw_cells, write_picture
from digitkit.data.spectrum import spectra, strengths

Pixels = NDArray[np.uint8]
Pairs = NDArray[np.int64]
SHIFTED_EVERY = 400
SIDES = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
SHOWN = 60  # pairs on the sheet
QUANTILES = (0.5, 0.99, 0.995, 1.0)


def drawn_again(pixels: Pixels, rng: np.random.Generator, shift_px: float = 0.25, scale: float = 0.01) -> Pixels:
    """A copy of each picture: moved and scaled by less than a pixel, with noise in the ink; some moved by a pixel."""
    moves = rng.uniform(-shift_px, shift_px, (len(pixels), 2))
    moves[::SHIFTED_EVERY] += SIDES[rng.integers(0, 4, len(moves[::SHIFTED_EVERY]))]
    scales = 1 + rng.uniform(-scale, scale, len(pixels))
    copies = np.empty_like(pixels)
    for index, picture in enumerate(pixels):
        middle = (np.array(picture.shape) - 1) / 2
        offset = middle - scales[index] * middle + moves[index]
        seen = ndimage.affine_transform(picture.astype(np.float32), [scales[index]] * 2, offset, order=1)
        copies[index] = np.clip(np.rint(seen + rng.normal(0, 3, seen.shape) * (seen > 0)), 0, 255)
    return copies


def timed(work: Callable[[], object]) -> tuple[object, float, float]:
    """What comes out, seconds by the clock, seconds of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def labelled(pixels: Pixels, name: str) -> DigitSet:
    """Pictures whose labels do not matter."""
    return DigitSet(Dense(pixels), np.zeros(len(pixels), np.int64), ("",), origins_of("mnist", name, len(pixels)))


def compared(pixels: Pixels, reach: float) -> tuple[Pairs, NDArray[np.float64], NDArray[np.float64]]:
    """Pairs that lie within a reach, how they differ, and the difference allowed to each."""
    everything = np.arange(len(pixels))
    pairs = close_pairs(strengths(Dense(pixels), everything), reach)
    seen = spectra(Dense(pixels), everything)
    left, right = pairs.T
    allowed = limits(seen)
    return pairs, differences(seen.take(left), seen.take(right)), np.minimum(allowed[left], allowed[right])


def quantiles(values: NDArray[np.float64], points: tuple[float, ...]) -> str:
    """Some quantiles on one line."""
    return " ".join(f"{value:.3f}" for value in np.quantile(values, points)) if len(values) else "-"


def evidence(table: Table, pixels: Pixels, copies: Pixels, sheet: Path | None) -> None:
    """The distances of true copies and of the most alike different drawings, plain and rich ones apart."""
    count = len(pixels)
    pairs, apart, allowed = compared(np.concatenate([pixels, copies]), REACH)
    true = pairs[:, 1] - pairs[:, 0] == count
    for name, kind in (("plain strokes", allowed < 0.07), ("between", (allowed >= 0.07) & (allowed < 0.13)),
                       ("rich drawings", allowed >= 0.13)):  # fmt: skip
        table.add_row(f"difference of copies, {name}: median, 99 %, 99.5 %, most",
                      quantiles(apart[true & kind], QUANTILES), "")  # fmt: skip
        least = np.sort(apart[~true & kind])[:4]
        table.add_row(
            f"... of different drawings, {name}: the four least", " ".join(f"{each:.3f}" for each in least), ""
        )
    if sheet:
        own = np.flatnonzero((pairs < count).all(axis=1))
        nearest = own[np.argsort((apart / allowed)[own])][:SHOWN]
        cells = [
            ([pixels[first], pixels[second]], f"{first} {second}\n{difference:.3f} of {most:.3f}")
            for (first, second), difference, most in zip(pairs[nearest], apart[nearest], allowed[nearest], strict=True)
        ]
        write_picture(draw_cells("MNIST's most alike different pictures: difference, and that of a copy", cells), sheet)


def figures(table: Table, pixels: Pixels, copies: Pixels) -> None:
    """Speed, copies found and false ones."""
    _, _, seconds = timed(lambda: marks_of(Dense(pixels)))
    table.add_row("exact, 28x28, one core", f"{len(pixels) / seconds:,.0f} pictures/s", ">= 300,000")
    alone = find_copies({"train": labelled(pixels, "train")})
    flagged = sum(overlap.exact + overlap.near for overlap in alone.overlaps)
    table.add_row("MNIST's own pictures taken for copies", f"{flagged} of {len(pixels):,}", "<= 0.2 %")
    parts = {"train": labelled(pixels, "train"), "copy": labelled(copies, "copy")}
    report, clock, processor = timed(lambda: find_copies(parts))
    false = sum(each.exact + each.near for each in report.overlaps if each.part == each.of)
    found = sum(each.exact + each.near for each in report.overlaps if each.part != each.of)
    table.add_row("copies found", f"{found / len(copies):.3%} of {len(copies):,}", ">= 99.5 %")
    table.add_row("pictures falsely taken for copies", f"{false / (2 * len(copies)):.3%}", "<= 0.1 %")
    table.add_row(f"search among {2 * len(copies):,}", f"{clock:.1f} s, processor {processor:.1f} s", "< 60 s")
    _, clock, processor = timed(lambda: find_copies(parts))
    table.add_row("the same again, from the disk", f"{clock:.2f} s, processor {processor:.2f} s", "")


def million(table: Table, pixels: Pixels, rng: np.random.Generator) -> None:
    """A million pictures: 950,000 warped out of MNIST's, and copies of 50,000 of them."""
    warped = np.empty((950_000, *pixels.shape[1:]), np.uint8)
    for index in range(len(warped)):
        turn, (high, wide), slant = rng.uniform(-0.35, 0.35), rng.uniform(0.75, 1.2, 2), rng.uniform(-0.3, 0.3)
        bend = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[high, slant], [0, wide]]
        offset = 13.5 - bend @ [13.5, 13.5]
        warped[index] = ndimage.affine_transform(pixels[index % len(pixels)], bend, offset, order=1)
    copies = drawn_again(warped[rng.choice(len(warped), 50_000, replace=False)], rng)
    parts = {"train": labelled(warped, "train"), "copy": labelled(copies, "copy")}
    report, clock, processor = timed(lambda: find_copies(parts))
    found = sum(each.exact + each.near for each in report.overlaps if each.part != each.of)
    table.add_row("search among 1,000,000", f"{clock:.0f} s, processor {processor:.0f} s", "aim: < 600 s")
    table.add_row("... copies found", f"{found / len(copies):.3%} of {len(copies):,}", "")


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="draw the most alike different pictures into this PNG")
    parser.add_argument("--million", action="store_true", help="also a million pictures; takes ten minutes")
    asked = parser.parse_args()
    train = read_part(find_source("mnist"), "train").pictures
    assert isinstance(train, Dense)
    pixels, rng = np.array(train.pixels), np.random.default_rng(1)
    copies = drawn_again(pixels, rng)
    table = Table(title=f"Copies, method {METHOD}")
    for column in ("what", "measured", "bar"):
        table.add_column(column)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIGITKIT_CACHE"] = folder  # nothing found before helps
        figures(table, pixels, copies)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        table.add_row("peak memory of all this", f"{peak:.2f} GB", "< 2 GB")
        evidence(table, pixels, copies, asked.sheet)
        if asked.million:
            million(table, pixels, rng)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
