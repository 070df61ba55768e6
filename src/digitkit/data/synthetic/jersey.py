"""Numbers on the jerseys of players: outlined, on cloth that bends and folds, before grass or people.

H, W the picture in px.
"""

import string

import numpy as np

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.cloth import surround, weave
from digitkit.data.synthetic.colours import PALETTE, Rgb, choose_pair, contrast, rgb, vary
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.faces import Face, write_line
from digitkit.data.synthetic.layout import Setting, fill_for, lay_out, thicken
from digitkit.data.synthetic.lettering import lay_down, pick_face
from digitkit.data.synthetic.scene import Cast, Drawing, Order, bounds_of, clouds, paint, places, ramp, stripes
from digitkit.data.synthetic.warp import Box, Pose, Warp, bend

DESIGNS = {"block": 4.0, "varsity": 2.5, "round": 3.0, "font": 3.0}  # how often each is worn
INKS = ("white",) * 6 + ("black",) * 3 + ("navy", "red", "yellow", "gold") * 2 + tuple(PALETTE)
GROUNDS = ("white",) * 3 + ("red", "blue", "navy", "black") * 2 + tuple(PALETTE)
TRIMS = ("white", "black", "white", "black", "silver", "gold", "navy", "red", "yellow", "blue", "maroon", "orange")


def draw_jersey(order: Order, cast: Cast, dice: Dice) -> Drawing:
    """A number as players wear it."""
    pair = order.pair or choose_pair(dice, INKS, GROUNDS, order.contrast)
    ink, ground = vary(rgb(pair.ink), dice), vary(rgb(pair.ground), dice)
    warp = bend(order.frame, _pose(dice), dice)
    face = _choose(cast, dice)
    outlines = dice.weigh({0: 0.4, 1: 0.4, 2: 0.2})
    widths = [dice.between(0.025, 0.06) for _ in range(outlines)]
    setting = _setting(face, sum(widths), warp, dice)
    fill = np.zeros(order.frame.flat, np.uint8)
    box = lay_out(order.label, face, warp.safe, fill, setting, dice)
    height = (box.bottom - box.top) / (1 + 2 * (setting.weight + setting.border))
    layers = _outline(fill, [width * height for width in widths])

    surface = weave(warp, ground, ink, dice)
    if dice.chance(0.3):
        _write_name(surface, warp, box, cast, ink, dice)
    masks = [warp.look(layer) for layer in layers]
    inside = ink
    colours: list[Rgb] = [ink]
    for _ in masks[1:]:
        inside = _trim(inside, dice)
        colours.append(inside)
    number = masks[-1].copy()
    masks[0] = _wear(masks[0], warp, dice)
    for mask, colour in zip(masks[::-1], colours[::-1], strict=True):
        paint(surface, mask, colour)
    surface *= warp.shade
    surround(surface, bounds_of(number), order.frame, dice)
    return Drawing(surface, number, face.name, pair)


def _pose(dice: Dice) -> Pose:
    """How a player stands."""
    return Pose(
        turn_deg=dice.lean(16), slant=dice.lean(0.12), yaw=dice.lean(0.25), pitch=dice.lean(0.16),
        bulge=dice.between(0, 0.28), sag=dice.lean(0.14), folds=dice.whole(0, 5), fold_depth=dice.between(0.02, 0.12),
    )  # fmt: skip


def _choose(cast: Cast, dice: Dice) -> Face:
    """A face that is worn: first its design, then its family, so that large families do not win by size."""
    lining = [face for face in cast.faces if face.is_lining] or cast.faces
    designs = {face.design for face in lining}
    present = {design: weight for design, weight in DESIGNS.items() if design in designs}
    design = dice.weigh(present) if present else lining[0].design
    return pick_face([face for face in lining if face.design == design], dice)


def _setting(face: Face, border: float, warp: Warp, dice: Dice) -> Setting:
    """How the digits stand; thin fonts get the weight of sports lettering."""
    weight = max(0.0, (dice.between(0.12, 0.2) - face.stroke) / 2) if face.design == "font" else 0.0
    share = fill_for(dice.between(0.62, 1.0), warp.safe, warp.frame.fine)
    return Setting(
        fill=share, stretch=dice.between(0.8, 1.3), narrowest=0.55,
        gap=dice.between(0.03, 0.2) + border, weight=weight, border=border, off_centre=dice.between(0.2, 1),
    )  # fmt: skip


def _outline(fill: Pixels, widths: list[float]) -> list[Pixels]:
    """The number, then the number with each outline around it."""
    layers = [fill]
    for width in widths:
        layers.append(thicken(layers[-1], width))
    return layers


def _trim(inside: Rgb, dice: Dice) -> Rgb:
    """The colour of an outline around another colour."""
    for _ in range(8):
        colour = rgb(dice.pick(TRIMS))
        if contrast(colour, inside) > 0.3:
            return vary(colour, dice, 8)
    return (20, 20, 20) if sum(inside) > 380 else (240, 240, 240)


def _wear(mask: Plane, warp: Warp, dice: Dice) -> Plane:
    """The print as it is after a season: perforated, or cracked."""
    chance = dice.unit()
    if chance < 0.12:
        x, y = places(warp)
        period = dice.between(0.07, 0.12)
        holes = stripes(x, period, 0.4, period * 0.4) * stripes(y, period, 0.4, period * 0.4)
        return mask * (1 - np.float32(dice.between(0.3, 0.8)) * holes)
    if chance < 0.24:
        cracks = clouds(warp.frame, dice.whole(10, 24), dice)
        return mask * (1 - np.float32(dice.between(0.3, 0.8)) * ramp(cracks - np.float32(1.35), 0.5))
    return mask


def _write_name(surface: Plane, warp: Warp, number: Box, cast: Cast, ink: Rgb, dice: Dice) -> None:
    """The player's name above the number, or a sponsor below it; letters only, and not all of them need be seen."""
    fonts = [face for face in cast.faces if face.content]
    height = round(number.height * dice.between(0.14, 0.3))
    if not fonts or height < 4:
        return
    text = "".join(dice.pick(string.ascii_uppercase) for _ in range(dice.whole(4, 10)))
    line = thicken(write_line(dice.pick(fonts).content, text, height), height * 0.04)
    plane = np.zeros(warp.frame.flat, np.uint8)
    gap = height * dice.between(0.3, 1.0)
    top = int(number.top - gap - line.shape[0]) if dice.chance(0.75) else int(number.bottom + gap)
    left = int((number.left + number.right - line.shape[1]) / 2)
    lay_down(line, plane, left, top)
    paint(surface, warp.look(plane), ink)
