"""What people draw where a digit should be: scribbles, crossings-out, hatching and signs, all sure to be no digit.

H, W the picture in px. Lines lie in a box with x and y from -1 to 1, y down, until they are fitted to a picture.
"""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.signs import SIGNS, TURN, Lines
from digitkit.data.synthetic.strokes import Path, Point

SIDES = (28, 64)  # px, smallest and largest
FINE = 4  # samples for each px along each side
PEN = (1.0, 5.0)  # px
THICKEST = 1 / 11  # of the shorter side: a thicker pen would fill what it draws

Shape = Callable[[Dice], Lines]


def draw_scribble(dice: Dice) -> Pixels:
    """One scribble in grey, dark on bright or bright on dark: uint8 (H, W)."""
    high, wide = sides_of(dice)
    return inked(_cover(_shaken(dice.weigh(SHAPES)(dice), dice), high, wide, dice), dice)


def sides_of(dice: Dice) -> tuple[int, int]:
    """Height and width in px; most pictures are square."""
    side = dice.whole(*SIDES)
    return side, side if dice.chance(0.6) else dice.whole(*SIDES)


def inked(coverage: Plane, dice: Dice) -> Pixels:
    """Ink on its ground, half of them on pure black or white as scans and drawing programs give them.

    Shapes: `coverage` float32 (H, W), 0..1; returns uint8 (H, W).
    """
    pure = dice.chance(0.5)
    ground = 0.0 if pure else dice.between(0, 80)
    ink = 255.0 if pure and dice.chance(0.7) else dice.between(ground + 70, 255)
    levels = np.float32(ground) + np.float32(ink - ground) * coverage
    if not pure:
        levels = levels + dice.grain(*coverage.shape) * np.float32(dice.between(0, 8))
    pixels: Pixels = np.clip(levels + np.float32(0.5), 0, 255).astype(np.uint8)
    return 255 - pixels if dice.chance(0.5) else pixels


def _shaken(lines: Lines, dice: Dice) -> list[list[Point]]:
    """The lines as an unsteady hand draws them: turned a little, stretched, and with waves in them."""
    turn, shear, stretch = dice.lean(0.5), dice.lean(0.4), dice.between(0.7, 1.4)
    cosine, sine = math.cos(turn), math.sin(turn)
    reach, waves, begin = dice.between(0, 0.06), dice.between(1, 4), dice.unit() * TURN
    moved = []
    for line in lines:
        points = []
        for x, y in _dense(line):
            x, y = (
                x + reach * math.sin(begin + waves * y * math.pi),
                y + reach * math.sin(2 * begin + waves * x * math.pi),
            )
            x, y = (x + shear * y) * stretch, y
            points.append((x * cosine - y * sine, x * sine + y * cosine))
        moved.append(points)
    return moved


def _dense(line: Path) -> list[Point]:
    """The same line with points no farther apart than a third, so that straight pieces can bend."""
    points = [line[0]]
    for start, end in pairwise(line):
        steps = max(1, math.ceil(math.dist(start, end) * 3))
        points += [mixed(start, end, step / steps) for step in range(1, steps + 1)]
    return points


def mixed(start: Point, end: Point, share: float) -> Point:
    """The point at a share of the way."""
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _cover(lines: Lines, high: int, wide: int, dice: Dice) -> Plane:
    """Where the ink is, float32 (H, W), 0..1: the lines as large as the picture lets them, or somewhat smaller."""
    pen = dice.between(PEN[0], min(PEN[1], min(high, wide) * THICKEST))
    xs, ys = ([point[axis] for line in lines for point in line] for axis in (0, 1))
    left, top, across, down = min(xs), min(ys), max(max(xs) - min(xs), 0.1), max(max(ys) - min(ys), 0.1)
    room = wide - pen - 2, high - pen - 2
    unit = min(room[0] / across, room[1] / down) * dice.between(0.6, 1)
    x = (pen / 2 + 1 + dice.unit() * (room[0] - unit * across) - unit * left) * FINE
    y = (pen / 2 + 1 + dice.unit() * (room[1] - unit * down) - unit * top) * FINE
    canvas = Image.new("L", (wide * FINE, high * FINE))
    draw, thick = ImageDraw.Draw(canvas), max(1, round(pen * FINE))
    for line in lines:
        points = [(x + unit * FINE * a, y + unit * FINE * b) for a, b in line]
        draw.line(points, 255, thick, joint="curve")
        for a, b in (points[0], points[-1]):
            draw.ellipse([a - thick / 2, b - thick / 2, a + thick / 2, b + thick / 2], 255)
    return np.asarray(canvas.reduce(FINE)).astype(np.float32) * np.float32(1 / 255)


def _anywhere(dice: Dice) -> Point:
    return dice.between(-1, 1), dice.between(-1, 1)


def _rounded(line: Path, rounds: int = 2) -> Path:
    """The line with its corners cut again and again, which leaves it smooth.

    Source: Chaikin 1974, An algorithm for high-speed curve generation.
    """
    for _ in range(rounds):
        cut = [mixed(start, end, share) for start, end in pairwise(line) for share in (0.25, 0.75)]
        line = [line[0], *cut, line[-1]]
    return line


def _tangle(dice: Dice) -> Lines:
    """A long smooth line through many points; a short one would often be a digit."""
    return [_rounded([_anywhere(dice) for _ in range(dice.whole(12, 18))])]


def _jagged(dice: Dice) -> Lines:
    return [[_anywhere(dice) for _ in range(dice.whole(9, 14))]]


def _coil(dice: Dice) -> Lines:
    """Loops beside each other, as of a telephone cord; as of cursive writing when they differ in height."""
    loops, wide, uneven = dice.whole(3, 8), dice.between(0.15, 0.5), dice.between(0, 0.7)
    points = []
    for loop in range(loops):
        tall = 0.6 * (1 - uneven * dice.unit())
        for step in range(12):
            angle = TURN * step / 12
            along = 2 * (loop + step / 12) / loops - 1
            points.append((along + wide * math.cos(angle), tall * math.sin(angle)))
    return [points]


def _zigzag(dice: Dice) -> Lines:
    """Up and down at least five times: fewer are a Z, an N or a W."""
    teeth, uneven = dice.whole(5, 12), dice.between(0, 0.4)
    high = dice.between(0.3, 0.9)
    line: Path = [
        (2 * tooth / teeth - 1 + uneven * dice.lean(0.3), high * (-1) ** tooth * (1 - uneven * dice.unit()))
        for tooth in range(teeth + 1)
    ]
    return [_rounded(line) if dice.chance(0.4) else line]


def _hatching(dice: Dice) -> Lines:
    """Parallel lines, four at least, in one or two directions."""
    lines: list[Path] = []
    for flip in (1, -1) if dice.chance(0.4) else (1,):
        count, lean = dice.whole(4, 9), dice.between(-0.6, 0.6)
        for number in range(count):
            x = 2 * number / (count - 1) - 1 + dice.lean(0.1)
            line = [(x - lean, -1 + dice.lean(0.15)), (x + lean, 1 + dice.lean(0.15))]
            lines.append(line if flip > 0 else [(y, x) for x, y in line])
    return lines


def _crossed_out(dice: Dice) -> Lines:
    """A short word that nobody can read any more under strokes to and fro."""
    word = [(0.55 * y, 0.55 * x) if dice.chance(0.2) else (x, 0.55 * y) for x, y in _coil(dice)[0]]
    strokes = dice.whole(2, 5)
    to_and_fro: Path = [
        ((-1.2 if number % 2 else 1.2) + dice.lean(0.2), dice.between(-0.6, 0.6)) for number in range(strokes + 1)
    ]
    return [word, to_and_fro]


def _shading(dice: Dice) -> Lines:
    """Close strokes to and fro that fill an area."""
    count, slope = dice.whole(10, 20), dice.between(0, 0.5)
    line = [
        ((-1 if number % 2 else 1) * dice.between(0.6, 1), 2 * number / count - 1 + slope * (number % 2))
        for number in range(count)
    ]
    return [line]


def _strewn(dice: Dice) -> Lines:
    """Short strokes here and there, four at least."""
    lines = []
    for _ in range(dice.whole(4, 10)):
        (x, y), (a, b) = _anywhere(dice), _anywhere(dice)
        lines.append(_rounded([(x, y), (x + 0.35 * b, y + 0.35 * a), (x + 0.5 * a, y + 0.5 * b)], 1))
    return lines


def _dotted(dice: Dice) -> Lines:
    return [[(x, y), (x + 0.01, y)] for x, y in (_anywhere(dice) for _ in range(dice.whole(4, 14)))]


def _arcs(dice: Dice) -> Lines:
    """Large bows that cross each other, four at least."""
    return [_rounded([_anywhere(dice) for _ in range(3)]) for _ in range(dice.whole(4, 6))]


def _sign(dice: Dice) -> Lines:
    """A sign, turned and mirrored as nobody turns a digit; lines may be drawn twice."""
    lines = SIGNS[dice.pick(tuple(SIGNS))]
    turn = dice.lean(TURN / 2) if dice.chance(0.2) else 0.0
    cosine, sine, flip = math.cos(turn), math.sin(turn), dice.pick((1, 1, -1))
    posed = [[(flip * (x * cosine - y * sine), x * sine + y * cosine) for x, y in line] for line in lines]
    return posed * 2 if dice.chance(0.1) else posed


SHAPES: Mapping[Shape, float] = {
    _tangle: 1.5, _jagged: 1, _coil: 1.5, _zigzag: 1, _hatching: 1, _crossed_out: 1, _shading: 0.7, _strewn: 0.7,
    _dotted: 0.3, _arcs: 0.8, _sign: 6,
}  # fmt: skip
