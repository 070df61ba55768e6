"""A face: the ten digits in one design, from a font file or drawn by digitkit, as coverage at any height.

Coverage is uint8, 0 = nothing, 255 = ink; H, W in px.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice

DIGITS = "0123456789"
WIDEST = 6  # times the height
LEVELS = (
    48,
    96,
    192,
    384,
    768,
)  # px, the heights that digits are drawn at; sizes between are made from the next larger


@dataclass(frozen=True)
class Face:
    """One design of digits.

    `family` names designs that look alike: parts of a set never share one. `design` is "font" or the kind of drawn
    face. `sha256` is that of the file, or of what it was drawn from. `draw(character, height)` gives coverage that is
    `height` px high for every digit alike, and cut at the sides.
    """

    name: str
    family: str
    design: str
    sha256: str
    draw: Callable[[str, int], Pixels]
    content: bytes = field(default=b"", repr=False)  # of the font file, for letters beside the number
    _drawn: dict[tuple[str, int], Pixels] = field(default_factory=dict, repr=False, compare=False)

    def shape(self, character: str, height: int, dice: Dice) -> Pixels:
        """A digit about `height` px high, drawn once at a height from the table; one face has one form of each."""
        level = next((level for level in LEVELS if level >= height), LEVELS[-1])
        key = character, level
        if key not in self._drawn:
            self._drawn[key] = self.draw(character, level)
        drawn = self._drawn[key]
        size = max(1, round(drawn.shape[1] * height / level)), height
        return np.asarray(Image.fromarray(drawn).resize(size, Image.Resampling.BILINEAR))

    @cached_property
    def is_lining(self) -> bool:
        """Whether all digits are equally high; in old-style faces a 0 is as low as an o."""
        tops = [int(np.flatnonzero(self.draw(digit, LEVELS[0]).max(axis=1) > 127)[0]) for digit in "0148"]
        return max(tops) - min(tops) <= LEVELS[0] // 8

    @cached_property
    def stroke(self) -> float:
        """How thick the strokes are, as a share of the height: the middle one of the runs of ink in all rows."""
        runs: list[int] = []
        for character in "0468":
            inked = np.pad(self.draw(character, LEVELS[0]) > 127, ((0, 0), (1, 1))).astype(np.int8)
            steps = np.diff(inked, axis=1)
            runs += (np.nonzero(steps == -1)[1] - np.nonzero(steps == 1)[1]).tolist()
        return float(np.median(runs)) / LEVELS[0] if runs else 0.0


def font_drawer(content: bytes) -> Callable[[str, int], Pixels]:
    """The digits of a font file.

    Raises: OSError when it is none that FreeType can read.
    """
    _open(content, LEVELS[0])
    return lambda character, height: _draw(content, character, height)


def write_line(content: bytes, text: str, height: int) -> Pixels:
    """A line of text, `height` px from its highest to its lowest point."""
    font = _open(content, height)
    left, top, right, bottom = font.getbbox(text)
    line = Image.new("L", (max(1, int(right - left)), max(1, int(bottom - top))))
    ImageDraw.Draw(line).text((-left, -top), text, 255, font)
    return np.asarray(line)


def _open(content: bytes, size: int) -> ImageFont.FreeTypeFont:
    """The font at a size; simple layout, since a shaping library may differ from machine to machine."""
    return ImageFont.truetype(io.BytesIO(content), size, layout_engine=ImageFont.Layout.BASIC)


def _draw(content: bytes, character: str, height: int) -> Pixels:
    """One digit, in the rows that all ten digits need."""
    font = _open(content, height)
    tops, bottoms = zip(*(font.getbbox(digit, anchor="ls")[1::2] for digit in DIGITS), strict=True)
    size = max(1, round(height * height / max(1.0, max(bottoms) - min(tops))))
    font = _open(content, min(size, 8 * height))
    boxes = [font.getbbox(digit, anchor="ls") for digit in DIGITS]
    top, bottom = int(min(box[1] for box in boxes)), int(max(box[3] for box in boxes))
    left, _, right, _ = font.getbbox(character, anchor="ls")
    if max(right - left, bottom - top) > WIDEST * height:
        raise OSError("a font whose digits are far too wide or too high")  # it would take gigabytes to draw
    cell = Image.new("L", (max(1, int(right - left) + 2), max(1, bottom - top)))
    ImageDraw.Draw(cell).text((1 - left, -top), character, 255, font, anchor="ls")
    drawn = cut_sides(np.asarray(cell))
    if drawn.shape[0] == height:
        return drawn
    size_px = max(1, round(drawn.shape[1] * height / drawn.shape[0])), height
    return np.asarray(Image.fromarray(drawn).resize(size_px, Image.Resampling.BICUBIC))


def cut_sides(drawn: Pixels) -> Pixels:
    """The columns from the first to the last with ink; all of them when there is none."""
    columns = np.flatnonzero(drawn.max(axis=0) > 31)
    return drawn[:, columns[0] : columns[-1] + 1] if len(columns) else drawn
