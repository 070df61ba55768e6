"""How a bundle reads pictures that it has never seen the like of: digit sets, hard scenes, strokes, empty pages.

    python benchmarks/real_pictures.py default
    python benchmarks/real_pictures.py runs/first/model.onnx

Needs ../shared/data (see its README).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scenes import EMPTY, SCENES, Pixels, empty_page, strokes

from digitkit.core.prediction import Thresholds
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.learn.compose import from_plain
from digitkit.learn.ink import Ink
from digitkit.learn.loader import as_colour
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.session import Session

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SETS = {  # file, whether ink is dark (checked by eye on 48 pictures of each), bar for reading (0: none)
    "usps": ("usps16", False, 0.985),
    "semeion": ("semeion16", False, 0.92),
    "optdigits": ("optdigits32", False, 0.965),
    "pendigits": ("pendigits_rendered28", False, 0.97),
    "kensanata": ("kensanata_numbers16", True, 0.945),
    "hwd1000": ("hwd1000", True, 0.995),
    "jcprogjava": ("jcprogjava_handdrawn28", True, 0.0),
    "sudoku (printed)": ("sudoku_phone_cells32", True, 0.0),
}
WIDTHS = (4, 8, 16, 28, 40)  # px of a pen on 280 px
BATCH = 256


class Reader:
    """A bundle, and its way of finding ink in torch, of which the file tells nothing."""

    def __init__(self, bundle: str) -> None:
        record, content = read_bundle(bundle)
        self.session = Session(content, bundle, device="cpu")
        self.ink = Ink(from_plain(record.recipe).prepare)

    def read(self, pictures: Sequence[Pixels] | Pixels) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Labels and contrasts; pictures of one size go through together."""
        if isinstance(pictures, np.ndarray):
            groups = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        else:
            groups = [picture[None] for picture in pictures]
        labels, contrasts = [], []
        for group in groups:
            probabilities, contrast = self.session.run(["probabilities", "contrast"], np.array(as_colour(group)))
            labels.append(probabilities.argmax(1))
            contrasts.append(contrast)
        return np.concatenate(labels), np.concatenate(contrasts)

    @torch.inference_mode()
    def dark(self, pictures: Pixels) -> NDArray[np.bool_]:
        """Whether ink is taken for dark."""
        answers = []
        for start in range(0, len(pictures), BATCH):
            pixels = torch.from_numpy(np.array(as_colour(pictures[start : start + BATCH])))
            answers.append(self.ink.find(pixels).scale.flatten().numpy() < 0)
        return np.concatenate(answers)


def mnist(count: int) -> tuple[Pixels, NDArray[np.int64]]:
    """The first pictures of MNIST's test part."""
    digits = read_part(find_source("mnist"), "test").take(np.arange(count))
    return np.stack([digits.pictures[index] for index in range(count)]), digits.labels


def read_sets(reader: Reader, table: Table) -> None:
    """Reading and polarity of whole sets, as they come and inverted."""
    for name, (file, dark, bar) in SETS.items():
        with np.load(DATA / f"{file}.npz", allow_pickle=False) as stored:
            pictures, labels = stored["images"], stored["labels"]
        if "sudoku" in name:
            pictures, labels = pictures[labels > 0], labels[labels > 0]
        answers, contrasts = reader.read(pictures)
        wrong = float((reader.dark(pictures) != dark).mean()), float((reader.dark(255 - pictures) == dark).mean())
        table.add_row(
            f"read: {name}", f"{(answers == labels).mean():.2%} of {len(labels):,}", f"{bar:.1%}" if bar else ""
        )
        table.add_row(f"polarity right: {name}, inverted", f"{1 - wrong[0]:.2%}, {1 - wrong[1]:.2%}", "99.7%")
        blank = float((contrasts < Thresholds().contrast).mean())
        table.add_row(f"called blank: {name}", f"{blank:.3%}", "0.1%")


def read_scenes(reader: Reader, table: Table) -> None:
    """The same 1,000 test digits in hard scenes: how many keep their label."""
    pictures, _ = mnist(1000)
    plain, _ = reader.read(pictures)
    for name, (scene, bar) in SCENES.items():
        rng = np.random.default_rng(0)
        answers, _ = reader.read([scene(picture, rng) for picture in pictures])
        table.add_row(f"same label: {name}", f"{(answers == plain).mean():.2%}", f"{bar:.0%}")


def read_strokes(reader: Reader, table: Table) -> None:
    """Digits of the test writers, drawn at 280 px with pens of several widths."""
    with np.load(DATA / "pendigits_strokes.npz", allow_pickle=False) as stored:
        parts = {name: stored[name] for name in stored.files}
    tests = np.flatnonzero(np.char.startswith(parts["split"].astype(str), "te"))[:1000]
    lines = [_lines(parts, int(index)) for index in tests]
    for width in WIDTHS:
        answers, _ = reader.read(np.stack([strokes(each, width) for each in lines]))
        table.add_row(f"strokes, width {width} px", f"{(answers == parts['labels'][tests]).mean():.2%}", "96%")


def _lines(parts: dict[str, NDArray[np.int64]], digit: int) -> list[NDArray[np.int16]]:
    points, starts, firsts = parts["points"], parts["stroke_offsets"], parts["digit_offsets"]
    return [points[starts[k] : starts[k + 1]] for k in range(firsts[digit], firsts[digit + 1])]


def read_empty(reader: Reader, table: Table) -> None:
    """Empty pages, 1,000 of each kind: how many are called blank."""
    rng = np.random.default_rng(1)
    for kind in EMPTY:
        _, contrasts = reader.read([empty_page(kind, rng) for _ in range(1000)])
        table.add_row(f"empty page called blank: {kind}", f"{(contrasts < Thresholds().contrast).mean():.2%}", "99%")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", help='a path, or "default"')
    reader = Reader(parser.parse_args().bundle)
    table = Table(title="Pictures from elsewhere")
    for column in ("what", "figure", "bar"):
        table.add_column(column)
    for part in (read_sets, read_scenes, read_strokes, read_empty):
        part(reader, table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
