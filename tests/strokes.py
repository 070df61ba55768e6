"""Digits drawn in memory as pen strokes, so that tests need neither files nor network.

Strokes are polylines in a unit box, x to the right, y down. N pictures, S side in px.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitkit.core.digitset import Dense, DigitSet, origins_of
from digitkit.core.picture import Pixels

Stroke = NDArray[np.float64]  # (P, 2) points
CLASSES = tuple("0123456789")
FINER = 4  # drawn this many times larger, then averaged: soft edges as a pen leaves them


def arc(centre: tuple[float, float], radii: tuple[float, float], start_deg: float, end_deg: float) -> Stroke:
    """A piece of an ellipse; 0 degrees is to the right, 90 degrees is down."""
    angles = np.radians(np.linspace(start_deg, end_deg, 24))
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1)


def line(*points: tuple[float, float]) -> Stroke:
    """Straight pieces from point to point."""
    return np.array(points, np.float64)


def joined(*strokes: Stroke) -> Stroke:
    """Strokes drawn without lifting the pen."""
    return np.concatenate(strokes)


# How people write each digit; several forms where they do not agree.
FORMS: tuple[tuple[tuple[Stroke, ...], ...], ...] = (
    ((arc((0.5, 0.5), (0.28, 0.45), -90, 275),), (arc((0.5, 0.5), (0.36, 0.42), -70, 290),)),
    ((line((0.5, 0.05), (0.5, 0.95)),), (line((0.3, 0.25), (0.52, 0.05), (0.52, 0.95)),)),
    ((joined(arc((0.48, 0.3), (0.28, 0.25), -170, 40), line((0.18, 0.93), (0.85, 0.93))),),),
    ((joined(arc((0.45, 0.27), (0.27, 0.22), -150, 85), arc((0.45, 0.71), (0.3, 0.24), -85, 150)),),),
    (
        (line((0.62, 0.05), (0.15, 0.65), (0.88, 0.65)), line((0.65, 0.35), (0.65, 0.97))),
        (line((0.22, 0.08), (0.2, 0.5), (0.75, 0.5)), line((0.75, 0.05), (0.72, 0.97))),
    ),
    (
        (joined(line((0.78, 0.07), (0.3, 0.07), (0.27, 0.45)), arc((0.45, 0.66), (0.31, 0.28), -110, 140)),),
        (
            joined(line((0.3, 0.08), (0.28, 0.44)), arc((0.45, 0.66), (0.3, 0.28), -110, 140)),
            line((0.3, 0.08), (0.8, 0.06)),
        ),
    ),
    ((joined(arc((0.68, 0.6), (0.45, 0.56), -100, -180), arc((0.5, 0.7), (0.27, 0.25), -180, 180)),),),
    (
        (line((0.15, 0.08), (0.82, 0.08), (0.4, 0.96)),),
        (line((0.15, 0.08), (0.82, 0.08), (0.4, 0.96)), line((0.35, 0.5), (0.75, 0.5))),
    ),
    ((arc((0.5, 0.28), (0.24, 0.22), 90, 450), arc((0.5, 0.73), (0.29, 0.24), -90, 270)),),
    (
        (joined(arc((0.47, 0.3), (0.25, 0.24), 0, -360), line((0.72, 0.3), (0.68, 0.96))),),
        (joined(arc((0.48, 0.3), (0.25, 0.24), 0, -360), arc((0.3, 0.4), (0.43, 0.55), -10, 80)),),
    ),
)


def jittered(strokes: tuple[Stroke, ...], rng: np.random.Generator) -> tuple[Stroke, ...]:
    """The same digit by another hand: turned, slanted, stretched, moved, and with a slightly shaking pen."""
    turn = np.radians(rng.uniform(-10, 10))
    slant = rng.uniform(-0.1, 0.25)
    width, height = rng.uniform(0.75, 1.05), rng.uniform(0.85, 1.05)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = turned @ np.array([[width, -slant], [0, height]])
    middle = 0.5 + rng.uniform(-0.06, 0.06, 2)
    return tuple((stroke - 0.5 + rng.normal(0, 0.008, stroke.shape)) @ matrix.T + middle for stroke in strokes)


def draw(strokes: tuple[Stroke, ...], side: int, pen: float) -> Pixels:
    """Bright ink on black, uint8 (S,S); the unit box fills the middle 20/28, `pen` is a share of the side."""
    large = side * FINER
    canvas = Image.new("L", (large, large))
    pencil = ImageDraw.Draw(canvas)
    radius = pen * large / 2
    for stroke in strokes:
        points = [(float(x), float(y)) for x, y in (stroke * 20 + 4) / 28 * large]
        pencil.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in (points[0], points[-1]):
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(canvas.resize((side, side), Image.Resampling.BOX))


def draw_digits(n: int, rng: np.random.Generator, side: int = 28) -> DigitSet:
    """`n` digits, each class as often as the others, in random order: uint8 (N,S,S), bright ink on black."""
    labels = rng.permutation(np.arange(n) % len(CLASSES))
    pictures = np.zeros((n, side, side), np.uint8)
    for index, label in enumerate(labels):
        forms = FORMS[label]
        strokes = jittered(forms[rng.integers(len(forms))], rng)
        pictures[index] = draw(strokes, side, pen=rng.uniform(0.07, 0.13))
    return DigitSet(Dense(pictures), labels.astype(np.int64), CLASSES, origins_of("drawn", "train", n))
