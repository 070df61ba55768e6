"""Handwritten numbers, put together from single digits: one pen, one slant, one line, ruled paper or a board.

H, W in px. Coverage is uint8, 0 = nothing, 255 = ink.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.colours import Pair, Rgb, rgb, vary
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.faces import cut_sides
from digitkit.data.synthetic.hand import Hand, cut_out, lean_of, stroke_of
from digitkit.data.synthetic.layout import Setting, fill_for, lay_out, thicken
from digitkit.data.synthetic.scene import Cast, Drawing, Order, clouds, filled, paint, places, stripes
from digitkit.data.synthetic.warp import Box, Pose, Warp, bend

PAPERS: tuple[Rgb, ...] = ((250, 249, 245), (246, 240, 226), (238, 238, 236), (252, 252, 252), (250, 236, 150))
RULES: tuple[Rgb, ...] = ((150, 180, 225), (170, 200, 235), (225, 160, 160), (170, 175, 180))
SMOOTH = 0.45  # px of the source: hides its pixels when a digit is made larger
MOST_LEAN = 0.8  # shear beyond which a digit is not straightened


@dataclass(frozen=True)
class Pen:
    """What a writer holds: the thickness of its line as a share of the digits' height, its ink, how it covers."""

    inks: tuple[str, ...]
    thickness: tuple[float, float]
    grain: float = 0.0  # how much of the paper shows through
    grounds: tuple[str, ...] = ("white",)


PENS: dict[Pen, float] = {
    Pen(("blue", "navy", "black", "black", "red"), (0.06, 0.09), 0.05): 5.0,  # ballpoint
    Pen(("grey", "grey", "black"), (0.06, 0.1), 0.16): 2.0,  # pencil
    Pen(("black", "blue", "red", "green", "purple"), (0.11, 0.16)): 2.5,  # felt tip
    Pen(("white", "yellow", "pink"), (0.09, 0.14), 0.3, ("black", "forest", "navy", "grey")): 1.0,  # chalk
}


@dataclass(frozen=True)
class Writer:
    """A hand with one pen and one slant for a whole number; `thickness` is a share of the height."""

    hand: Hand
    slant: float
    thickness: float

    def shape(self, character: str, height: int, dice: Dice) -> Pixels:
        """One digit as this writer would have written it; two of the same digit differ."""
        inked = cut_out(self.hand.digit(character, dice))
        wide, steep = inked.shape[1], inked.shape[0]
        width = max(1, round(wide * height / steep * (0.85 if steep < 1.2 * wide else 1)))
        lean = self.slant - min(MOST_LEAN, max(-MOST_LEAN, lean_of(inked)))
        above = math.ceil(0.12 * height)  # room for thicker strokes, and beside the digit for what leans out
        beside = above + math.ceil(abs(lean) * height / 2)
        across, down = wide / width, steep / height
        place = (across, across * lean, -across * (beside + lean * (above + height / 2)), 0, down, -down * above)
        smooth = Image.fromarray(inked).filter(ImageFilter.GaussianBlur(SMOOTH))
        size = width + 2 * beside, height + 2 * above
        large = smooth.transform(size, Image.Transform.AFFINE, place, Image.Resampling.BICUBIC)
        sharp = _sharpen(np.asarray(large), down)
        drawn = cut_sides(cut_sides(thicken(sharp, self._more(sharp, height))).T).T
        fitted = max(1, round(drawn.shape[1] * height / drawn.shape[0])), height
        return np.asarray(Image.fromarray(np.ascontiguousarray(drawn)).resize(fitted, Image.Resampling.BILINEAR))

    def _more(self, drawn: Pixels, height: int) -> float:
        """How many px to add on each side of the stroke; a stroke is thinned by half its thickness at most."""
        now = stroke_of(drawn)
        return max(-0.25 * now, min(0.06 * height, (self.thickness * height - now) / 2))


def _sharpen(drawn: Pixels, share: float) -> Pixels:
    """Edges one px wide again after a picture was made `1 / share` times as large."""
    slope = np.float32(max(1.0, 0.6 / max(share, 0.05)))
    sharp: Pixels = np.clip((drawn.astype(np.float32) - 118) * slope + 118, 0, 255).astype(np.uint8)
    return sharp


def draw_handwriting(order: Order, cast: Cast, dice: Dice) -> Drawing:
    """A number as people write it."""
    assert cast.hand is not None, "the plan has sources, so the cast has a hand"
    pen = dice.weigh(PENS)
    pair = order.pair or Pair(dice.pick(pen.inks), dice.pick(pen.grounds))
    pose = Pose(turn_deg=dice.lean(9), yaw=dice.lean(0.12), pitch=dice.lean(0.12), sag=dice.lean(0.05))
    warp = bend(order.frame, pose, dice)
    writer = Writer(cast.hand, dice.lean(0.45) - 0.08, dice.between(*pen.thickness))
    share = fill_for(dice.between(0.55, 0.95), warp.safe, order.frame.fine)
    setting = Setting(
        fill=share, stretch=dice.between(0.85, 1.15), narrowest=0.7, gap=dice.between(-0.06, 0.22),
        bounce=dice.between(0.0, 0.05), uneven=dice.between(0.02, 0.14), off_centre=dice.between(0, 1),
    )  # fmt: skip
    plane = np.zeros(order.frame.flat, np.uint8)
    box = lay_out(order.label, writer, warp.safe, plane, setting, dice)
    number = warp.look(plane)
    surface = _paper(warp, box, pair, dice)
    cover = number
    if pen.grain:
        texture = clouds(order.frame, 20, dice) + dice.grain(*number.shape)
        cover = number * np.clip(1 - np.float32(pen.grain) * np.abs(texture), 0, 1)
    pressure = 1 - np.float32(dice.between(0, 0.2)) * np.clip(clouds(order.frame, 4, dice), 0, 1)
    paint(surface, cover * pressure, vary(rgb(pair.ink), dice))
    surface *= warp.shade
    return Drawing(surface, number, "handwriting", pair)


def _paper(warp: Warp, box: Box, pair: Pair, dice: Dice) -> Plane:
    """Plain, ruled or squared paper, or a board that was wiped."""
    is_white = pair.ground == "white"
    surface = filled(warp.frame, vary(dice.pick(PAPERS) if is_white else rgb(pair.ground), dice, 8))
    surface += dice.grain(*surface.shape[1:]) * np.float32(dice.between(0.5, 2.5))
    surface += clouds(warp.frame, dice.whole(2, 6), dice) * np.float32(dice.between(0.5, 3) if is_white else 6)
    kind = dice.weigh({"plain": 4, "ruled": 3, "squared": 2, "box": 1}) if is_white else "plain"
    if kind == "plain":
        return surface
    x, y = places(warp)
    half, high, wide = warp.frame.half, *warp.frame.flat
    unit = box.height / half * dice.between(1.1, 1.6) if kind != "squared" else box.height / half / dice.whole(1, 2)
    thin = max(0.03, 1.2 / half)
    base = (box.bottom - high / 2) / half + dice.between(-0.02, 0.06)  # the line that the number stands on
    lines = stripes(y - np.float32(base - unit / 2), unit, thin / unit, 1.5 / half)
    if kind != "ruled":
        start = (box.left - wide / 2) / half - dice.between(0.04, 0.2)
        lines = np.maximum(lines, stripes(x - np.float32(start - unit / 2), unit, thin / unit, 1.5 / half))
    paint(surface, lines * np.float32(dice.between(0.4, 0.9)), vary(dice.pick(RULES), dice))
    return surface
