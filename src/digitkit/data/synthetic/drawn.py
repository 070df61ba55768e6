"""Faces that digitkit draws itself: the block and rounded digits of jerseys, displays and dot printers.

They need no font file, so every machine has them. Paths lie in a box with x and y from 0 to 1, y down.
"""

import hashlib
import math
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageDraw

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.faces import DIGITS, Face, cut_sides
from digitkit.data.synthetic.strokes import Path, Pen, Point, add_serifs, round_corners, stroke

FINE = 4  # samples for each px along each side
GAP = 0.11  # kept between the loose end of a 2, 3, 5, 6 or 9 and the bowl's other side: else a 3 reads as an 8
VERSION = 1  # counts up when the same design is drawn otherwise
DESIGNS = {"block": 16, "varsity": 10, "round": 12, "segment": 8, "dots": 4}  # how many faces of each design


@dataclass(frozen=True)
class Cut:
    """The measures of one drawn face, as shares of the digit's height."""

    design: str
    width: float
    stroke: float
    corner: float
    waist: float  # where the middle bar stands, 0 = top
    slant: float
    flag: float  # length of the flag of the 1, and of loose ends
    foot: bool  # a bar under the 1
    closed_four: bool


def drawn_faces() -> list[Face]:
    """Every face that digitkit draws, in a fixed order."""
    return [_face(design, number) for design, count in DESIGNS.items() for number in range(1, count + 1)]


def _face(design: str, number: int) -> Face:
    """One face; its number settles its measures."""
    dice = Dice("face", design, number)
    wide = dice.between(0.5, 0.72)
    stroke = dice.between(0.12, 0.2) if design != "segment" else dice.between(0.09, 0.14)
    cut = Cut(
        design, wide, stroke,
        corner=dice.between(0.1, 0.17) if design in ("block", "varsity") else dice.between(0.16, 0.3),
        waist=dice.between(0.46, 0.54),
        slant=dice.pick((0.0, 0.0, 0.0, 0.12, 0.2)) if design != "segment" else dice.pick((0.0, 0.1)),
        flag=dice.between(0.12, 0.24), foot=dice.chance(0.4) or design == "varsity", closed_four=dice.chance(0.6),
    )  # fmt: skip
    facts = hashlib.sha256(repr((VERSION, asdict(cut))).encode()).hexdigest()
    name = f"drawn {design} {number:02d}"
    draw = {"segment": _draw_segments, "dots": _draw_dots}.get(design, _draw_strokes)
    return Face(name, name, design, facts, lambda character, height: draw(cut, character, height))


def _canvas(cut: Cut, height: int) -> tuple[Image.Image, float]:
    """An empty picture with room for slanted digits at its sides, and the length of 1 in its px."""
    unit = height * FINE
    return Image.new("L", (round((cut.width + 0.8) * unit), unit)), float(unit)


def _finish(canvas: Image.Image) -> Pixels:
    """Reduce and cut."""
    return cut_sides(np.asarray(canvas.reduce(FINE)))


def _draw_strokes(cut: Cut, character: str, height: int) -> Pixels:
    """A digit of straight strokes, its corners cut or round."""
    canvas, unit = _canvas(cut, height)
    pen = Pen(ImageDraw.Draw(canvas), unit, cut.slant)
    half = cut.stroke / 2
    for path in _paths(cut, character):
        bent = round_corners(path, cut.corner) if cut.design == "round" else path
        points = [(0.4 + half + x * (cut.width - cut.stroke), half + y * (1 - cut.stroke)) for x, y in bent]
        stroke(pen, points, cut.stroke)
        if cut.design == "varsity":
            add_serifs(pen, points, cut.stroke)
    return _finish(canvas)


def _paths(cut: Cut, character: str) -> list[Path]:
    """The middle lines of a digit's strokes; where the corners are cut, the cut is part of the line."""
    cy = 0.0 if cut.design == "round" else cut.corner
    cx = cy / cut.width
    m = cut.waist
    f = max(0.0, min(cut.flag, m - cut.stroke - GAP - cy))
    top = [(0, cy), (cx, 0), (1 - cx, 0), (1, cy)]
    low = [(1, 1 - cy), (1 - cx, 1), (cx, 1), (0, 1 - cy)]
    half = cy * 0.7
    if character == "1":
        stem: list[Path] = [[(0.5, 1), (0.5, 0), (0.5 - cut.flag * 1.6, cut.flag)]]
        return [*stem, [(0.1, 1), (0.9, 1)]] if cut.foot else stem
    if character == "4":
        if cut.closed_four:
            return [[(0.78, 1), (0.78, 0), (0, 0.68), (1, 0.68)]]
        return [[(0, 0), (0, m + 0.08), (1, m + 0.08)], [(1, 0), (1, 1)]]
    if character == "7":
        return [[(0, cut.flag * 0.6), (0, 0), (1, 0), (1, 0.12), (0.4, 1)]]
    bowls: dict[str, list[Path]] = {
        "0": [[*top, *low, (0, cy)]],
        "2": [[(0, cy + f), *top, (1, m - half), (1 - cx * 0.7, m), (0, 1 - 0.12), (0, 1), (1, 1)]],
        "3": [
            [(0, cy + f), *top, (1, m - half), (1 - cx * 0.7, m), (0.35, m)],
            [(1 - cx * 0.7, m), (1, m + half), *low, (0, 1 - cy - f)],
        ],
        "5": [[(0.95, 0), (0, 0), (0, m - 0.06), (1 - cx, m - 0.06), (1, m - 0.06 + cy), *low, (0, 1 - cy - f)]],
        "6": [[(1, cy + f), *top[::-1], *low[::-1], (1, m + cy), (1 - cx, m), (0, m)]],
        "8": [
            [*top, (1, m - half), (1 - cx * 0.7, m), (cx * 0.7, m), (0, m - half), (0, cy)],
            [(cx * 0.7, m), (1 - cx * 0.7, m), (1, m + half), *low, (0, m + half), (cx * 0.7, m)],
        ],
        "9": [[(0, 1 - cy - f), *low[::-1], *top[::-1], (0, 1 - m - cy), (cx, 1 - m), (1, 1 - m)]],
    }
    return bowls[character]


# The seven bars in the order a to g (top, right, right, bottom, left, left, middle), as every data sheet has them.
SEGMENTS = dict(zip(DIGITS, ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg"),
                    strict=True))  # fmt: skip


def _draw_segments(cut: Cut, character: str, height: int) -> Pixels:
    """A digit of a seven-segment display; it has the same width for all but the 1."""
    canvas, unit = _canvas(cut, height)
    pen = Pen(ImageDraw.Draw(canvas), unit, cut.slant)
    half = cut.stroke / 2
    left, right, top, middle, bottom = 0.4 + half, 0.4 + cut.width - half, half, 0.5, 1 - half
    bars = {
        "a": ((left, top), (right, top)), "b": ((right, top), (right, middle)), "c": ((right, middle), (right, bottom)),
        "d": ((left, bottom), (right, bottom)), "e": ((left, middle), (left, bottom)),
        "f": ((left, top), (left, middle)), "g": ((left, middle), (right, middle)),
    }  # fmt: skip
    for bar in SEGMENTS[character]:
        pen.fill(_bar(*bars[bar], half))
    return _finish(canvas)


def _bar(start: Point, end: Point, half: float) -> list[Point]:
    """A bar with pointed ends and a small gap before its neighbours."""
    length = math.dist(start, end)
    ax, ay = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    slit = half * 0.28
    tips = [(start[0] + ax * slit, start[1] + ay * slit), (end[0] - ax * slit, end[1] - ay * slit)]
    inner = [(tips[0][0] + ax * half, tips[0][1] + ay * half), (tips[1][0] - ax * half, tips[1][1] - ay * half)]
    sx, sy = -ay * half, ax * half
    return [
        tips[0], (inner[0][0] + sx, inner[0][1] + sy), (inner[1][0] + sx, inner[1][1] + sy),
        tips[1], (inner[1][0] - sx, inner[1][1] - sy), (inner[0][0] - sx, inner[0][1] - sy),
    ]  # fmt: skip


# Five dots across, seven down; each row of a digit as a number of five bits, the left dot highest.
DOTS = {
    "0": (14, 17, 19, 21, 25, 17, 14), "1": (4, 12, 4, 4, 4, 4, 14), "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (14, 17, 1, 6, 1, 17, 14), "4": (2, 6, 10, 18, 31, 2, 2), "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14), "7": (31, 1, 2, 4, 8, 8, 8), "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
}  # fmt: skip


def _draw_dots(cut: Cut, character: str, height: int) -> Pixels:
    """A digit of round dots."""
    canvas, unit = _canvas(cut, height)
    pen = ImageDraw.Draw(canvas)
    radius = 0.5 / 7 * min(1.15, cut.stroke * 6)
    for row, bits in enumerate(DOTS[character]):
        for column in range(5):
            if bits >> (4 - column) & 1:
                x, y = 0.4 + (column + 0.5) * cut.width / 5, (row + 0.5) / 7
                pen.ellipse([(x - radius) * unit, (y - radius) * unit, (x + radius) * unit, (y + radius) * unit], 255)
    return _finish(canvas)
