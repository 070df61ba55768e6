"""The pictures of a run: curves, confusion, predictions, mistakes; its batches are drawn by `learn.visualize`.

N images, S side in px, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from digitkit.core.files import atomic_path
from digitkit.learn.evaluate import Report
from digitkit.learn.loader import Images
from digitkit.learn.reliability import Reliability

MOST_SHOWN = 40  # pictures of a sheet
COLUMNS = 8  # of a sheet
DPI = 110
TABLE_IN = (3.6, 22.0)  # side of a confusion table in inches, at least and at most
CELL_IN = 0.3  # side of one of its cells, where that fits
LEAST_PT = 4.0  # smaller figures cannot be read and are left out
ALARMING = 0.05  # share of a class read as another that is drawn in full red, or the largest there is
LONGEST_LABEL = 16  # characters of a label that is written in full
RIGHT, WRONG, INK, GREY = "#2a7f62", "#b3261e", "#222", "#999"


@dataclass(frozen=True)
class Read:
    """How some images were read: the class and its probability, each (N,)."""

    best: Sequence[int]
    share: Sequence[float]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)


def named(label: str) -> str:
    """A label as people read it: the empty one too, and of a long one its beginning."""
    return (label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}\u2026") or '""'


def curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses, errors on validation (raw and averaged weights) and learning rate over the steps, the last included."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, error, rate = figure.subplots(1, 3)
    _line(loss, history, "train_loss", "training", INK)
    for prefix, name, colour in (("raw_", "raw", GREY), ("", "averaged", RIGHT)):
        _line(loss, history, f"{prefix}val_loss", f"validation, {name}", colour)
        errors = [
            {"step": record["step"], "error": 100 * (1 - record[f"{prefix}val_accuracy"])}
            for record in history
            if f"{prefix}val_accuracy" in record
        ]
        _line(error, errors, "error", name, colour)
    loss.set(title="loss", xlabel="step", yscale="log")
    error.set(title="errors on validation, %", xlabel="step")
    error.set_ylim(bottom=0)
    for axes in (loss, error):
        if axes.lines:
            axes.legend(fontsize=7)
    _line(rate, history, "lr", "", INK)
    rate.set(title="learning rate", xlabel="step")
    for axes in (loss, error, rate):
        axes.grid(alpha=0.25)
        axes.margins(x=0.03)
    _save(figure, path)


def _line(axes: Axes, records: Sequence[Mapping[str, Any]], key: str, name: str, colour: str) -> None:
    """One curve over the records that have a value for it; few points are marked, for one alone is no line."""
    points = [(record["step"], record[key]) for record in records if key in record]
    if points:
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, marker="o" if len(points) <= 40 else "", markersize=3, label=name, color=colour)


def confusion(table: Sequence[Sequence[int]], classes: Sequence[str], title: str, path: Path) -> None:
    """How often each true class (rows) was read as each class (columns), int (K,K).

    Red grows with the share of its row, so that rare classes show too; right answers stay pale.
    """
    counts = np.array(table, np.int64)
    wrong = counts * (1 - np.eye(len(classes), dtype=np.int64))
    shares = wrong / np.maximum(1, counts.sum(1, keepdims=True))
    side = min(max(CELL_IN * len(classes), TABLE_IN[0]), TABLE_IN[1])
    cell_pt = 72 * side / len(classes)
    figure = Figure(figsize=(side + 1.3, side + 1.3), layout="constrained")
    axes: Axes = figure.subplots()
    axes.imshow(shares, cmap="Reds", vmin=0, vmax=max(ALARMING, float(shares.max())) * 1.4)
    widest = max(2, len(str(counts.max())))
    size = min(9.0, 1.4 * cell_pt / widest)
    for row, column in np.argwhere(counts > 0) if size >= LEAST_PT else []:
        colour = RIGHT if row == column else INK
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=size, color=colour)
    _name_axes(axes, [named(label) for label in classes], cell_pt)
    axes.set(title=title, xlabel="read as", ylabel="is")
    _save(figure, path)


def _name_axes(axes: Axes, names: Sequence[str], cell_pt: float) -> None:
    """Name every row and column, or every second, third ... where there is no room for all."""
    every = max(1, round(9 / cell_pt))
    places, shown = range(0, len(names), every), list(names)[::every]
    size = min(10.0, max(6.0, 0.7 * cell_pt * every))
    tall = max(map(len, names)) * 0.62 * size > cell_pt * every
    axes.set_xticks(places, shown, rotation=90 if tall else 0, fontsize=size, parse_math=False)
    axes.set_yticks(places, shown, fontsize=size, parse_math=False)
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color="#ddd", linewidth=0.5)


def grid(images: Images, read: Read, classes: Sequence[str], title: str, path: Path) -> None:
    """Some images with what they are and what they were read as, green where that is right, red where it is not."""
    captions = []
    for label, best, share in zip(images.labels.tolist(), read.best, read.share, strict=True):
        text = f"is {named(classes[label])}\nread {named(classes[best])} ({share:.0%})"
        captions.append((text, RIGHT if label == best else WRONG))
    _sheet(images.pixels, captions, title, path)


def reliability(measured: Reliability, title: str, path: Path) -> None:
    """How often each confidence is right, and below it how many pictures have that confidence."""
    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = [each for each in measured.bins if each.n]
    edges, wide = [each.low for each in filled], 1 / len(measured.bins)
    above.bar(edges, [each.accuracy for each in filled], wide, align="edge", color=RIGHT, alpha=0.35, edgecolor=RIGHT)
    above.plot([0, 1], [0, 1], color=GREY, linewidth=1, label="as it should be")
    dots = [each.confidence for each in filled], [each.accuracy for each in filled]
    above.plot(*dots, "o", color=INK, markersize=4, label="as it is")
    above.set(title=title, ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
    above.legend(fontsize=8, loc="upper left")
    below.bar(edges, [each.n for each in filled], wide, align="edge", color=GREY)
    below.set(xlabel="confidence", ylabel="pictures", yscale="log")
    for axes in (above, below):
        axes.grid(alpha=0.25)
    _save(figure, path)


def mistakes(report: Report, images: Images, answers: Tensor, classes: Sequence[str], path: Path) -> None:
    """The surest mistakes first: what the network saw, the true label and what it was read as."""
    chosen = report.mistakes[:MOST_SHOWN]
    some = Images(images.pixels[chosen].cpu(), images.labels[chosen].cpu())
    share, best = answers[chosen].max(1) if chosen else (torch.zeros(0), torch.zeros(0))
    title = f"{report.split}: {len(report.mistakes):,} mistakes of {report.n:,}, the surest first"
    grid(some, Read(best.tolist(), share.tolist()), classes, title, path)


def _sheet(pixels: Tensor, captions: Sequence[tuple[str, str]], title: str, path: Path) -> None:
    """Images in rows with a coloured frame and a caption under each; uint8 (N,C,S,S) on the CPU.

    All of them lie on one canvas: an axes for each would take ten times as long to draw.
    """
    rows, side, width, height = max(1, -(-len(captions) // COLUMNS)), 1.05, 1.25, 1.48  # inches
    tall = rows * height + 0.4
    figure = Figure(figsize=(COLUMNS * width, tall))
    figure.text(0.5, 1 - 0.2 / tall, title, ha="center", va="center", fontsize=10)
    axes = figure.add_axes((0, 0, 1, rows * height / tall))
    longest = max((len(line) for text, _ in captions for line in text.splitlines()), default=1)
    size = min(7.0, 120 / longest)  # so that long labels stay within their column
    for place, (image, (text, colour)) in enumerate(zip(pixels, captions, strict=True)):
        left, top = place % COLUMNS * width + 0.1, place // COLUMNS * height + 0.05
        shape, extent = image.permute(1, 2, 0).numpy().squeeze(), (left, left + side, top + side, top)
        axes.imshow(shape, cmap="gray", vmin=0, vmax=255, extent=extent)
        frame = Rectangle((left, top), side, side, fill=False, edgecolor=GREY if colour == INK else colour)
        axes.add_patch(frame)
        middle = (left + side / 2, top + side + 0.04)
        axes.text(*middle, text, ha="center", va="top", fontsize=size, color=colour, parse_math=False)
    axes.set(xlim=(0, COLUMNS * width), ylim=(rows * height, 0), aspect="auto")
    axes.axis("off")
    _save(figure, path)
