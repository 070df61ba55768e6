"""Numbers on things: labels and signs, the wheels of meters, lit displays."""

import numpy as np
from PIL import Image, ImageFilter

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.colours import Pair, Rgb, mix, rgb, vary
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.lettering import Sheet, draw_bar, draw_frame, gaps_of
from digitkit.data.synthetic.scene import as_plane, filled, paint, places, ramp
from digitkit.data.synthetic.warp import Box

LAMPS: tuple[Rgb, ...] = ((255, 50, 36), (60, 240, 90), (255, 176, 40), (90, 170, 255), (236, 244, 255))


def print_label(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """A price label, a house number, a sign: one colour on another, framed or not, with some gloss."""
    ink = vary(rgb(pair.ink), dice)
    surface = filled(sheet.order.frame, vary(rgb(pair.ground), dice))
    if dice.chance(0.5):
        lines = np.zeros_like(sheet.plane)
        margin = sheet.box.height * dice.between(0.14, 0.3)
        thick = max(2, round(sheet.box.height * dice.between(0.03, 0.08)))
        left, top, right, bottom = sheet.box.left, sheet.box.top, sheet.box.right, sheet.box.bottom
        draw_frame(lines, Box(left - margin, top - margin, right + margin, bottom + margin), thick)
        paint(surface, sheet.warp.look(lines), ink)
    paint(surface, sheet.number, ink)
    x, y = places(sheet.warp)
    gloss = ramp(dice.between(0.1, 0.5) - np.abs(x + y * dice.lean(1.0) + dice.lean(0.8)), dice.between(0.3, 1.0))
    surface += (255 - surface) * gloss * np.float32(dice.between(0, 0.3))
    return surface


def print_meter(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """Wheels behind a window: round from above to below, with gaps between them, set in a plate."""
    surface = filled(sheet.order.frame, vary(rgb(pair.ground), dice))
    paint(surface, sheet.number, vary(rgb(pair.ink), dice))
    _, y = places(sheet.warp)
    high = sheet.plane.shape[0]
    middle = ((sheet.box.top + sheet.box.bottom) / 2 - high / 2) / sheet.order.frame.half
    reach = sheet.box.height / sheet.order.frame.half * dice.between(0.6, 0.8)
    away = (y - np.float32(middle)) / np.float32(reach)
    surface *= np.clip(np.float32(1.08) - np.float32(dice.between(0.3, 0.6)) * away * away, 0.15, 1.1)
    gaps = np.zeros_like(sheet.plane)
    thick = sheet.box.height * dice.between(0.04, 0.1)
    for x in gaps_of(sheet.plane):
        draw_bar(gaps, x - thick / 2, 0, x + thick / 2, high)
    paint(surface, sheet.warp.look(gaps), dice.pick(((10, 10, 10), (190, 190, 190), (60, 60, 60))))
    window = np.zeros_like(sheet.plane)
    side, above = sheet.box.height * dice.between(0.15, 0.3), sheet.box.height * dice.between(0.12, 0.25)
    draw_bar(window, sheet.box.left - side, sheet.box.top - above, sheet.box.right + side, sheet.box.bottom + above)
    plate = vary(rgb(dice.pick(("black", "silver", "grey", "white", "brown", "navy"))), dice)
    paint(surface, 1 - sheet.warp.look(window), plate)
    return surface + dice.grain(*surface.shape[1:]) * np.float32(dice.between(0.5, 4))


def print_display(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """Lamps that shine into their surroundings, or liquid crystal with its shadow."""
    ink = vary(rgb(pair.ink), dice)
    dark = sum(rgb(pair.ground)) < sum(ink)
    ground = vary(rgb(pair.ground), dice) if dark else mix(rgb(pair.ground), (150, 176, 130), dice.between(0.2, 0.9))
    surface = filled(sheet.order.frame, ground)
    if dark:
        lamp = mix(ink, dice.pick(LAMPS), 0.0 if sheet.order.pair else 0.7)
        glow = _soften(sheet.plane, sheet.box.height * dice.between(0.05, 0.14))
        surface += sheet.warp.look(glow) * as_plane(lamp) * np.float32(0.5)
        paint(surface, sheet.number, mix(lamp, (255, 255, 255), dice.between(0, 0.5)))
    else:
        away = max(1, round(sheet.box.height * 0.03))
        shadow = np.roll(_soften(sheet.plane, 1.0), (away, away), (0, 1))
        paint(surface, sheet.warp.look(shadow) * np.float32(0.35), ink)
        paint(surface, sheet.number * np.float32(dice.between(0.75, 1)), ink)
    return surface + dice.grain(*surface.shape[1:]) * np.float32(dice.between(0.5, 3))


def _soften(plane: Pixels, radius: float) -> Pixels:
    """The plane, blurred."""
    return np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(radius)))
