"""Frames as a camera would see them: a digit on uneven, noisy paper, a sleeve at the border."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from digitkit.core.picture import Pixels
from tests.strokes import FORMS

WIDTH, HEIGHT = 640, 480


def frame(label: int, left: int, top: int, rng: np.random.Generator, side: int = 150) -> Pixels:
    """One frame with a digit of `side` px there: uint8 (480,640,3)."""
    paper = Image.fromarray(np.tile(np.linspace(150, 210, WIDTH, dtype=np.uint8), (HEIGHT, 1))).convert("RGB")
    pen = ImageDraw.Draw(paper)
    pen.rectangle((0, 400, 180, HEIGHT), fill=(90, 60, 50))
    for stroke in FORMS[label][0]:
        pen.line([(left + x * side, top + y * side) for x, y in stroke], fill=(40, 40, 90), width=11, joint="curve")
    blurred = np.asarray(paper.filter(ImageFilter.GaussianBlur(1.2)), np.float64)
    return np.clip(blurred + rng.normal(0, 6, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)


def empty(rng: np.random.Generator) -> Pixels:
    """Paper only: uint8 (480,640,3)."""
    return np.clip(rng.normal(190, 4, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
