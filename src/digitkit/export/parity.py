"""Whether the file answers what torch answers: checked before a file exists for anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import BundleError
from digitkit.core.picture import Pixels
from digitkit.export.graph import Graph
from digitkit.learn.loader import as_colour
from digitkit.runtime.session import Session

TOLERANCE = 1e-4  # largest difference of any probability
PICTURES = 1000
STRETCHES = (1.0, 0.6, 1.7, 5.0)  # of the pictures' own size: the door is checked at several sizes


@dataclass(frozen=True)
class Parity:
    """How far torch and the file are apart, over `pictures` real digits of several sizes."""

    pictures: int
    sizes: int
    difference: float
    agreement: float


def check(graph: Graph, content: bytes, digits: DigitSet) -> Parity:
    """Compare torch with the exported bytes.

    Raises: BundleError when a probability differs by more than 1e-4 or is no number.
    """
    session = Session(content, "the exported file", device="cpu")
    worst, agree, count, sizes = 0.0, 0, 0, set()
    for pixels in sized_batches(digits, PICTURES):
        with torch.inference_mode():
            ours = graph(torch.from_numpy(pixels)).probabilities.numpy()
        theirs: NDArray[np.float32] = session.run(["probabilities"], pixels)[0]
        difference = float(np.abs(ours - theirs).max())
        worst = max(worst, difference if np.isfinite(difference) else float("inf"))
        agree += int((ours.argmax(1) == theirs.argmax(1)).sum())
        count += len(pixels)
        sizes.add(pixels.shape[1:3])
    if worst > TOLERANCE:
        raise BundleError(
            f"The exported file differs from torch: {worst:.2g} at worst over {count} digits, at most {TOLERANCE:g} is "
            "allowed. No bundle was written; please report this with the recipe."
        )
    return Parity(count, len(sizes), worst, agree / max(1, count))


def sized_batches(digits: DigitSet, most: int) -> Sequence[Pixels]:
    """Up to `most` evenly chosen pictures in batches of one size each, uint8 (B,H,W,3), stretched to several sizes."""
    if not len(digits):
        raise BundleError(
            "No pictures to check the exported file with. Export with a source that has a test or validation part."
        )
    chosen = np.linspace(0, len(digits) - 1, min(most, len(digits))).astype(np.int64)
    groups: dict[tuple[int, int], list[Pixels]] = {}
    for order, index in enumerate(chosen):
        picture = as_colour(digits.pictures[int(index)][None])[0]
        stretch = STRETCHES[order % len(STRETCHES)]
        sides = tuple(min(512, max(1, round(side * stretch))) for side in picture.shape[:2])
        groups.setdefault((sides[0], sides[1]), []).append(_resized(picture, sides[0], sides[1]))
    return [np.stack(group) for group in groups.values()]


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    """Nearest pixels are enough: both sides get the same."""
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    return np.ascontiguousarray(picture[rows][:, columns])
