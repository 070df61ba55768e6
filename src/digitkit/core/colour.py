"""Any Pillow mode to what a person sees: RGB on white paper, reduced on the way.

H height, W width in px.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.float64]

WIDE_GREYS = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
FULL_SCALES = (255.0, 65535.0, 2.0**31 - 1)  # the brightest values of 8, 16 and 32 bit
BAND_PIXELS = 2_000_000  # converted at a time: a picture of 50 million pixels costs its own memory and little more
WHITE_IS_ZERO = 0  # TIFF 6.0, tag 262; Pillow turns 8 bit of this kind, but not 16 bit
PHOTOMETRIC = 262

# What to do for each EXIF orientation: swap the axes first, then reverse these axes (0 down, 1 across).
TURNS: dict[int, tuple[bool, tuple[int, ...]]] = {
    2: (False, (1,)),
    3: (False, (0, 1)),
    4: (False, (0,)),
    5: (True, ()),
    6: (True, (1,)),
    7: (True, (0, 1)),
    8: (True, (0,)),
}


def see(picture: Image.Image, longest: int) -> Pixels:
    """Show a loaded picture on white paper, its longest side at most `longest` px.

    Shapes: returns uint8 (H,W,3), C-contiguous.
    Raises: ValueError when the values have no meaning as brightness; Pillow's errors.
    """
    white = _full_scale(picture)
    width, height = picture.size
    if max(width, height) <= longest:
        return np.array(_on_white(picture, white), dtype=np.uint8)
    wide, high = (max(1, round(side * longest / max(width, height))) for side in (width, height))
    seen = np.empty((high, wide, 3), np.uint8)
    step = max(1, BAND_PIXELS * high // (width * height))  # rows of the result in one band
    for top in range(0, high, step):
        bottom = min(top + step, high)
        first, last = top * height / high, bottom * height / high
        above = int(first)
        band = _on_white(picture.crop((0, above, width, math.ceil(last))), white)
        box = (0, first - above, width, last - above)
        seen[top:bottom] = np.asarray(band.resize((wide, bottom - top), Image.Resampling.BOX, box))
    return seen


def in_colour(grey: Pixels) -> Pixels:
    """Grey in three equal channels: uint8 (...) -> (...,3), C-contiguous; a broadcast copy takes six times as long."""
    return np.stack([grey, grey, grey], -1)


def turn(pixels: Pixels, orientation: int) -> Pixels:
    """Turn a picture as its EXIF orientation says, 1 to 8; anything else leaves it as it is."""
    swap, reverse = TURNS.get(orientation, (False, ()))
    upright = pixels.swapaxes(0, 1) if swap else pixels
    return np.ascontiguousarray(np.flip(upright, reverse))


def _on_white(picture: Image.Image, white: float) -> Image.Image:
    """One band of a picture as RGB, transparent parts white."""
    if picture.mode in WIDE_GREYS:
        return Image.fromarray(_eight_bits(picture, white)).convert("RGB")
    if picture.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        turned = ImageCms.profileToProfile(picture, *profiles, outputMode="RGB")
        assert turned is not None, "profileToProfile returns a picture when it does not work in place"
        return turned
    if picture.mode in ("La", "RGBa") or picture.has_transparency_data:
        ink = (picture if picture.mode != "La" else picture.convert("LA")).convert("RGBA")
        paper = Image.new("RGBA", ink.size, "white")
        return Image.alpha_composite(paper, ink).convert("RGB")
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image, white: float) -> Pixels:
    """Grey of 16 or 32 bit or floats as uint8 (H,W), rounded."""
    values: Numbers = np.asarray(picture).astype(np.float64)
    clear = picture.info.get("transparency")
    if isinstance(clear, int):  # PNG: the one grey that stands for "nothing here"
        values[values == clear] = white
    grey = np.rint(values * (255 / white)).astype(np.uint8)
    tags = getattr(picture, "tag_v2", {})
    return 255 - grey if picture.mode == "I;16" and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else grey


def _full_scale(picture: Image.Image) -> float:
    """The value that stands for white in a wide grey; 255 in other modes.

    16 bit is what the mode says. Integers of 32 bit and floats do not say: we take the smallest usual range that
    holds all values.
    """
    if picture.mode not in WIDE_GREYS:
        return 255.0
    if picture.mode.startswith("I;16") or (picture.format == "PPM" and picture.mode == "I"):
        return 65535.0
    darkest, brightest = _extremes(picture)
    scales = (1.0, *FULL_SCALES) if picture.mode == "F" else FULL_SCALES
    if not 0 <= darkest <= brightest <= scales[-1]:  # NaN fails too
        raise ValueError(f"values from {darkest:g} to {brightest:g} are no brightness, expected 0 to 1, 255 or 65535")
    return next(scale for scale in scales if brightest <= scale)


def _extremes(picture: Image.Image) -> tuple[float, float]:
    """The smallest and the largest value, NaN where there is one; numpy never holds a copy of the whole picture."""
    width, height = picture.size
    step = max(1, BAND_PIXELS // width)
    bands = (picture.crop((0, top, width, min(top + step, height))) for top in range(0, height, step))
    ends = np.array([(values.min(), values.max()) for values in map(np.asarray, bands)], np.float64)
    return float(ends[:, 0].min()), float(ends[:, 1].max())
