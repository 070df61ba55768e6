"""Single handwritten digits of any source, cut out, and how they lean and how thick they are.

H, W in px. Coverage is uint8, 0 = nothing, 255 = ink.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from PIL import Image

from digitkit.core.digitset import DigitSet, Indices
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.data.fingerprint import marks_of
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.faces import DIGITS

LEAST_INK = 0.25  # of the range between paper and ink: what counts as ink when a digit is cut out


class Hand:
    """The single digits that numbers are made of.

    Raises: ConfigError when a digit is missing.
    """

    def __init__(self, sets: Sequence[DigitSet]) -> None:
        self.sets = sets
        self._places: dict[str, list[tuple[DigitSet, Indices]]] = {digit: [] for digit in DIGITS}
        for digits in sets:
            for label, name in enumerate(digits.classes):
                members = np.flatnonzero(digits.labels == label)
                if name in self._places and len(members):
                    self._places[name].append((digits, members))
        lacking = [digit for digit, places in self._places.items() if not places]
        if lacking:
            raise ConfigError(f"sources has no picture of {', '.join(lacking)}; handwriting needs all ten digits.")

    @cached_property
    def content(self) -> str:
        """A hash of all the pictures and their labels."""
        whole = hashlib.sha256()
        for digits in self.sets:
            whole.update(marks_of(digits.pictures).tobytes() + digits.labels.astype("<i8").tobytes())
            whole.update(repr(digits.classes).encode())
        return whole.hexdigest()

    def digit(self, character: str, dice: Dice) -> Pixels:
        """One picture of a digit as it is in its source, grey uint8 (H, W)."""
        digits, members = dice.pick(self._places[character])
        picture = digits.pictures[int(members[dice.whole(0, len(members) - 1)])]
        return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def cut_out(picture: Pixels) -> Pixels:
    """The ink of a small picture as coverage, cut on all sides; whether ink is dark or bright is seen at the border."""
    border = np.sort(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]))
    values = picture.astype(np.float32)
    if border[len(border) // 2] > (float(values.min()) + float(values.max())) / 2:
        values = 255 - values
    low, high = float(values.min()), float(values.max())
    levels = (values - low) * np.float32(255 / max(1.0, high - low))
    inked = levels > 255 * LEAST_INK
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return levels.astype(np.uint8)
    inside = levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    return np.pad(inside, 2)  # so that the outermost strokes end round


def lean_of(inked: Pixels) -> float:
    """How far a digit leans, as the shear that would have made it lean: from its second moments."""
    weights = inked.astype(np.float32)
    total = float(weights.sum()) or 1.0
    down = np.arange(inked.shape[0], dtype=np.float32)[:, None]
    across = np.arange(inked.shape[1], dtype=np.float32)[None]
    y, x = down - float((weights * down).sum()) / total, across - float((weights * across).sum()) / total
    return -float((weights * x * y).sum()) / max(1e-6, float((weights * y * y).sum()))


def stroke_of(drawn: Pixels) -> float:
    """The thickness of a stroke in px: twice its area by the length of its outline."""
    levels = drawn.astype(np.float32)
    across, down = np.abs(np.diff(levels, axis=1)).sum(), np.abs(np.diff(levels, axis=0)).sum()
    outline = float(across + down) * 0.785  # steps along the axes are 4/pi times as long as a slanting line, on average
    return 2 * float(levels.sum()) / max(outline, 1.0)
