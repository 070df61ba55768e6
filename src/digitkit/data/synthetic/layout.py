"""Lay the digits of a number side by side on the flat plane, whole.

All lengths in flat px unless a name says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.warp import Box

LEAST_HEIGHT = 6
LEGIBLE = 14  # px of the picture: a number that would be lower takes all the room there is


class Shapes(Protocol):
    """Where the digits of a number come from: a face, or the hand of a writer."""

    def shape(self, character: str, height: int, dice: Dice) -> Pixels:
        """A digit as coverage, uint8 (about `height`, width), cut at its sides."""


@dataclass(frozen=True)
class Setting:
    """How digits stand together; lengths are shares of the digits' height."""

    fill: float = 0.9  # share of the room that the number takes
    stretch: float = 1.0  # width of each digit, 1 = as it was drawn
    narrowest: float = 0.62  # a long number may be squeezed to this
    gap: float = 0.12  # between digits; below 0 they overlap
    weight: float = 0.0  # what is added around each stroke
    border: float = 0.0  # room for outlines around the number
    bounce: float = 0.0  # how far digits leave the line, up or down
    uneven: float = 0.0  # how much their heights differ
    off_centre: float = 1.0  # 0 = in the middle, 1 = anywhere it fits


def fill_for(share: float, room: Box, fine: int) -> float:
    """The share of the room that a number takes: the chosen one, or more where it would be too small to read."""
    return max(share, min(1.0, LEGIBLE * fine / max(room.height, 1.0)))


def lay_out(label: str, shapes: Shapes, room: Box, canvas: Pixels, setting: Setting, dice: Dice) -> Box:
    """Draw a number into an empty canvas, inside the room; returns where it stands, borders included.

    Shapes: `canvas` uint8 (flat), 0 = nothing; receives coverage up to 255.
    """
    room = Box(room.left + 1, room.top + 1, room.right - 1, room.bottom - 1)  # places and strokes are rounded
    sizes = [1 + dice.lean(setting.uneven) for _ in label]
    gaps = [setting.gap * (1 + dice.lean(0.3)) for _ in label[1:]]
    trial = max(LEAST_HEIGHT, round(room.height * setting.fill))
    drawn = [shapes.shape(character, round(trial * size), dice) for character, size in zip(label, sizes, strict=True)]
    wides = [digit.shape[1] / trial * setting.stretch for digit in drawn]
    spread = 2 * (setting.weight + setting.border)
    tall = max(sizes) + 2 * setting.bounce + spread
    squeeze = 1.0
    wide = sum(wides) + sum(gaps) + spread
    if wide / tall > room.width / room.height:
        squeeze = max(setting.narrowest, (room.width / room.height * tall - sum(gaps) - spread) / sum(wides))
        wide = sum(wides) * squeeze + sum(gaps) + spread
    height = min(room.width / wide, room.height / tall) * setting.fill
    pixels = [_resize(digit, wide_share * squeeze * height, size * height)
              for digit, wide_share, size in zip(drawn, wides, sizes, strict=True)]  # fmt: skip
    left, top = _place(room, wide * height, tall * height, setting.off_centre, dice)
    _paste(pixels, [gap * height for gap in gaps], (left, top), setting, height, canvas, dice)
    return Box(left, top, left + wide * height, top + tall * height)


def thicken(mask: Pixels, radius: float) -> Pixels:
    """The mask with so many flat px more on every side, its corners cut as an octagon's; below 0 it gets thinner."""
    if radius < 0:
        return 255 - thicken(255 - mask, -radius)
    whole = int(radius)
    grown = mask
    for step in range(whole):
        grown = _grow(grown, diagonal=step % 2 == 1)
    part = int(256 * (radius - whole))
    if part:
        more = _grow(grown, diagonal=False)
        grown = (grown + (((more - grown).astype(np.uint16) * part) >> 8)).astype(np.uint8)
    return grown


def _grow(mask: Pixels, diagonal: bool) -> Pixels:
    """The largest of each pixel and its four (or eight) neighbours."""
    grown = mask.copy()
    np.maximum(grown[1:], mask[:-1], out=grown[1:])
    np.maximum(grown[:-1], mask[1:], out=grown[:-1])
    sides = grown.copy() if diagonal else mask
    np.maximum(grown[:, 1:], sides[:, :-1], out=grown[:, 1:])
    np.maximum(grown[:, :-1], sides[:, 1:], out=grown[:, :-1])
    return grown


def _resize(digit: Pixels, width: float, height: float) -> Pixels:
    """A digit in another size."""
    size = max(1, int(width)), max(1, int(height))
    if size == (digit.shape[1], digit.shape[0]):
        return digit
    return np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.BILINEAR))


def _place(room: Box, width: float, height: float, freedom: float, dice: Dice) -> tuple[float, float]:
    """The upper left corner of the number."""
    spare_x, spare_y = max(0.0, room.width - width), max(0.0, room.height - height)
    return (
        room.left + spare_x * (0.5 + dice.lean(0.5) * freedom),
        room.top + spare_y * (0.5 + dice.lean(0.5) * freedom),
    )


def _paste(
    digits: Sequence[Pixels],
    gaps: Sequence[float],
    corner: tuple[float, float],
    setting: Setting,
    height: float,
    canvas: Pixels,
    dice: Dice,
) -> None:
    """Put the digits on their line, one after the other, and give them their weight."""
    edge = (setting.weight + setting.border) * height
    x = corner[0] + edge
    tallest = max(digit.shape[0] for digit in digits)
    for digit, gap in zip(digits, (*gaps, 0.0), strict=True):
        drop = setting.bounce * height * (1 + dice.lean(1.0)) + (tallest - digit.shape[0])
        top, left = int(corner[1] + edge + drop), int(x)
        place = canvas[top : top + digit.shape[0], left : left + digit.shape[1]]
        np.maximum(place, digit, out=place)
        x += digit.shape[1] + gap
    if setting.weight:
        canvas[:] = thicken(canvas, setting.weight * height)
