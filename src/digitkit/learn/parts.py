"""From a recipe and splits to prepared parts and the plan of their batches; quick to import, unlike a training."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, DataError
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.core.registry import nearest
from digitkit.data.batches import Drawing, DrawPlan, Weights, balanced
from digitkit.data.catalogue import SOURCES, find_source
from digitkit.data.fetch import read_part
from digitkit.data.source import TRAIN
from digitkit.data.splits import SplitPlan, Splits
from digitkit.learn.augment.before import Before
from digitkit.learn.loader import Images, Report, content_key, no_images, prepared, prepared_key
from digitkit.learn.recipe import DataConfig, Recipe, SampleMode, SamplingConfig

WORDS = {"primary": "train", "extra": "extra", "val": "val", "test": "test"}  # what people call the parts
Progress = Callable[[int, int, str], None]  # done, total, what stands beside the bar


@dataclass(frozen=True)
class Parts:
    """The prepared images of a training, test apart; the first `primary` of `train` are primary, the others extra.

    `negatives` are no digits: their labels are -1.
    """

    train: Images
    primary: int
    val: Images
    test: Images
    prepare_seconds: float
    keys: tuple[str, ...]  # of the images in the cache
    fingerprint: str = ""  # of the splits: names all pictures, labels and classes
    negatives: Images = field(default_factory=no_images)
    before: Before | None = None  # makes variants of the training pictures, as many as a recipe wants
    weights: Weights | None = None  # float64 (P,), how often each primary picture is drawn for its source's sake
    others: tuple[str, ...] = ()  # names the pictures of each source of negatives

    @property
    def learnt(self) -> Images:
        """All that is learnt from, the negatives last."""
        return self.train.followed_by(self.negatives)

    @property
    def contents(self) -> str:
        """Names all that the training sees, the negatives too."""
        return "+".join([self.fingerprint, *self.others])


def check_same(run: Path, fingerprint: str, splits: Splits) -> None:
    """Refuse pictures that are no longer those of a run, which has the `fingerprint` of its own.

    Raises: DataError.
    """
    if splits.fingerprint != fingerprint:
        raise DataError(
            f"The pictures are not those that {run} learnt from: fingerprint {splits.fingerprint[:12]},"
            f" expected {fingerprint[:12]}. Bring the old pictures back, or train again."
        )


def split_plan(data: DataConfig) -> SplitPlan:
    """What `data.splits.build` needs to know of a recipe."""
    return SplitPlan(
        sources=tuple(data.sources), val_size=data.val_size, seed=data.seed, limit=data.limit, fallback=data.fallback,
        offline=data.offline, duplicates=data.duplicates.value, sizes=tuple(data.sizes), extra=tuple(data.extra),
        extra_sizes=tuple(data.extra_sizes),
    )  # fmt: skip


def prepare_parts(recipe: Recipe, splits: Splits, progress: Progress) -> Parts:
    """All parts through the one door, from the cache where they have been through it before."""
    begun = time.perf_counter()
    parts = {"primary": splits.primary, "extra": splits.extra, "val": splits.val, "test": splits.test}
    made = {
        name: prepared(digits, recipe.prepare, _beside(progress, f"preparing {WORDS[name]}"), splits.contents[name])
        for name, digits in parts.items()
    }
    train = made["primary"].followed_by(made["extra"])
    others = read_negatives(recipe.data)
    marks = tuple(content_key(digits) for digits in others)
    said = _beside(progress, "preparing negatives")
    images = [prepared(digits, recipe.prepare, said, mark) for digits, mark in zip(others, marks, strict=True)]
    contents = [*(splits.contents[name] for name, images in made.items() if len(images)), *marks]
    keys = tuple(prepared_key(content, recipe.prepare) for content in contents)
    return Parts(
        train, len(made["primary"]), made["val"], made["test"], time.perf_counter() - begun, keys,
        splits.fingerprint, as_negatives(images),
        before_of(recipe, splits, others, _beside(progress, "varying train")),
        source_weights(recipe.data, splits), marks,
    )  # fmt: skip


def read_negatives(data: DataConfig) -> list[DigitSet]:
    """What is no digit in the training parts of the negative sources.

    Raises: ConfigError when one of them has nothing but digits.
    """
    found = []
    for spec in data.negatives:
        digits = read_part(find_source(spec), TRAIN, offline=data.offline)
        others = np.flatnonzero(np.array(digits.classes)[digits.labels] == NOT_A_DIGIT)
        if not len(others):
            raise ConfigError(f"data.negatives: {spec} has no picture of the class {NOT_A_DIGIT!r} to learn from.")
        found.append(digits.take(others))
    return found


def as_negatives(images: Sequence[Images]) -> Images:
    """Several sets of images in one, as no digits."""
    joined = reduce(Images.followed_by, images, no_images())
    return replace(joined, labels=torch.full_like(joined.labels, -1))


def source_weights(data: DataConfig, splits: Splits) -> Weights | None:
    """How often training pictures are drawn for their source's sake; None when all are drawn alike.

    A source that is known and not learnt from may have its weight all the same, so that an experiment takes others.
    Raises: ConfigError when nobody knows a source of that name.
    """
    if not data.weights:
        return None
    known = {*splits.origin_heads, *data.sources, *SOURCES}
    weights: dict[str, float] = {}
    for spec, weight in data.weights.items():
        if spec not in known:
            raise ConfigError(f"data.weights: there is no source {spec!r}. {nearest(spec, sorted(known))}")
        name = find_source(spec).name
        if name in splits.origin_heads:
            weights[splits.origin_heads[name]] = weight
    heads, which = np.unique(splits.primary.origin_heads, return_inverse=True)
    return np.array([weights.get(str(head), 1.0) for head in heads], np.float64)[which]


def before_of(recipe: Recipe, splits: Splits, others: Sequence[DigitSet], report: Report) -> Before:
    """Makes variants of the training pictures; beside a single digit there may be others, beside a number not."""
    alone = all(len(name) == 1 for name in splits.primary.classes if name != NOT_A_DIGIT)
    digits = (splits.primary, splits.extra, *others)
    return Before(digits, recipe.prepare, recipe.augment.before, recipe.seed, alone, report)


def _beside(progress: Progress, text: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(done, total, text)


def draw(recipe: Recipe, parts: Parts, classes: Sequence[str]) -> Drawing:
    """The batches of a training, as the recipe mixes and weighs them.

    Raises: ConfigError when the recipe does not fit the pictures.
    """
    labels, sampling = parts.train.labels.numpy(), recipe.data.sampling
    plan = DrawPlan(
        primary=parts.primary,
        extra=len(labels) - parts.primary,
        batch=recipe.budget.batch,
        seed=recipe.seed,
        extra_share=recipe.data.extra_share,
        hard_share=recipe.budget.hard_share,
        weights=_product(parts.weights, _weights(labels[: parts.primary], sampling, classes)),
        count=sampling.count,
        replacement=sampling.replacement,
    )
    budget = recipe.budget
    return Drawing(labels, tuple(classes), plan, budget.steps or plan.steps(budget.epochs, budget.least_steps))


def _product(first: Weights | None, second: Weights | None) -> Weights | None:
    return first * second if first is not None and second is not None else (second if first is None else first)


def _weights(labels: NDArray[np.int64], sampling: SamplingConfig, classes: Sequence[str]) -> Weights | None:
    """How often each primary picture is drawn; None when all are drawn alike."""
    if sampling.mode is SampleMode.disabled:
        return None
    if sampling.mode is SampleMode.auto:
        return balanced(labels, len(classes))
    of_class = dict.fromkeys(classes, 1.0)
    for name, weight in zip(sampling.classes, sampling.weights, strict=True):
        if name not in of_class:
            raise ConfigError(
                f"data.sampling.classes: no training picture is labelled {name!r}. {nearest(name, list(classes))}"
            )
        of_class[name] = weight
    weights: Weights = np.array([of_class[name] for name in classes], np.float64)[labels]
    return weights
