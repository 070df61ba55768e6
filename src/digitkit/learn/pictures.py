"""The pictures of a run: curves, confusion, mistakes, a batch as the network saw it.

N images, S side in px, K classes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from digitkit.core.files import atomic_path
from digitkit.learn.augment.after import augment
from digitkit.learn.evaluate import Report
from digitkit.learn.loader import Images
from digitkit.learn.mix import mix
from digitkit.learn.recipe import Recipe

MOST_SHOWN = 40  # pictures of a sheet
RIGHT, WRONG = "#2a7f62", "#b3261e"


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss, error on validation (raw and averaged weights) and learning rate over the steps, the last one included."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, error, rate = figure.subplots(1, 3)
    steps = [record["step"] for record in history]
    loss.plot(steps, [record["train_loss"] for record in history], color="#444")
    loss.set(title="training loss", xlabel="step", yscale="log")
    scored = [record for record in history if "val_accuracy" in record]
    for key, name, colour in (("raw_val_accuracy", "raw", "#999"), ("val_accuracy", "averaged", RIGHT)):
        points = [100 * (1 - record[key]) for record in scored]
        error.plot([record["step"] for record in scored], points, marker="o", label=name, color=colour)
    error.set(title="errors on validation, %", xlabel="step")
    error.set_ylim(bottom=0)
    error.legend()
    rate.plot(steps, [record["lr"] for record in history], color="#444")
    rate.set(title="learning rate", xlabel="step")
    _save(figure, path)


def confusion(report: Report, classes: Sequence[str], path: Path) -> None:
    """How often each true class was read as each class; right answers are left pale so that mistakes stand out."""
    table = np.array(report.confusion)
    wrong = table - np.diag(np.diag(table))
    figure = Figure(figsize=(5.4, 5.2), layout="constrained")
    axes: Axes = figure.subplots()
    axes.imshow(wrong, cmap="Reds", vmax=max(1, int(wrong.max()) * 1.4))
    for row, column in np.argwhere(table > 0) if len(classes) <= 20 else []:
        colour = RIGHT if row == column else "black"
        axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8, color=colour)
    names = [name or '""' for name in classes]
    axes.set_xticks(range(len(classes)), names, rotation=90 if len(classes) > 20 else 0)
    axes.set_yticks(range(len(classes)), names)
    axes.set(title=f"{report.split}: {report.accuracy:.2%} of {report.n}", xlabel="read as", ylabel="is")
    _save(figure, path)


def mistakes(report: Report, images: Images, answers: Tensor, classes: Sequence[str], path: Path) -> None:
    """The surest mistakes first: what the network saw, the true label and what it was read as."""
    chosen = report.mistakes[:MOST_SHOWN]
    captions = []
    for index in chosen:
        best = int(answers[index].argmax())
        label = classes[int(images.labels[index])]
        captions.append((f"{label} read as {classes[best]} ({float(answers[index, best]):.0%})", WRONG))
    title = f"{report.split}: {len(report.mistakes)} mistakes of {report.n}, the surest first"
    _sheet(images.pixels[chosen].cpu() if chosen else None, captions, title, path)


def batch_sheet(images: Images, recipe: Recipe, classes: Sequence[str], path: Path) -> None:
    """Some training images as the network sees them, augmented, and a batch of blends where the recipe makes any."""
    rng = torch.Generator().manual_seed(recipe.seed)
    chosen = torch.randperm(len(images), generator=rng)[:MOST_SHOWN]
    seen = augment(images.pixels[chosen], recipe.augment.after, rng)
    names = [classes[int(label)] for label in images.labels[chosen]]
    steps = range(1000) if recipe.mix.probability else ()  # a batch in a thousand may be the first that is blended
    mixed = next(filter(None, (mix(seen, recipe.mix, recipe.seed, step) for step in steps)), None)
    title = "training images, augmented"
    if mixed is not None:
        seen, title = mixed.images, f"{title}, in a batch of blends"
        pairs = zip(names, mixed.partners.tolist(), mixed.share.tolist(), strict=True)
        names = [
            f"{name} {share:.0%}, {names[other]} {1 - share:.0%}" if share < 1 else name for name, other, share in pairs
        ]
    _sheet((seen * 255).to(torch.uint8).cpu(), [(name, "black") for name in names], title, path)


def _sheet(pixels: Tensor | None, captions: Sequence[tuple[str, str]], title: str, path: Path) -> None:
    """A grid of images with a caption under each; uint8 (N,C,S,S), or None for an empty sheet."""
    columns = 8
    rows = max(1, -(-len(captions) // columns))
    figure = Figure(figsize=(columns * 1.25, rows * 1.4 + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.axis("off")
    if pixels is not None:
        for axes, image, (text, colour) in zip(figure.axes, pixels, captions, strict=False):
            axes.imshow(image.permute(1, 2, 0).numpy().squeeze(), cmap="gray", vmin=0, vmax=255)
            axes.set_title(text, fontsize=6.5, color=colour, y=-0.22)
    _save(figure, path)
