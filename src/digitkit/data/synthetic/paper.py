"""Numbers on paper: books, newspapers, forms and receipts."""

import numpy as np

from digitkit.data.synthetic.colours import Pair, Rgb, mix, rgb, vary
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.lettering import Sheet, draw_bar, draw_frame, gaps_of, neighbours
from digitkit.data.synthetic.scene import clouds, filled, paint, places, ramp, stripes
from digitkit.data.synthetic.warp import Box

PAPERS: tuple[Rgb, ...] = ((250, 249, 245), (246, 240, 226), (238, 238, 236), (252, 252, 252))
LINES: tuple[Rgb, ...] = ((70, 110, 190), (200, 70, 70), (70, 150, 100), (60, 60, 66), (150, 150, 156))


def _paper(sheet: Sheet, pair: Pair, dice: Dice, rough: float) -> Plane:
    """Paper with its fibres and stains; white is one of many whites."""
    ground = vary(rgb(pair.ground), dice, 8) if pair.ground != "white" else vary(dice.pick(PAPERS), dice, 8)
    surface = filled(sheet.order.frame, ground)
    surface += dice.grain(*surface.shape[1:]) * np.float32(rough)
    surface += clouds(sheet.order.frame, dice.whole(3, 8), dice) * np.float32(rough)
    return surface


def print_book(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """A page of a book, with slices of the lines above and below."""
    surface = _paper(sheet, pair, dice, dice.between(0.5, 2))
    ink = vary(rgb(pair.ink), dice)
    if dice.chance(0.5):
        paint(surface, neighbours(sheet, dice), ink)
    paint(surface, sheet.number, ink)
    return surface


def print_newspaper(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """Grey paper, ink that has spread, and the other side showing through."""
    surface = _paper(sheet, pair, dice, dice.between(3, 7)) * np.float32(dice.between(0.78, 0.9))
    surface[2] *= np.float32(dice.between(0.9, 1.0))
    ink = mix(vary(rgb(pair.ink), dice), (90, 86, 80), dice.between(0.1, 0.4))
    through = neighbours(sheet, dice)[:, ::-1]
    paint(surface, through * np.float32(dice.between(0.05, 0.2)), ink)
    if dice.chance(0.6):
        paint(surface, neighbours(sheet, dice), ink)
    ragged = sheet.number + clouds(sheet.order.frame, 24, dice) * np.float32(dice.between(0.05, 0.16))
    paint(surface, ramp(ragged - 0.45, 0.7) * (sheet.number > 0), ink)
    return surface


def print_form(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """A field of a form: a box, cells, or a line to write on."""
    surface = _paper(sheet, pair, dice, dice.between(0.5, 2.5))
    if dice.chance(0.3):
        surface *= _tint(dice)
    colour = vary(dice.pick(LINES), dice)
    lines = np.zeros_like(sheet.plane)
    margin = sheet.box.height * dice.between(0.12, 0.35)
    box = Box(sheet.box.left - margin, sheet.box.top - margin, sheet.box.right + margin, sheet.box.bottom + margin)
    thick = max(2, round(sheet.box.height * dice.between(0.02, 0.05)))
    kind = dice.pick(("box", "cells", "line", "dashes"))
    if kind in ("box", "cells"):
        draw_frame(lines, box, thick)
    if kind == "cells":
        for x in gaps_of(sheet.plane):
            draw_bar(lines, x - thick / 2, box.top, x + thick / 2, box.bottom)
    if kind in ("line", "dashes"):
        draw_bar(lines, 0 if kind == "line" else box.left, box.bottom - thick, lines.shape[1], box.bottom)
    if kind == "dashes":
        lines[:, :: 4 * thick] = 0
    paint(surface, sheet.warp.look(lines), colour)
    paint(surface, sheet.number, vary(rgb(pair.ink), dice))
    return surface


def print_receipt(sheet: Sheet, pair: Pair, dice: Dice) -> Plane:
    """Thermal paper: pale, with worn columns."""
    surface = _paper(sheet, pair, dice, dice.between(0.5, 3))
    ink = mix(vary(rgb(pair.ink), dice), rgb(pair.ground), dice.between(0.1, 0.45))
    x, _ = places(sheet.warp)
    worn = stripes(x + dice.unit(), dice.between(0.2, 1.2), dice.between(0.1, 0.5), 0.1) * np.float32(0.5)
    if dice.chance(0.5):
        paint(surface, neighbours(sheet, dice) * (1 - worn), ink)
    paint(surface, sheet.number * (1 - worn), ink)
    return surface


def _tint(dice: Dice) -> Plane:
    """Tinted paper: red, green and blue times a little less than 1."""
    return np.array([dice.between(0.82, 1), dice.between(0.88, 1), dice.between(0.8, 1)], np.float32)[:, None, None]
