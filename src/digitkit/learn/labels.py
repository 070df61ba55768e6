"""Which labels are likely wrong: confident learning with probabilities of networks that never saw the picture.

N pictures, K classes.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet, Indices
from digitkit.core.errors import DataError
from digitkit.data.batches import Drawing, DrawPlan
from digitkit.learn.batches import Batches
from digitkit.learn.device import choose_device, choose_precision
from digitkit.learn.evaluate import probabilities
from digitkit.learn.loader import Images, prepared
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.recipe import Recipe
from digitkit.learn.train import run_steps

OVERRIDES = ("experiment=sprint", "name=labels", "budget.epochs=2", "budget.least_steps=200")  # of the judges
FOLDS = 4
FEWEST = 2 * FOLDS  # pictures of a class, so that each judge learns some and judges some

Shares = NDArray[np.float32]
Progress = Callable[[int, int, str], None]  # done, total, what stands beside the bar


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is likely wrong; `margin` is how much more probable `looks_like` is than `label`, 0..1."""

    index: int
    picture: str  # its origin
    label: str
    looks_like: str
    margin: float

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def find_label_errors(digits: DigitSet, recipe: Recipe, progress: Progress) -> list[Suspect]:
    """The pictures that networks trained on the others read, with confidence, as another class; the surest first.

    Classes with fewer than 8 pictures take no part: nobody can learn them.
    Raises: DataError when fewer than two classes have so many.
    """
    sizes = np.bincount(digits.labels, minlength=len(digits.classes))
    known = np.flatnonzero(sizes >= FEWEST)
    if len(known) < 2:
        raise DataError(
            f"To judge labels, two or more classes need {FEWEST} pictures or more each; {len(known)} have so many."
        )
    judged = np.flatnonzero(np.isin(digits.labels, known))
    labels = np.searchsorted(known, digits.labels[judged])
    images = prepared(digits, recipe.prepare, lambda done, total: progress(done, total, "preparing"))
    some = Images(images.pixels[judged], torch.from_numpy(labels))
    answers = out_of_fold(some, len(known), recipe, progress)
    suspects, likely, margins = confident_errors(answers, labels)
    return [
        Suspect(
            int(judged[place]),
            str(digits.origins[judged[place]]),
            digits.classes[known[labels[place]]],
            digits.classes[known[likely[place]]],
            round(float(margins[place]), 4),
        )
        for place in suspects
    ]


def confident_errors(answers: Shares, labels: NDArray[np.int64]) -> tuple[Indices, Indices, Shares]:
    """Confident learning: count the errors, then take as many pictures, those by the largest margin.

    A picture counts for a class when that class is as probable as it usually is for the pictures labelled so.
    Shapes: `answers` (N,K), out of fold, rows sum to 1; `labels` (N,), each class present. Returns the suspects, by
    falling margin, and for all pictures the likeliest other class (N,) and its margin over the label (N,), -1..1.
    Source: Northcutt, Jiang and Chuang 2021, Confident learning: estimating uncertainty in dataset labels. Taking all
    confident pictures, their other rule, finds 84 % of changed labels where this one finds 96 %.
    """
    everyone = np.arange(len(labels))
    own = answers[everyone, labels]
    others = answers.copy()
    others[everyone, labels] = -1
    likely: Indices = others.argmax(axis=1)
    margins: Shares = others.max(axis=1) - own
    suspects = np.argsort(-margins, kind="stable")[: _errors(answers, labels)]
    return suspects[margins[suspects] > 0], likely, margins


def _errors(answers: Shares, labels: NDArray[np.int64]) -> int:
    """How many labels are wrong, by the confident joint: counts of label and confident class, scaled up."""
    classes = answers.shape[1]
    counts = np.bincount(labels, minlength=classes)
    usual = np.bincount(labels, answers[np.arange(len(labels)), labels], classes) / counts  # (K,), mean within a class
    confident = np.where(answers >= usual, answers, 0)  # (N,K)
    clear = confident.any(axis=1)
    pairs = labels[clear] * classes + confident[clear].argmax(axis=1)
    joint = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    shares = 1 - np.diag(joint) / np.maximum(joint.sum(axis=1), 1)  # (K,), of the labels of a class that are wrong
    return round(float((shares * counts)[joint.sum(axis=1) > 0].sum()))


def out_of_fold(images: Images, classes: int, recipe: Recipe, progress: Progress) -> Shares:
    """What networks say of pictures that they did not learn from: float32 (N,K), rows sum to 1.

    Shapes: labels of `images` 0..K-1, each class in every fold.
    """
    labels = images.labels.numpy()
    fold_of = folds(labels, recipe.seed)
    answers: Shares = np.zeros((len(labels), classes), np.float32)
    mean, std = images.statistics()
    device = choose_device(recipe.run)
    if recipe.run.threads:
        torch.set_num_threads(recipe.run.threads)
    for fold in range(FOLDS):
        apart, rest = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        learnt = Images(images.pixels[rest], images.labels[rest]).to(device)
        torch.manual_seed(recipe.seed + fold)
        network = build_network(recipe, classes, mean, std)
        plan = DrawPlan(len(rest), batch=recipe.budget.batch, seed=recipe.seed + fold)
        steps = plan.steps(recipe.budget.epochs, recipe.budget.least_steps)
        batches = Batches(learnt, Drawing(labels[rest], tuple(map(str, range(classes))), plan, steps))
        module = DigitModule(recipe, network, choose_precision(recipe.run, device), batches)
        run_steps(module, batches, [_Bar(fold * steps, FOLDS * steps, progress)])
        held_out = Images(images.pixels[apart], images.labels[apart]).to(device)
        answers[apart] = probabilities(module.to(device).ready(), held_out).numpy()
    return answers


def folds(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The fold of each picture, 0 to 3: every class is spread evenly over them, by lot.

    Shapes: `labels` (N,); returns int64 (N,).
    """
    order = np.lexsort((np.random.PCG64(seed).random_raw(len(labels)), labels))
    fold_of = np.empty(len(labels), np.int64)
    fold_of[order] = np.arange(len(labels)) % FOLDS
    return fold_of


class _Bar(lightning.Callback):
    """Shows the steps of one of several trainings."""

    def __init__(self, before: int, total: int, progress: Progress) -> None:
        self.before, self.total, self.progress = before, total, progress

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One step more."""
        self.progress(self.before + batch_idx + 1, self.total, "learning to judge labels")
