"""Faces that digitkit draws itself: the block and rounded digits of jerseys, displays and dot printers.

They need no font file, so every machine has them. Paths lie in a box with x and y from 0 to 1, y down.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, ImageDraw

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.faces import DIGITS, Face, cut_sides

FINE = 4  # samples for each px along each side
GAP = 0.11  # kept between the loose end of a 2, 3, 5, 6 or 9 and the bowl's other side: else a 3 reads as an 8
VERSION = 1  # counts up when the same design is drawn otherwise
DESIGNS = {"block": 16, "varsity": 10, "round": 12, "segment": 8, "dots": 4}  # how many faces of each design

SHARP = 1.2  # tan of half the turn: 100 degrees

Point = tuple[float, float]
Path = Sequence[Point]


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


@dataclass(frozen=True)
class _Pen:
    """Fills shapes on a canvas, slanted."""

    draw: ImageDraw.ImageDraw
    unit: float  # px of the canvas
    slant: float

    def fill(self, corners: Path) -> None:
        """Fill the shape between some points."""
        self.draw.polygon([((x + self.slant * (0.5 - y)) * self.unit, y * self.unit) for x, y in corners], 255)


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
    pen = _Pen(ImageDraw.Draw(canvas), unit, cut.slant)
    half = cut.stroke / 2
    for path in _paths(cut, character):
        bent = _round_corners(path, cut.corner) if cut.design == "round" else path
        points = [(0.4 + half + x * (cut.width - cut.stroke), half + y * (1 - cut.stroke)) for x, y in bent]
        _stroke(pen, points, cut.stroke)
        if cut.design == "varsity":
            _serifs(pen, points, cut.stroke)
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


def _round_corners(path: Path, radius: float) -> Path:
    """The path with an arc in place of each corner; a closed path has one where it closes."""
    closed = path[0] == path[-1]
    corners = [point for index, point in enumerate(path) if index == 0 or point != path[index - 1]]
    if closed:
        corners = corners[:-1]
    bent: list[Point] = [] if closed else [corners[0]]
    span = range(len(corners)) if closed else range(1, len(corners) - 1)
    for index in span:
        bent += _arc(corners[index - 1], corners[index], corners[(index + 1) % len(corners)], radius)
    return [*bent, bent[0]] if closed else [*bent, corners[-1]]


def _arc(before: Point, corner: Point, after: Point, radius: float) -> list[Point]:
    """A curve from one side of a corner to the other."""
    ends = []
    for other in (before, after):
        length = math.dist(corner, other)
        share = min(radius, length / 2) / length
        ends.append((corner[0] + (other[0] - corner[0]) * share * 1.4, corner[1] + (other[1] - corner[1]) * share))
    steps = [index / 6 for index in range(7)]
    return [
        tuple(
            (1 - t) ** 2 * a + 2 * t * (1 - t) * c + t * t * b for a, c, b in zip(ends[0], corner, ends[1], strict=True)
        )  # type: ignore[misc]
        for t in steps
    ]


def _stroke(pen: _Pen, points: Path, width: float) -> None:
    """A thick line; each piece is made longer at a corner, so that corners are sharp outside."""
    closed = points[0] == points[-1]
    last = len(points) - 2
    for index in range(len(points) - 1):
        a, b = points[index], points[index + 1]
        length = math.dist(a, b)
        if not length:
            continue
        along = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
        before = points[index - 1] if index else points[-2] if closed else None
        after = points[index + 2] if index < last else points[1] if closed else None
        start = _overlap(before, a, b, width)
        end = _overlap(after, b, a, width)
        side = (-along[1] * width / 2, along[0] * width / 2)
        a = (a[0] - along[0] * start, a[1] - along[1] * start)
        b = (b[0] + along[0] * end, b[1] + along[1] * end)
        corners = [
            (a[0] + side[0], a[1] + side[1]), (b[0] + side[0], b[1] + side[1]),
            (b[0] - side[0], b[1] - side[1]), (a[0] - side[0], a[1] - side[1]),
        ]  # fmt: skip
        pen.fill(corners)


def _overlap(before: Point | None, corner: Point, after: Point, width: float) -> float:
    """How far a piece reaches beyond its corner so that outer edges meet; loose ends reach half a stroke.

    At a sharp corner, such as the tip of a 4, only the upright or level piece does.
    """
    if before is None:
        return width / 2
    straight = abs(after[0] - corner[0]) < 1e-9 or abs(after[1] - corner[1]) < 1e-9
    turn = math.atan2(corner[1] - before[1], corner[0] - before[0]) - math.atan2(
        after[1] - corner[1], after[0] - corner[0]
    )
    bent = abs(math.tan(turn / 2))
    return width / 2 * min(1.0, bent) if bent < SHARP or straight else 0.0


def _serifs(pen: _Pen, points: Path, width: float) -> None:
    """A short bar across each loose end that points up, down or sideways at the side of the digit."""
    if points[0] == points[-1]:
        return
    for end, inner in ((points[0], points[1]), (points[-1], points[-2])):
        length = math.dist(end, inner)
        if abs(end[0] - inner[0]) > 1e-9:
            continue
        along = ((inner[0] - end[0]) / length, (inner[1] - end[1]) / length)
        side = (-along[1] * width * 0.8, along[0] * width * 0.8)
        near = (end[0] - along[0] * width / 2, end[1] - along[1] * width / 2)
        far = (near[0] + along[0] * width * 0.55, near[1] + along[1] * width * 0.55)
        corners = [
            (near[0] + side[0], near[1] + side[1]), (far[0] + side[0], far[1] + side[1]),
            (far[0] - side[0], far[1] - side[1]), (near[0] - side[0], near[1] - side[1]),
        ]  # fmt: skip
        pen.fill(corners)


# The seven bars in the order a to g (top, right, right, bottom, left, left, middle), as every data sheet has them.
SEGMENTS = dict(zip(DIGITS, ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg"),
                    strict=True))  # fmt: skip


def _draw_segments(cut: Cut, character: str, height: int) -> Pixels:
    """A digit of a seven-segment display; it has the same width for all but the 1."""
    canvas, unit = _canvas(cut, height)
    pen = _Pen(ImageDraw.Draw(canvas), unit, cut.slant)
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
