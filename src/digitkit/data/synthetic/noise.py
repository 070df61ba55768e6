"""What cameras, scanners and chance give where nothing is written: noise, textures, gradients, blots, print screens.

H, W the picture in px. Planes are float32 (H, W), of any range until they become a picture.
"""

import io
import math
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.scene import clouds, ramp, stripes
from digitkit.data.synthetic.scribbles import sides_of
from digitkit.data.synthetic.warp import Frame

BLOCK = 8  # px, of a JPEG

Texture = Callable[[Frame, Dice], Plane]


def draw_noise(dice: Dice) -> Pixels:
    """One picture of nothing in grey: uint8 (H, W)."""
    frame = Frame(*sides_of(dice))
    plane = dice.weigh(TEXTURES)(frame, dice)
    if dice.chance(0.25):
        plane = plane + dice.grain(*plane.shape) * np.float32(dice.between(0.02, 0.2) * _range(plane))
    low = float(plane.min())
    darkest = dice.between(0, 120) if dice.chance(0.6) else 0.0
    brightest = dice.between(darkest + 60, 255) if dice.chance(0.6) else 255.0
    share = (plane - np.float32(low)) * np.float32((brightest - darkest) / _range(plane))
    pixels: Pixels = np.clip(share + np.float32(darkest + 0.5), 0, 255).astype(np.uint8)
    return pixels


def _range(plane: Plane) -> float:
    return max(1e-6, float(plane.max() - plane.min()))


def _white(frame: Frame, dice: Dice) -> Plane:
    """Noise of each pixel for itself, sometimes only its peaks."""
    plane = dice.grain(frame.height, frame.width)
    if dice.chance(0.5):
        return plane
    peak = np.float32(dice.between(0.3, 2.2))
    peaks: Plane = (plane > peak).astype(np.float32) - (plane < -peak).astype(np.float32)
    return peaks


def _coloured(frame: Frame, dice: Dice) -> Plane:
    """Noise of several scales, the coarse ones stronger or weaker."""
    fall = dice.between(0.4, 1.6)
    plane = np.zeros((frame.height, frame.width), np.float32)
    for octave in range(4):
        plane += clouds(frame, 3 * 2**octave + 1, dice) * np.float32(fall**octave)
    return plane


def _folded(frame: Frame, dice: Dice) -> Plane:
    """Ridges or patches, as of marble, crumpled paper, camouflage."""
    plane = clouds(frame, dice.whole(4, 14), dice)
    if dice.chance(0.5):
        ridges: Plane = np.abs(plane)
        return ridges
    return ramp(plane - np.float32(dice.lean(0.8)), dice.between(0.02, 0.3))


def _gradient(frame: Frame, dice: Dice) -> Plane:
    """Light from one side or from a spot, with a little grain as of a sensor."""
    x, y = grid(frame)
    angle = dice.between(0, 2 * math.pi)
    plane = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    if dice.chance(0.5):
        plane = np.sqrt((x - np.float32(dice.lean(1))) ** 2 + (y - np.float32(dice.lean(1))) ** 2)
    grainy: Plane = plane + dice.grain(*plane.shape) * np.float32(dice.between(0, 0.1))
    return grainy


def _blots(frame: Frame, dice: Dice) -> Plane:
    """Spots with soft or hard edges, three at least."""
    x, y = grid(frame)
    uneven = clouds(frame, 8, dice) * np.float32(dice.between(0, 0.08))
    plane = np.zeros_like(uneven)
    for _ in range(dice.whole(3, 12)):
        across, down = x - np.float32(dice.between(-1, 1)), y - np.float32(dice.between(-1, 1))
        away = np.sqrt(across * across + down * down * np.float32(dice.between(0.5, 2))) + uneven
        plane = np.maximum(plane, ramp(np.float32(dice.between(0.05, 0.4)) - away, dice.between(0.02, 0.3)))
    return plane


def _halftone(frame: Frame, dice: Dice) -> Plane:
    """Dots on a slanted lattice whose size tells how dark it would be."""
    x, y = grid(frame)
    angle, period = dice.between(0, math.pi / 2), dice.between(0.12, 0.45)
    cosine, sine = (np.float32(turn(angle) / period) for turn in (math.cos, math.sin))
    across, down = x * cosine + y * sine, y * cosine - x * sine
    away = np.sqrt(sum((place - np.round(place)) ** 2 for place in (across, down)))
    return ramp(np.float32(0.35) + clouds(frame, 4, dice) * np.float32(0.12) - away, 0.15)


def _striped(frame: Frame, dice: Dice) -> Plane:
    """Regular stripes, straight or as of wood: at least four of them."""
    x, y = grid(frame)
    angle, bend = dice.between(0, math.pi), dice.between(0, 0.25) * dice.chance(0.5)
    place = (
        x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle)) + clouds(frame, 5, dice) * np.float32(bend)
    )
    return stripes(place, dice.between(0.1, 0.45), dice.between(0.2, 0.8), dice.between(0.02, 0.1))


def _bars(frame: Frame, dice: Dice) -> Plane:
    """Bars of random width and tone side by side, as of a code that tills read: many of them."""
    across = dice.chance(0.5)
    side = frame.width if across else frame.height
    widest = dice.whole(2, max(3, side // 6))
    tones: list[float] = []
    while len(tones) < side:
        tone = float(len(tones) % 2) if dice.chance(0.5) else dice.unit()
        tones += [tone] * dice.whole(1, widest)
    line = np.array(tones[:side], np.float32)
    return np.tile(line, (frame.height, 1)) if across else np.tile(line[:, None], (1, frame.width))


def _patched(frame: Frame, dice: Dice) -> Plane:
    """Blocks of one tone each, or a chessboard."""
    cells = dice.whole(4, 12)
    tones = dice.grain(cells, cells)
    if dice.chance(0.3):
        tones = (np.arange(cells)[:, None] + np.arange(cells)[None]).astype(np.float32) % 2
    rows, columns = (np.arange(side) * cells // side for side in (frame.height, frame.width))
    return tones[rows][:, columns]


def _compressed(frame: Frame, dice: Dice) -> Plane:
    """Noise after a JPEG that left little of it: blocks of 8 px with waves in them."""
    rough = clouds(frame, dice.whole(4, 20), dice) * np.float32(dice.between(10, 40)) + np.float32(128)
    file = io.BytesIO()
    Image.fromarray(np.clip(rough, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=dice.whole(3, 20))
    with Image.open(file) as picture:
        plane = np.asarray(picture).astype(np.float32)
    if _range(plane) < BLOCK:  # nothing was left
        return _patched(frame, dice)
    return plane


def grid(frame: Frame) -> tuple[Plane, Plane]:
    """How far right and down each pixel is, -1 to 1: (1, W) and (H, 1)."""
    x = np.linspace(-1, 1, frame.width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, frame.height, dtype=np.float32)[:, None]
    return x, y


TEXTURES: Mapping[Texture, float] = {
    _white: 1.5, _coloured: 2, _folded: 1, _gradient: 1, _blots: 1, _halftone: 1, _striped: 1, _bars: 1, _patched: 1,
    _compressed: 1,
}  # fmt: skip
