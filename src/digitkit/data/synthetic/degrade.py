"""What a camera, a scanner and a file format do to a picture: light, blur, shake, few pixels, noise, JPEG.

H, W the picture in px. Lengths are px in a picture 64 px high, and grow with it.
"""

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFilter

from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.scene import bounds_of, to_pixels

Span = tuple[float, float]  # lowest, highest

USUAL_HEIGHT = 64
LEAST_LEGIBLE = 12  # px: a number is not shrunk below this height
MOST_BLUR = 0.045  # of the number's height: more would close the bowls of an 8
MOST_SHAKE = 0.1


@dataclass(frozen=True)
class Degradation:
    """How strong each step is; `share` of the pictures get it."""

    share: float = 0.6  # 0..1
    light: Span = (0.6, 1.25)  # times the brightness, uneven and coloured a little as well
    blur: Span = (0.3, 1.3)  # px, standard deviation
    shake: Span = (1.0, 4.0)  # px, along a line
    shrink: Span = (1.0, 2.6)  # times fewer px, then back to size
    noise: Span = (1.0, 10.0)  # standard deviation, of 255
    jpeg: Span = (25, 92)  # quality

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.share <= 1:
            raise ConfigError(f"degrade.share is {self.share}, expected a share from 0 to 1.")


DEFAULTS: Mapping[str, Degradation] = MappingProxyType(
    {
        "jersey": Degradation(),
        "print": Degradation(share=0.5, shake=(0.5, 2.0), light=(0.7, 1.15)),
        "handwriting": Degradation(share=0.4, blur=(0.3, 0.9), shake=(0.5, 1.5), light=(0.75, 1.15)),
    }
)


def degrade(surface: Plane, ink: Plane, how: Degradation, dice: Dice) -> Pixels:
    """A picture as it would have been taken.

    Shapes: `surface` float32 (3, H, W), 0..255; `ink` float32 (H, W); returns uint8 (H, W, 3).
    """
    bounds = bounds_of(ink)
    number = min(bounds.bottom - bounds.top, surface.shape[1])
    scale = surface.shape[1] / USUAL_HEIGHT
    if dice.chance(how.share):
        surface = _light(surface, dice.between(*how.light), dice)
    if dice.chance(how.share * 0.5):
        surface = _shake(surface, min(dice.between(*how.shake) * scale, MOST_SHAKE * number), dice)
    pixels = to_pixels(surface)
    if dice.chance(how.share):
        sigma = min(dice.between(*how.blur) * scale, MOST_BLUR * number)
        pixels = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(sigma)))
    if dice.chance(how.share * 0.6):
        pixels = _shrink(pixels, min(dice.between(*how.shrink), max(1.0, number / LEAST_LEGIBLE)), dice)
    if dice.chance(how.share):
        pixels = _add_noise(pixels, dice.between(*how.noise), dice)
    if dice.chance(how.share):
        pixels = _compress(pixels, round(dice.between(*how.jpeg)))
    return pixels


def _light(surface: Plane, gain: float, dice: Dice) -> Plane:
    """Another exposure, white balance and direction of the light."""
    _, high, wide = surface.shape
    white = np.array([1 + dice.lean(0.09), 1 + dice.lean(0.03), 1 + dice.lean(0.09)], np.float32) * np.float32(gain)
    across = np.linspace(-1, 1, wide, dtype=np.float32)[None] * np.float32(dice.lean(0.25))
    down = np.linspace(-1, 1, high, dtype=np.float32)[:, None] * np.float32(dice.lean(0.25))
    haze = np.float32(max(0.0, dice.lean(50)))  # stray light: black becomes grey
    return surface * (white[:, None, None] * (1 + across + down) * (1 - haze / 255)) + haze


def _shake(surface: Plane, length: float, dice: Dice) -> Plane:
    """The mean of the picture along a short line; the border stands still."""
    angle = dice.between(0, math.pi)
    count = max(2, min(16, math.ceil(length) + 1))
    _, high, wide = surface.shape
    rows, columns = np.arange(high), np.arange(wide)
    total = np.zeros_like(surface)
    for step in range(count):
        away = length * (step / (count - 1) - 0.5)
        down = np.clip(rows + round(away * math.sin(angle)), 0, high - 1)
        across = np.clip(columns + round(away * math.cos(angle)), 0, wide - 1)
        total += surface.take(down, axis=1).take(across, axis=2)
    return total / np.float32(count)


def _shrink(pixels: Pixels, times: float, dice: Dice) -> Pixels:
    """Fewer pixels, then as many as before."""
    high, wide = pixels.shape[:2]
    size = max(1, round(wide / times)), max(1, round(high / times))
    small = Image.fromarray(pixels).resize(size, dice.pick((Image.Resampling.BOX, Image.Resampling.BILINEAR)))
    back = dice.pick((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST))
    return np.asarray(small.resize((wide, high), back))


def _add_noise(pixels: Pixels, strength: float, dice: Dice) -> Pixels:
    """Noise of a sensor: most of it grey, some of it coloured."""
    high, wide = pixels.shape[:2]
    grey = dice.grain(high, wide, 1) * np.float32(strength * 0.85)
    colour = dice.grain(high, wide, 3) * np.float32(strength * 0.5)
    noisy: Pixels = np.clip(pixels + grey + colour + np.float32(0.5), 0, 255).astype(np.uint8)
    return noisy


def _compress(pixels: Pixels, quality: int) -> Pixels:
    """There and back through JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
