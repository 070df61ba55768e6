"""Thick lines with sharp or round corners, as polygons: what the drawn faces are made of.

All lengths are shares of a digit's height; y goes down.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

SHARP = 1.2  # tan of half the turn: 100 degrees

Point = tuple[float, float]
Path = Sequence[Point]


@dataclass(frozen=True)
class Pen:
    """Fills shapes on a canvas, slanted."""

    draw: ImageDraw.ImageDraw
    unit: float  # px of the canvas
    slant: float

    def fill(self, corners: Path) -> None:
        """Fill the shape between some points."""
        self.draw.polygon([((x + self.slant * (0.5 - y)) * self.unit, y * self.unit) for x, y in corners], 255)


def round_corners(path: Path, radius: float) -> Path:
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


def stroke(pen: Pen, points: Path, width: float) -> None:
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


def add_serifs(pen: Pen, points: Path, width: float) -> None:
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
