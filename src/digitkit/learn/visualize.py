"""Batches as the network will see them, each image beside the one it was made from; nothing is fetched or trained.

N images, B of one batch, C channels, S side in px.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, FetchError
from digitkit.core.files import atomic_path
from digitkit.core.picture import Pixels
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data.source import Report
from digitkit.data.splits import build
from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.bank import Bank
from digitkit.learn.batches import Batches
from digitkit.learn.loader import prepared
from digitkit.learn.mix import Mixed, mix
from digitkit.learn.parts import Parts, as_negatives, before_of, draw, read_negatives, source_weights, split_plan
from digitkit.learn.pictures import named
from digitkit.learn.recipe import DataConfig, Recipe
from digitkit.learn.team import Team

STAND_IN = "optdigits"  # carried by scikit-learn, so it is always here
MOST_PREPARED = 2000  # pictures of a source; as many of each class as it has, in proportion
COLUMNS, ROWS = 6, 4  # pairs of a batch that are shown
GAP = 0.12  # between the two of a pair and below it, as a share of the side
CAPTION = 0.34  # room for the label, as a share of the side
WIDTH_IN, DPI = 11.0, 110
TRIED = 1000  # steps, until one of them is blended
LONG = 1e6  # epochs
PAPER, INK, GREY = 255, "black", "#666"
HEADLESS = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")  # ways of matplotlib to draw without a window


@dataclass(frozen=True)
class Shown:
    """A batch: uint8 (B,C,S,S) as prepared and as the network sees it, what stands below each pair, and a title."""

    before: Tensor
    after: Tensor
    captions: Sequence[str]
    title: str


def some_parts(recipe: Recipe, say: Report) -> tuple[Parts, tuple[str, ...]]:
    """Some training pictures of a recipe, prepared, and its classes, from what is on this machine already.

    `say` gets a line where a source is not here, and others are shown instead, or none for one of no digits.
    """
    data = recipe.data
    limit = min(data.limit or MOST_PREPARED, MOST_PREPARED)
    plan = replace(
        split_plan(data), offline=True, fallback=STAND_IN, limit=limit, val_size=0, duplicates="keep",
        extra=(), extra_sizes=(),
    )  # fmt: skip
    splits = build(plan)
    missing = [name for name in data.sources if name not in splits.report.sources]
    if missing and STAND_IN in splits.report.sources:
        say(f"{', '.join(missing)} is not on this machine; pictures of {STAND_IN} are shown instead.")
    if not len(splits.primary):
        raise ConfigError(f"No training pictures in {', '.join(data.sources)}; there is nothing to show.")
    images = prepared(splits.primary, recipe.prepare, content=splits.contents["primary"])
    others = list(_some_negatives(data, limit, say))
    parts = Parts(
        images, len(images), images.first(0), images.first(0), 0.0, (),
        negatives=as_negatives([prepared(digits, recipe.prepare) for digits in others]),
        before=before_of(recipe, splits, others, lambda done, total: None), weights=source_weights(data, splits),
    )  # fmt: skip
    return parts, splits.primary.classes


def _some_negatives(data: DataConfig, limit: int, say: Report) -> Iterator[DigitSet]:
    """Some pictures of each source of no digits that is here, evenly out of all."""
    for spec in data.negatives if data.negatives_share else ():
        try:
            (digits,) = read_negatives(replace(data, negatives=[spec], offline=True))
        except FetchError:
            say(f"{spec}, whose pictures are no digits, is not on this machine; it is left out.")
            continue
        yield digits.take(np.arange(0, len(digits), -(-len(digits) // limit)))


def batches(recipe: Recipe, parts: Parts, classes: Sequence[str], count: int) -> list[Shown]:
    """Batches spread evenly over a training, the first step and the last among them.

    Each image stands beside what the network sees of it, or of a variant that took its place.
    """
    names = [named(label) for label in classes]
    augmentation = Augmentation.of(recipe.augment, classes)
    rng = torch.Generator().manual_seed(recipe.seed)
    found = []
    for number, (pixels, labels, indices) in enumerate(islice(_drawn(recipe, parts, classes), count)):
        left = 1 - number / max(1, count - 1)
        seen = augmentation(_varied(recipe, parts, pixels, indices, number, left), labels, rng, left)
        mixed = _blend(seen, recipe, number) if _blends(recipe, left) else None
        mine = [names[label] if label >= 0 else NOT_A_DIGIT for label in labels.tolist()]
        after = ((mixed.images if mixed else seen) * 255).round().to(torch.uint8)
        when = {1.0: "at the start", 0.0: "at the end"}.get(left, f"after {1 - left:.0%} of the training")
        captions = _captions(mine, mixed) if mixed else mine
        found.append(Shown(pixels, after, captions, when + (", blended" if mixed else "")))
    return found


def _varied(recipe: Recipe, parts: Parts, pixels: Tensor, indices: Tensor, step: int, left: float) -> Tensor:
    """Images with variants in the places of some; those of a few pictures are made at once."""
    config, before = recipe.augment.before, parts.before
    if not config.k or before is None:
        return pixels
    made = replace(before, config=config).only(indices.numpy())
    bank = Bank(config, recipe.seed, tuple(pixels.shape), lambda number: made, Team())
    bank.renew(0, pixels.device)
    return bank.stand_in(pixels.clone(), torch.arange(len(pixels)), step, left)


def _drawn(recipe: Recipe, parts: Parts, classes: Sequence[str]) -> Batches:
    """Batches of about as many images as are shown; classes and what is no digit are drawn as the recipe draws them."""
    share = recipe.data.negatives_share if len(parts.negatives) else 0
    sampling = replace(recipe.data.sampling, count=0, replacement=True)
    few = replace(
        recipe,
        data=replace(recipe.data, sampling=sampling),
        budget=replace(recipe.budget, batch=round(COLUMNS * ROWS / (1 + share)), hard_share=0),
    )
    return Batches(parts.learnt, draw(few, parts, classes), negatives_share=share)


def _blends(recipe: Recipe, left: float) -> bool:
    """Whether batches are blended while such a share of the training is left; without epochs it counts as long."""
    off = recipe.mix.off_epochs
    return recipe.mix.probability > 0 and (not off or (left > 0 and left * (recipe.budget.epochs or LONG) > off))


def _blend(seen: Tensor, recipe: Recipe, number: int) -> Mixed | None:
    """The first of many steps whose draws blend this batch; a recipe may blend one batch in a hundred."""
    steps = range(number * TRIED, (number + 1) * TRIED)
    return next(filter(None, (mix(seen, recipe.mix, recipe.seed, step) for step in steps)), None)


def _captions(names: Sequence[str], mixed: Mixed) -> list[str]:
    """Each label with its weight: "7 .8 + 3 .2"; one alone where the image is whole."""
    pairs = zip(names, mixed.partners.tolist(), mixed.share.tolist(), strict=True)
    return [
        name if share > 0.995 else f"{name} {_weight(share)} + {names[other]} {_weight(1 - share)}"
        for name, other, share in pairs
    ]


def _weight(share: float) -> str:
    return f"{share:.2f}".removeprefix("0")


def lay_out(figure: Figure, shown: Sequence[Shown]) -> None:
    """Draw batches below each other into an empty figure: pairs, as prepared on the left, as seen on the right."""
    side = shown[0].before.shape[-1]
    width = COLUMNS * (2 + 3 * GAP) * side
    heights = [_mosaic(batch).shape[0] / width * WIDTH_IN + 0.35 for batch in shown]
    figure.set_size_inches(WIDTH_IN, sum(heights))
    top = 1.0
    for batch, height in zip(shown, heights, strict=True):
        share, head = height / sum(heights), 0.35 / sum(heights)
        axes = figure.add_axes((0, top - share, 1, share - head))
        axes.imshow(_mosaic(batch), interpolation="nearest", aspect="auto")
        axes.axis("off")
        figure.text(0.01, top - head / 2, batch.title, va="center", fontsize=10, color=INK)
        for place, text in enumerate(batch.captions):
            left, upper = _corner(place, side)
            size = min(9.0, 9.0 * 16 / max(1, len(text)))
            middle = (left + side * (1 + GAP / 2), upper + side * (1 + CAPTION / 2))
            axes.text(*middle, text, ha="center", va="center", fontsize=size, color=GREY, parse_math=False)
        top -= share


def _corner(place: int, side: int) -> tuple[int, int]:
    """The left upper corner of a pair, px of the mosaic."""
    row, column = divmod(place, COLUMNS)
    return round((column * (2 + 3 * GAP) + GAP) * side), round((row * (1 + CAPTION) + GAP / 2) * side)


def _mosaic(batch: Shown) -> Pixels:
    """All pairs of a batch on paper, with room for captions: uint8 (H,W,3)."""
    side = batch.before.shape[-1]
    rows = -(-len(batch.captions) // COLUMNS)
    height, width = _corner(rows * COLUMNS, side)[1], round(COLUMNS * (2 + 3 * GAP) * side)
    mosaic = np.full((height, width, 3), PAPER, np.uint8)
    for place, pair in enumerate(zip(batch.before, batch.after, strict=True)):
        left, upper = _corner(place, side)
        for image, start in zip(pair, (left, left + round((1 + GAP) * side)), strict=True):
            pixels = image.permute(1, 2, 0).expand(-1, -1, 3).cpu().numpy()
            mosaic[upper : upper + side, start : start + side] = pixels
    return mosaic


def write(shown: Sequence[Shown], path: Path) -> None:
    """Write batches as a PNG, whole or not at all."""
    figure = Figure()
    FigureCanvasAgg(figure)
    lay_out(figure, shown)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)


def check_display() -> None:
    """Stop where no window can be opened.

    Raises: ConfigError when there is no display, or nothing that can open a window on it.
    """
    import matplotlib.pyplot as plt

    chosen = plt.get_backend()  # "agg" where there is no display
    try:
        plt.switch_backend(chosen)
    except ImportError as error:
        raise _no_window(str(error)) from error
    if chosen.lower() in HEADLESS:
        raise _no_window(f"matplotlib draws with {chosen}, which has no windows")


def _no_window(reason: str) -> ConfigError:
    return ConfigError(
        f"--window: no window can be opened here: {reason}. It needs a display and a toolkit such as tkinter."
        " Leave out --window and look at the PNG."
    )


def show(shown: Sequence[Shown]) -> None:
    """Show batches in a window, until it is closed.

    Raises: ConfigError when no window can be opened.
    """
    import matplotlib.pyplot as plt

    check_display()
    lay_out(plt.figure(), shown)
    plt.show()
