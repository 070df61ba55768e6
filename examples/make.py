"""Draws the pictures of this folder, the same ones every time: `python examples/make.py`.

Our own drawings. A digit is a few pen strokes, each a smooth curve through points in a unit box (x right, y down),
drawn by a hand that shakes a little and presses unevenly. H height, W width in px; colours are floats in 0..1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.float64]
Strokes = tuple[str, ...]
Colour = tuple[float, float, float]

FINER = 4  # drawn this many times larger, then averaged
BLACK, BLUE, RED = (0.08, 0.08, 0.1), (0.1, 0.18, 0.55), (0.78, 0.1, 0.12)
GRAPHITE, CHALK = (0.3, 0.3, 0.32), (0.93, 0.94, 0.9)

# The strokes of each, as points in hundredths of the box.
TWO = ("20,27 25,12 46,3 68,10 72,29 55,56 30,81 13,95 19,94 40,88 60,94 74,97 90,91",)
THREE = ("20,17 32,6 54,4 68,16 61,33 40,44 37,46 44,45 66,53 76,71 64,91 38,97 15,87",)
FOUR = ("36,5 28,28 16,56 14,62 20,63 50,60 90,57", "72,31 69,50 63,78 61,99")
FIVE = ("33,10 30,25 26,45 29,45 46,38 67,46 75,66 63,87 40,96 16,90", "33,11 52,10 84,4")
SIX = ("64,3 45,18 28,43 22,70 33,93 56,96 72,81 67,62 50,55 32,65 24,80",)
SEVEN = ("13,15 17,10 40,11 66,9 83,6 84,10 70,35 54,66 46,97",)
CROSSED_SEVEN = ("12,20 15,8 20,10 45,13 82,5 83,9 66,40 53,70 48,96", "34,55 55,50 80,47")
EIGHT = ("68,17 54,4 34,9 28,26 44,42 65,58 71,80 52,96 29,90 25,72 42,53 62,37 71,20 63,9",)
NINE = ("73,20 58,5 36,8 23,25 29,44 48,48 66,36 74,17 75,21 73,46 66,75 54,98",)
LETTER_A = ("6,98 22,60 42,12 47,4 51,10 66,50 90,97", "20,64 46,59 80,61")


@dataclass(frozen=True)
class Pen:
    """What a digit is drawn with: `width` in px, the others are shares of it."""

    width: float
    pressure: float = 0.2  # how unevenly it is pressed
    shake: float = 0.12  # how far the hand strays
    grain: float = 0.0  # how much of the paper's grain stays white: 0 ink, 0.6 pencil


def curve(stroke: str, steps: int = 60) -> Floats:
    """A smooth line through the points of a stroke (a Catmull-Rom spline), in the unit box: (P,2)."""
    points = [[float(number) / 100 for number in point.split(",")] for point in stroke.split()]
    ends = np.array([points[0], *points, points[-1]])
    t = np.linspace(0, 1, steps)[:, None]
    pieces = []
    for before, start, stop, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        bend = (2 * before - 5 * start + 4 * stop - after) * t**2 + (3 * (start - stop) + after - before) * t**3
        pieces.append(start + 0.5 * ((stop - before) * t + bend))
    return np.concatenate(pieces)


def wander(count: int, rng: np.random.Generator) -> Floats:
    """A slow random walk around 0, about -1..1: (count,)."""
    knots = rng.normal(0, 0.6, max(4, count // 50))
    walk: Floats = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
    return walk


def ink(strokes: Strokes, size: tuple[int, int], box: tuple[float, float, float, float], pen: Pen, seed: int) -> Floats:
    """How much of each pixel is covered, 0..1: (H,W). `size` is W, H; `box` is left, top, width, height in px."""
    rng = np.random.default_rng(seed)
    canvas = Image.new("L", (size[0] * FINER, size[1] * FINER))
    brush = ImageDraw.Draw(canvas)
    for stroke in strokes:
        line = curve(stroke) * box[2:] + box[:2]
        count = len(line)
        line += pen.shake * pen.width * np.stack([wander(count, rng), wander(count, rng)], axis=1)
        lift = np.minimum(
            1, np.minimum(np.arange(count), np.arange(count)[::-1]) / 18
        )  # thin where it lands and leaves
        radii = 0.5 * pen.width * (1 + pen.pressure * (wander(count, rng) + 0.9 * (lift - 1)))
        for (x, y), radius in zip(line * FINER, radii * FINER, strict=True):
            brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    covered = np.asarray(canvas.resize(size, Image.Resampling.BOX)) / 255
    grain = soft_noise(size, 1.5, rng)
    worn: Floats = covered * np.clip(1 - pen.grain * (0.5 + 1.6 * grain), 0, 1)
    return worn


def soft_noise(size: tuple[int, int], spot: float, rng: np.random.Generator) -> Floats:
    """Noise with soft spots of some px, about -1..1: (H,W)."""
    shape = (int(size[1] / spot) + 2, int(size[0] / spot) + 2)
    coarse = Image.fromarray(rng.normal(0, 0.4, shape).astype(np.float32))
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float64)


def paper(size: tuple[int, int], colour: Colour, seed: int, shade: float = 0.35, rough: float = 0.02) -> Floats:
    """A sheet in uneven light, as a phone sees it: (H,W,3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[1], 0 : size[0]] / max(size)
    slope = rng.normal(0, 1, 2)
    light = 1 - shade * np.clip(0.5 + (slope[0] * (x - 0.5) + slope[1] * (y - 0.5)) / np.hypot(*slope), 0, 1)
    light += 0.015 * soft_noise(size, max(size) / 8, rng) + rough * soft_noise(size, 2, rng)
    sheet: Floats = light[:, :, None] * np.array(colour)
    return sheet


def lay(sheet: Floats, covered: Floats, colour: Colour) -> Floats:
    """Ink on a sheet: (H,W,3)."""
    return sheet * (1 - covered[:, :, None]) + np.array(colour) * covered[:, :, None]


def finish(scene: Floats, blur: float = 0.0, noise: float = 0.0, seed: int = 0) -> Image.Image:
    """The picture that a camera or scanner makes of it."""
    grain = np.random.default_rng(seed).normal(0, noise, scene.shape) if noise else 0.0
    picture = Image.fromarray(np.rint(np.clip(scene, 0, 1) * 255).astype(np.uint8))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), np.float64) / 255
    return Image.fromarray(np.rint(np.clip(soft + grain, 0, 1) * 255).astype(np.uint8))


def plain(size: tuple[int, int], colour: Colour = (1.0, 1.0, 1.0)) -> Floats:
    """An even ground: (H,W,3)."""
    ground: Floats = np.ones((size[1], size[0], 3)) * np.array(colour)
    return ground


def seven() -> Image.Image:
    """Drawn with the mouse in a paint program."""
    size = (280, 280)
    covered = ink(SEVEN, size, (70, 45, 150, 195), Pen(19, pressure=0.0, shake=0.1), 1)
    return finish(lay(plain(size), covered, (0, 0, 0))).convert("L")


def five_pencil() -> Image.Image:
    """Pencil on paper, photographed under a lamp."""
    size = (480, 560)
    covered = ink(FIVE, size, (130, 110, 220, 320), Pen(11, 0.5, 0.25, grain=0.55), 2)
    return finish(lay(paper(size, (0.93, 0.9, 0.84), 2, shade=0.45), 0.85 * covered, GRAPHITE), 0.9, 0.012, 2)


def four_chalk() -> Image.Image:
    """Chalk on a board: bright on dark."""
    size = (360, 420)
    covered = ink(FOUR, size, (80, 70, 210, 280), Pen(17, 0.3, 0.15, grain=0.35), 3)
    return finish(lay(paper(size, (0.16, 0.24, 0.21), 3, shade=0.3, rough=0.06), 0.95 * covered, CHALK), 0.6)


def three_blue() -> Image.Image:
    """A ball pen on white paper, scanned."""
    size = (220, 260)
    covered = ink(THREE, size, (55, 50, 115, 160), Pen(6, 0.35, 0.3), 4)
    return finish(lay(paper(size, (0.98, 0.98, 0.96), 4, shade=0.03, rough=0.01), 0.92 * covered, BLUE), 0.5)


def nine_red() -> Image.Image:
    """A red pen on grey recycled paper."""
    size = (320, 400)
    covered = ink(NINE, size, (85, 70, 150, 250), Pen(8, 0.4, 0.3), 5)
    return finish(lay(paper(size, (0.68, 0.67, 0.64), 5, shade=0.25, rough=0.05), 0.88 * covered, RED), 0.7, 0.01, 5)


def two_marker() -> Image.Image:
    """A thick felt marker that fills the sheet."""
    size = (300, 340)
    covered = ink(TWO, size, (55, 50, 200, 240), Pen(40, 0.15, 0.05), 6)
    return finish(lay(paper(size, (0.97, 0.96, 0.93), 6, shade=0.1), 0.94 * covered, BLACK), 0.8)


def six_corner() -> Image.Image:
    """A small thin digit in the corner of a large page."""
    size = (1200, 900)
    covered = ink(SIX, size, (960, 120, 60, 96), Pen(4.5, 0.3, 0.3), 7)
    return finish(lay(paper(size, (0.95, 0.94, 0.9), 7, shade=0.2, rough=0.01), 0.85 * covered, BLACK), 0.7, 0.006, 7)


def eight_tiny() -> Image.Image:
    """A thumbnail of 16 x 20 px."""
    large = lay(plain((128, 160)), ink(EIGHT, (128, 160), (24, 18, 84, 124), Pen(13, 0.2), 8), BLACK)
    return finish(large).convert("L").resize((16, 20), Image.Resampling.BOX)


def letter_a() -> Image.Image:
    """A letter: not a digit."""
    size = (260, 280)
    covered = ink(LETTER_A, size, (50, 50, 160, 180), Pen(10, 0.25, 0.2), 9)
    return finish(lay(plain(size, (0.97, 0.97, 0.95)), 0.95 * covered, BLACK), 0.4)


def blank_paper() -> Image.Image:
    """An empty sheet, photographed."""
    return finish(paper((480, 360), (0.9, 0.88, 0.83), 10, shade=0.4), 0.8, 0.015, 10)


def forty_two() -> Image.Image:
    """Two digits: more than the shipped model reads at once."""
    size = (400, 280)
    four = ink(FOUR, size, (60, 55, 130, 170), Pen(11, 0.25, 0.2), 11)
    two = ink(TWO, size, (215, 60, 125, 170), Pen(11, 0.25, 0.2), 12)
    return finish(lay(paper(size, (0.97, 0.97, 0.94), 11, shade=0.08), 0.93 * np.maximum(four, two), BLACK), 0.5)


def seven_crossed() -> Image.Image:
    """A crossed seven, ink on a transparent ground as an app saves it."""
    size = (240, 280)
    covered = ink(CROSSED_SEVEN, size, (50, 45, 145, 190), Pen(12, 0.3, 0.2), 13)
    black = Image.new("RGB", size, (20, 20, 30))
    black.putalpha(Image.fromarray(np.rint(covered * 255).astype(np.uint8)))
    return black


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "seven.png": seven,
    "five-pencil.jpg": five_pencil,
    "four-chalk.png": four_chalk,
    "three-blue-pen.png": three_blue,
    "nine-red-pen.jpg": nine_red,
    "two-marker.png": two_marker,
    "six-in-a-corner.jpg": six_corner,
    "eight-tiny.png": eight_tiny,
    "letter-a.png": letter_a,
    "blank-paper.jpg": blank_paper,
    "forty-two.png": forty_two,
    "seven-crossed.png": seven_crossed,
}


def main() -> None:
    """Write every picture beside this file."""
    for name, draw in PICTURES.items():
        options = {"quality": 82} if name.endswith(".jpg") else {"optimize": True}
        draw().save(Path(__file__).with_name(name), **options)


if __name__ == "__main__":
    main()
