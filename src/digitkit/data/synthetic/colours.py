"""Colours by name, how far apart two of them are, and pairs of ink and ground that can be read."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from digitkit.core.errors import ConfigError
from digitkit.core.registry import nearest
from digitkit.data.synthetic.dice import Dice

Rgb = tuple[float, float, float]

PALETTE: dict[str, Rgb] = {
    "white": (243, 243, 239), "silver": (188, 191, 196), "grey": (126, 128, 132), "black": (24, 24, 28),
    "red": (198, 28, 38), "maroon": (112, 20, 40), "orange": (236, 108, 28), "gold": (210, 160, 52),
    "yellow": (247, 214, 48), "lime": (150, 205, 50), "green": (22, 128, 66), "forest": (16, 68, 46),
    "teal": (14, 120, 128), "sky": (112, 180, 230), "blue": (28, 78, 182), "navy": (20, 32, 78),
    "purple": (84, 40, 132), "pink": (236, 130, 172), "brown": (104, 66, 42),
}  # fmt: skip
HEX = re.compile(r"#[0-9a-fA-F]{6}")
FARTHEST = 765.0  # black to white


@dataclass(frozen=True)
class Pair:
    """The colour of a number and of what it stands on, each a name of the palette or `#rrggbb`."""

    ink: str
    ground: str

    @property
    def contrast(self) -> float:
        """How far the two are apart, 0 to 1."""
        return contrast(rgb(self.ink), rgb(self.ground))


def rgb(colour: str) -> Rgb:
    """A colour as red, green and blue, 0 to 255.

    Raises: ConfigError when it is neither a name nor `#rrggbb`.
    """
    if colour in PALETTE:
        return PALETTE[colour]
    if HEX.fullmatch(colour):
        return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
    raise ConfigError(f"expected a colour such as 'navy' or '#1c4eb6', got {colour!r}. {nearest(colour, PALETTE)}")


def contrast(one: Rgb, other: Rgb) -> float:
    """How different people find two colours, 0 to 1.

    Source: the "redmean" distance of CompuPhase, a low-cost stand-in for CIELUV.
    """
    red = (one[0] + other[0]) / 512
    squares = [(a - b) ** 2 for a, b in zip(one, other, strict=True)]
    far = (2 + red) * squares[0] + 4 * squares[1] + (3 - red) * squares[2]
    return min(1.0, math.sqrt(far) / FARTHEST)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """One colour with a share of another, 0 to 1."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def vary(colour: Rgb, dice: Dice, reach: float = 16) -> Rgb:
    """The colour as another dye or lamp would show it."""
    light = dice.lean(reach)
    red, green, blue = (min(255.0, max(0.0, value + light + dice.lean(reach / 2))) for value in colour)
    return (red, green, blue)


def choose_pair(dice: Dice, inks: Sequence[str], grounds: Sequence[str], least: float) -> Pair:
    """Two colours of a style that can be told apart; black on white or the reverse when none of twenty can."""
    for _ in range(20):
        pair = Pair(dice.pick(inks), dice.pick(grounds))
        if pair.contrast >= least:
            return pair
    return Pair("black", "white") if dice.chance(0.5) else Pair("white", "black")
