"""Whether the file answers what torch answers: checked before a file exists for anybody else."""

from collections.abc import Callable, Sequence
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

Probabilities = NDArray[np.float32]  # (N,K)
Read = Callable[[Pixels], Probabilities]  # pictures uint8 (N,H,W,3)
Progress = Callable[[int, int, str], None]  # how many pictures are done, of how many, what is being done

TOLERANCE = 1e-4  # largest difference of any probability
PICTURES, AT_ONCE = 1000, 50
STRETCHES = (1.0, 0.6, 1.7, 5.0)  # of the pictures' own size: the door is checked at several sizes


@dataclass(frozen=True)
class Parity:
    """How far torch and the file are apart, over `pictures` real digits of several sizes."""

    pictures: int
    sizes: int
    difference: float
    agreement: float


def check(graph: Graph, content: bytes, digits: DigitSet, progress: Progress | None = None) -> Parity:
    """Compare torch with the exported bytes.

    Raises: BundleError when a probability differs by more than 1e-4 or is no number.
    """
    session = Session(content, "the exported file", device="cpu")

    def ours(pixels: Pixels) -> Probabilities:
        with torch.inference_mode():
            return graph(torch.from_numpy(pixels)).probabilities.numpy()  # type: ignore[no-any-return]

    def theirs(pixels: Pixels) -> Probabilities:
        answer: Probabilities = session.run(["probabilities"], pixels)[0]
        return answer

    return compare("The exported file", (theirs, "torch", ours), digits, progress)


def compare(what: str, readers: tuple[Read, str, Read], digits: DigitSet, progress: Progress | None = None) -> Parity:
    """Compare two readers, the second of them with its name, on real digits of several sizes.

    Raises: BundleError when a probability differs by more than 1e-4 or is no number.
    """
    theirs, name, ours = readers
    worst, agree, count, sizes = 0.0, 0, 0, set()
    total = min(PICTURES, len(digits))
    for pixels in sized_batches(digits, PICTURES, AT_ONCE):
        if progress:
            progress(count, total, f"comparing with {name}")
        one, other = ours(pixels), theirs(pixels)
        difference = float(np.abs(one - other).max())
        worst = max(worst, difference if np.isfinite(difference) else float("inf"))
        agree += int((one.argmax(1) == other.argmax(1)).sum())
        count += len(pixels)
        sizes.add(pixels.shape[1:3])
    if worst > TOLERANCE:
        raise BundleError(
            f"{what} differs from {name}: {worst:.2g} at worst over {count} digits, at most {TOLERANCE:g} is "
            "allowed. No bundle was written; please report this with the recipe."
        )
    return Parity(count, len(sizes), worst, agree / max(1, count))


def sized_batches(digits: DigitSet, most: int, at_once: int) -> Sequence[Pixels]:
    """Up to `most` evenly chosen pictures, stretched to several sizes, in batches of one size: uint8 (B,H,W,3)."""
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
    return [
        np.stack(group[start : start + at_once]) for group in groups.values() for start in range(0, len(group), at_once)
    ]


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    """Nearest pixels are enough: both sides get the same."""
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    return np.ascontiguousarray(picture[rows][:, columns])
