"""Signs that people draw and that are no digits: hearts, arrows, plus signs, houses.

Each is some lines in a box with x and y from -1 to 1, y down. Left out is what looks like a digit: a lone stroke or
slash (1), a lone ring, square or drop (0), `&`, `$` and the sign of infinity (8), `{` (3), brackets (1).
"""

import math
from collections.abc import Mapping, Sequence

from digitkit.data.synthetic.strokes import Path

Lines = Sequence[Path]

TURN = 2 * math.pi


def ring(x: float, y: float, wide: float, high: float | None = None, share: float = 1, start: float = 0) -> Path:
    """Part of an ellipse about (x, y), clockwise; `share` and `start` in turns from the right, lengths half axes."""
    tall = wide if high is None else high
    steps = max(6, round(18 * abs(share)))
    angles = [TURN * (start + share * step / steps) for step in range(steps + 1)]
    return [(x + wide * math.cos(angle), y + tall * math.sin(angle)) for angle in angles]


def polygon(corners: int, skip: int = 1, start: float = -0.25) -> Path:
    """A closed path over corners on a ring, `skip` of them at a time."""
    angles = [TURN * (start + skip * corner / corners) for corner in range(corners + 1)]
    return [(math.cos(angle), math.sin(angle)) for angle in angles]


def _heart() -> Path:
    angles = [TURN * step / 24 for step in range(25)]
    waves = [(13, 1), (-5, 2), (-2, 3), (-1, 4)]
    return [
        (math.sin(a) ** 3, -sum(size * math.cos(times * a) for size, times in waves) / 16) for a in angles
    ]  # https://mathworld.wolfram.com/HeartCurve.html


def _star() -> Path:
    outer, inner = polygon(5), polygon(5, start=-0.15)
    between = [(0.42 * x, 0.42 * y) for x, y in inner]
    return [corner for pair in zip(outer, between, strict=True) for corner in pair][:-1]


def _spiral(turns: float) -> Path:
    steps = round(14 * turns)
    return [
        (step / steps * math.cos(TURN * turns * step / steps), step / steps * math.sin(TURN * turns * step / steps))
        for step in range(steps + 1)
    ]


def _wave(y: float, periods: float) -> Path:
    return [(-1 + step / 10, y + 0.16 * math.sin(TURN * periods * step / 20)) for step in range(21)]


def _rays(inside: float, count: int) -> list[Path]:
    return [[(inside * x, inside * y), (x, y)] for x, y in polygon(count)[:-1]]


BOX: Path = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
ACROSS: Path = [(-1, 0), (1, 0)]
HEAD: Path = [(0.3, -0.6), (1, 0), (0.3, 0.6)]
TICK: Path = [(-0.9, 0.1), (-0.35, 0.8), (1, -0.9)]
CROSS: Lines = [[(-1, -1), (1, 1)], [(1, -1), (-1, 1)]]
LATTICE: Lines = [
    [(-0.4, -1), (-0.4, 1)], [(0.4, -1), (0.4, 1)], [(-1, -0.4), (1, -0.4)], [(-1, 0.4), (1, 0.4)],
]  # fmt: skip
DOT = 0.08  # half axis of a dot, which is drawn as a tiny ring

SIGNS: Mapping[str, Lines] = {
    "plus": [ACROSS, [(0, -1), (0, 1)]],
    "cross": CROSS,
    "asterisk": [[(-x, -y), (x, y)] for x, y in polygon(6)[:3]],
    "equals": [[(-1, -0.35), (1, -0.35)], [(-1, 0.35), (1, 0.35)]],
    "not equal": [[(-1, -0.35), (1, -0.35)], [(-1, 0.35), (1, 0.35)], [(0.5, -0.9), (-0.5, 0.9)]],
    "divided by": [ACROSS, ring(0, -0.6, DOT), ring(0, 0.6, DOT)],
    "hash": LATTICE,
    "percent": [[(0.7, -1), (-0.7, 1)], ring(-0.65, -0.6, 0.3), ring(0.65, 0.6, 0.3)],
    "question mark": [[*ring(0, -0.55, 0.5, 0.45, 0.7, 0.48), (0, 0.15), (0, 0.4)], ring(0, 0.85, DOT)],
    "tick": [TICK],
    "arrow": [ACROSS, HEAD],
    "two-headed arrow": [ACROSS, HEAD, [(-x, y) for x, y in HEAD]],
    "bent arrow": [[(-1, 1), (-0.9, 0), (-0.4, -0.4), (1, -0.4)], [(0.5, -0.9), (1, -0.4), (0.5, 0.1)]],
    "heart": [_heart()],
    "star": [_star()],
    "pentagram": [polygon(5, 2)],
    "triangle": [polygon(3)],
    "ticked box": [BOX, [(x * 0.7, y * 0.7) for x, y in TICK]],
    "crossed box": [BOX, *CROSS],
    "window": [BOX, ACROSS, [(0, -1), (0, 1)]],
    "house": [
        [(-0.8, -0.2), (-0.8, 1), (0.8, 1), (0.8, -0.2)], [(-1, -0.1), (0, -1), (1, -0.1)],
        [(-0.25, 1), (-0.25, 0.3), (0.25, 0.3), (0.25, 1)],
    ],
    "envelope": [[(-1, -0.6), (1, -0.6), (1, 0.6), (-1, 0.6), (-1, -0.6)], [(-1, -0.6), (0, 0.15), (1, -0.6)]],
    "cube": [
        [(-1, -0.5), (0.5, -0.5), (0.5, 1), (-1, 1), (-1, -0.5)],
        [(-1, -0.5), (-0.5, -1), (1, -1), (1, 0.5), (0.5, 1)], [(0.5, -0.5), (1, -1)],
    ],
    "face": [ring(0, 0, 1), ring(-0.35, -0.3, DOT), ring(0.35, -0.3, DOT), ring(0, 0.1, 0.5, 0.4, 0.4, 0.05)],
    "sun": [ring(0, 0, 0.45), *_rays(0.65, 8)],
    "flower": [ring(0, 0, 0.25), *(ring(0.6 * x, 0.6 * y, 0.36) for x, y in polygon(5)[:-1])],
    "spiral": [_spiral(3.2)],
    "target": [ring(0, 0, 1), ring(0, 0, 0.62), ring(0, 0, 0.25)],
    "cloud": [
        [*ring(-0.6, 0.2, 0.4, 0.35, 0.5, 0.25), *ring(-0.2, -0.25, 0.5, 0.45, 0.4, 0.5),
         *ring(0.4, -0.05, 0.45, 0.4, 0.4, 0.65), *ring(0.65, 0.3, 0.35, 0.25, 0.5, 0.75), (-0.6, 0.55)],
    ],
    "stick man": [
        ring(0, -0.72, 0.26), [(0, -0.46), (0, 0.3)], [(-0.6, -0.3), (0, -0.1), (0.6, -0.3)],
        [(-0.5, 1), (0, 0.3), (0.5, 1)],
    ],
    "fir": [[(0, -1), (-0.5, -0.2), (-0.25, -0.2), (-0.8, 0.6), (0.8, 0.6), (0.25, -0.2), (0.5, -0.2), (0, -1)],
            [(0, 0.6), (0, 1)]],
    "fish": [[(1, -0.5), *ring(-0.2, 0, 0.8, 0.5, -0.86, 0.93)[::-1], (1, 0.5), (1, -0.5)], ring(-0.6, -0.1, DOT)],
    "eye": [[*ring(0, 0.5, 1, 1, 0.34, 0.58), *ring(0, -0.5, 1, 1, 0.34, 0.08)], ring(0, 0, 0.3)],
    "umbrella": [[*ring(0, 0, 1, 0.9, 0.5, 0.5), (-1, 0)], [(0, 0), (0, 0.8), (0.15, 1), (0.35, 0.9)]],
    "boat": [[(-1, 0.4), (1, 0.4), (0.6, 1), (-0.6, 1), (-1, 0.4)], [(0, 0.4), (0, -1), (0.7, 0.1), (0, 0.1)]],
    "ladder": [[(-0.5, -1), (-0.5, 1)], [(0.5, -1), (0.5, 1)], *([(-0.5, y / 3), (0.5, y / 3)] for y in (-2, 0, 2))],
    "crown": [[(-1, 0.7), (-1, -0.6), (-0.45, 0.1), (0, -0.8), (0.45, 0.1), (1, -0.6), (1, 0.7), (-1, 0.7)]],
    "euro": [ring(0.2, 0, 0.8, 1, 0.72, 0.14), [(-1, -0.2), (0.5, -0.2)], [(-1, 0.2), (0.4, 0.2)]],
    "yen": [[(-0.8, -1), (0, 0), (0.8, -1)], [(0, 0), (0, 1)], [(-0.6, 0.2), (0.6, 0.2)], [(-0.6, 0.55), (0.6, 0.55)]],
    "waves": [_wave(-0.5, 2), _wave(0, 2), _wave(0.5, 2)],
    "dots": [ring(-0.8, 0, 2 * DOT), ring(0, 0, 2 * DOT), ring(0.8, 0, 2 * DOT)],
}  # fmt: skip
