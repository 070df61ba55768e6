"""The figures of a finished training: validation and test, read once with the weights that count, and drawn.

K classes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from digitkit.core.prediction import Thresholds
from digitkit.learn import pictures
from digitkit.learn.acceptance import part_acceptance
from digitkit.learn.calibrate import temperature, tempered, thresholds
from digitkit.learn.evaluate import probabilities, report
from digitkit.learn.loader import Images
from digitkit.learn.parts import Parts
from digitkit.learn.recipe import PrepareConfig, Recipe


def score_parts(
    recipe: Recipe, parts: Parts, network: torch.nn.Module, classes: Sequence[str], folder: Path | None
) -> dict[str, Any]:
    """Score validation and test on the network's device, and draw the pictures of both into a folder, if there is one.

    One pass over each part serves figures, temperature and pictures; shifted views take another one over test.
    """
    device = next(network.parameters()).device
    scored: dict[str, dict[str, Any] | None] = {"val": None, "test": None}
    calibration = {"temperature": 1.0, "thresholds": asdict(Thresholds())}
    for name, images in (("val", parts.val), ("test", parts.test if recipe.run.test else parts.test.first(0))):
        if not len(images):
            continue
        answers = probabilities(network, images.to(device))
        if name == "val":
            calibration = _calibrate(answers, images, recipe.prepare, len(parts.negatives) > 0)
        made = report(name, answers, images.labels, classes)
        if name == "test" and recipe.run.views > 1:
            viewed = probabilities(network, images.to(device), recipe.run.views)
            made.accuracy_views[str(recipe.run.views)] = report(name, viewed, images.labels, classes).accuracy
        scored[name] = made.to_plain()
        if not folder:
            continue
        title = f"{name}: {made.accuracy:.2%} of {made.n:,}"
        pictures.confusion(made.confusion, classes, title, folder / f"confusion-{name}.png")
        pictures.mistakes(made, images, answers, classes, folder / f"mistakes-{name}.png")
    return {**scored, "calibration": calibration}


def _calibrate(answers: torch.Tensor, images: Images, prepare: PrepareConfig, knows_others: bool) -> dict[str, Any]:
    degree = temperature(answers, images.labels.cpu())
    answers = tempered(answers, degree)
    accepted = part_acceptance(answers, images, prepare)
    return {"temperature": degree, "thresholds": asdict(thresholds(answers, accepted, knows_others))}
