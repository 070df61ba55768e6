"""Pictures of known digits and of nothing, made harder on purpose: what `real_pictures.py` reads.

H, W in px; a digit is uint8 (28,28), bright on black.
"""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]
Scene = Callable[[Pixels, np.random.Generator], Pixels]


def resized(digit: Pixels, share: float) -> Pixels:
    """The digit at another size."""
    side = max(1, round(len(digit) * share))
    return np.asarray(
        Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC if share > 1 else Image.Resampling.BOX)
    )


def on_canvas(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Anywhere on a canvas twice as large."""
    canvas = np.zeros((56, 56), np.uint8)
    y, x = rng.integers(0, 29, 2)
    canvas[y : y + 28, x : x + 28] = digit
    return canvas


def on_paper(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Dark ink on paper of any grey from 60 to 240."""
    paper = rng.uniform(60, 240)
    ink = paper * rng.uniform(0, 0.35)
    return (paper + (ink - paper) * (digit / 255)).round().astype(np.uint8)


def on_slope(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Dark ink on paper under a slope of light of up to 80 levels."""
    rows, columns = np.mgrid[0:28, 0:28] / 27 - 0.5
    angle, levels = rng.uniform(0, 2 * np.pi), rng.uniform(0, 80)
    slope = np.cos(angle) * rows + np.sin(angle) * columns
    paper = 190 + levels * slope / max(1e-6, float(np.ptp(slope)))
    return (paper * (1 - 0.8 * digit / 255)).round().clip(0, 255).astype(np.uint8)


def with_specks(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """Bright specks of one pixel on one pixel in a hundred."""
    return np.where(rng.random(digit.shape) < 0.01, 255, digit).astype(np.uint8)


def with_line(digit: Pixels, rng: np.random.Generator) -> Pixels:
    """A form line of 1 or 2 px along one edge of a slightly larger cell."""
    turns = int(rng.integers(4))
    cell = np.rot90(np.pad(digit, 4), turns).copy()
    cell[: rng.integers(1, 3)] = 220
    return np.ascontiguousarray(np.rot90(cell, -turns))


def pen(colour: tuple[int, int, int]) -> Scene:
    """A coloured pen on white."""

    def draw(digit: Pixels, rng: np.random.Generator) -> Pixels:
        share = digit[..., None] / 255
        return (255 + (np.array(colour) - 255) * share).round().astype(np.uint8)

    return draw


SCENES: Mapping[str, tuple[Scene, float]] = {
    "inverted": (lambda digit, rng: 255 - digit, 0.99),
    "anywhere on a canvas twice as large": (on_canvas, 0.99),
    "at 0.7 to 3 times the size": (lambda digit, rng: resized(digit, rng.uniform(0.7, 3)), 0.99),
    "at half the size": (lambda digit, rng: resized(digit, 0.5), 0.97),
    "on paper of grey 60 to 240": (on_paper, 0.99),
    "under a slope of up to 80 levels": (on_slope, 0.99),
    "with salt specks": (with_specks, 0.98),
    "with a form line at the edge": (with_line, 0.98),
    "red pen": (pen((200, 20, 30)), 0.99),
    "blue pen": (pen((30, 40, 180)), 0.99),
    "green pen": (pen((20, 130, 50)), 0.99),
}


def strokes(lines: Sequence[NDArray[np.int16]], width: int, side: int = 280) -> Pixels:
    """Pen strokes, points (P,2) with y up, drawn dark on white with a round pen of `width` px."""
    points = np.concatenate(lines).astype(float)
    low, span = points.min(0), max(1.0, float(np.ptp(points, axis=0).max()))
    free = side - 2 * (0.1 * side + width / 2)
    picture = Image.new("L", (side * 2, side * 2), 255)
    pencil = ImageDraw.Draw(picture)
    for line in lines:
        at = (line - low) / span * free
        at[:, 1] = np.ptp(points, axis=0)[1] / span * free - at[:, 1]
        at = (at + (side - np.ptp(points, axis=0) / span * free) / 2) * 2
        pencil.line([tuple(point) for point in at], fill=0, width=2 * width, joint="curve")
        for x, y in at:
            pencil.ellipse((x - width, y - width, x + width, y + width), fill=0)
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def empty_page(kind: str, rng: np.random.Generator) -> Pixels:
    """Paper with nothing on it, uint8 (H,W,3): white, grey, slope, noise, jpeg or texture."""
    height = int(rng.choice([28, 64, 100, 280]))
    width = int(height * rng.uniform(0.7, 1.4))
    colour = rng.integers(60, 256, 3) if rng.random() < 0.3 else np.full(3, rng.integers(60, 256))
    page = np.ones((height, width, 3)) * (255 if kind == "white" else colour)
    rows, columns = np.mgrid[0:height, 0:width]
    if kind in ("slope", "noise", "jpeg", "texture"):
        angle = rng.uniform(0, 2 * np.pi)
        light = np.cos(angle) * columns / width + np.sin(angle) * rows / height
        page += (light - light.mean())[..., None] * rng.uniform(0, 80 if kind == "slope" else 40)
    if kind in ("noise", "jpeg"):
        page += rng.normal(0, rng.uniform(1, 8), (height, width, 3 if rng.random() < 0.5 else 1))
    if kind == "texture":
        page += _texture(height, width, rng)[..., None] * rng.uniform(1, 8)
    pixels = page.clip(0, 255).astype(np.uint8)
    if kind == "jpeg":
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.integers(10, 96)))
        pixels = np.asarray(Image.open(buffer).convert("RGB"))
    return pixels


EMPTY = ("white", "grey", "slope", "noise", "jpeg", "texture")


def _texture(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of several scales, deviation 1, as walls, cloth and paper have in photos."""
    total = np.zeros((height, width))
    for scale in (2, 4, 8, 16, 32):
        if scale < min(height, width):
            small = rng.normal(0, 1, (max(2, height // scale), max(2, width // scale))).astype(np.float32)
            total += np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)) * scale**0.5
    return total / total.std()
