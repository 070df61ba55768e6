"""The cloth of a jersey and what is seen around it.

H, W the picture in px. Surfaces are float32 (3, H, W), 0..255.
"""

import numpy as np
from PIL import Image

from digitkit.data.synthetic.colours import PALETTE, Rgb, contrast, mix, rgb, vary
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.scene import Bounds, clouds, filled, paint, places, ramp, stripes
from digitkit.data.synthetic.warp import Frame, Warp

PATTERNS = {
    "plain": 9.0, "stripes": 2.0, "pinstripes": 1.5, "hoops": 1.5, "fade": 1.5,
    "sash": 0.8, "halves": 0.6, "chevron": 0.5,
}  # fmt: skip
WORLD: tuple[tuple[str, Rgb, float], ...] = (  # what is behind a player, and how much it varies
    ("grass", (70, 118, 52), 16), ("court", (186, 138, 88), 18), ("crowd", (92, 86, 90), 42),
    ("hall", (58, 60, 70), 26), ("sky", (176, 196, 214), 14), ("boards", (120, 122, 130), 60),
)  # fmt: skip
SKIN: tuple[Rgb, ...] = ((238, 200, 172), (214, 166, 130), (166, 116, 82), (110, 74, 52), (74, 50, 38))


def weave(warp: Warp, ground: Rgb, ink: Rgb, dice: Dice) -> Plane:
    """Cloth of a colour, with a pattern that follows its folds."""
    surface = filled(warp.frame, ground)
    x, y = places(warp)
    pattern = dice.weigh(PATTERNS)
    if pattern != "plain":
        paint(surface, _pattern(pattern, x, y, warp.frame, dice), _second(ground, ink, dice))
    if dice.chance(0.22):
        holes = _mesh(x, y, dice)
        paint(surface, holes, mix(ground, (0, 0, 0), dice.between(0.2, 0.5)))
    if dice.chance(0.25):
        surface += clouds(warp.frame, 8, dice) * np.float32(dice.between(1, 6))
    surface += dice.grain(warp.frame.height, warp.frame.width) * np.float32(dice.between(0.5, 4))
    return surface


def _second(ground: Rgb, ink: Rgb, dice: Dice) -> Rgb:
    """The other colour of a pattern: a tone of the first, or one that the ink stands out from as well."""
    if dice.chance(0.5):
        other = vary(rgb(dice.pick(tuple(PALETTE))), dice)
        if contrast(other, ink) > 0.4:
            return other
    return mix(ground, (0, 0, 0) if sum(ground) > 200 else (255, 255, 255), dice.between(0.08, 0.25))


def _pattern(pattern: str, x: Plane, y: Plane, frame: Frame, dice: Dice) -> Plane:
    """Where a pattern has its other colour."""
    pixel = 2.0 / min(frame.height, frame.width)
    if pattern == "stripes":
        return stripes(x + dice.between(0, 1), dice.between(0.25, 0.9), dice.between(0.3, 0.6), pixel)
    if pattern == "pinstripes":
        return stripes(x + dice.between(0, 1), dice.between(0.16, 0.4), dice.between(0.06, 0.16), pixel)
    if pattern == "hoops":
        return stripes(y + dice.between(0, 1), dice.between(0.3, 1.0), dice.between(0.3, 0.6), pixel)
    if pattern == "fade":
        return ramp(y * dice.pick((-1, 1)) + dice.lean(0.6), dice.between(0.8, 2.2)) * np.float32(0.8)
    if pattern == "sash":
        return ramp(dice.between(0.15, 0.35) - np.abs(x + dice.pick((-1, 1)) * y + dice.lean(0.3)), pixel)
    if pattern == "halves":
        return ramp(x * dice.pick((-1, 1)) + dice.lean(0.3), pixel)
    return ramp(dice.between(0.1, 0.25) - np.abs(y + np.abs(x) * 0.8 - dice.between(-0.4, 0.6)), pixel)


def _mesh(x: Plane, y: Plane, dice: Dice) -> Plane:
    """The small holes of sports cloth."""
    period = dice.between(0.07, 0.16)
    return stripes(x, period, 0.45, period * 0.4) * stripes(y, period, 0.45, period * 0.4)


def surround(surface: Plane, number: Bounds, frame: Frame, dice: Dice) -> None:
    """Show what is beside the player and above the collar, never over the number."""
    across = np.arange(frame.width, dtype=np.float32)[None] + np.float32(0.5)
    down = np.arange(frame.height, dtype=np.float32)[:, None] + np.float32(0.5)
    outside = np.zeros((frame.height, frame.width), np.float32)
    for side, gap in ((1, number.left), (-1, frame.width - number.right)):
        if gap >= 3 and dice.chance(0.4):
            lean = dice.lean(0.25)
            reach = (down - np.float32((number.top + number.bottom) / 2)) * np.float32(lean)
            edge = dice.between(0, gap - 2) - abs(lean) * (number.bottom - number.top) / 2
            near = across if side == 1 else frame.width - across
            outside = np.maximum(outside, ramp(np.float32(edge) - near + reach, 1.5))
    if number.top >= frame.height * 0.12 and dice.chance(0.3):
        _collar(surface, number, across, down, dice)
    if outside.any():
        surface += (_world(frame, dice) - surface) * outside


def _collar(surface: Plane, number: Bounds, across: Plane, down: Plane, dice: Dice) -> None:
    """The neck and the rim of the collar, above the number."""
    wide = surface.shape[2]
    middle, reach = (number.left + number.right) / 2 + dice.lean(0.1) * wide, dice.between(0.2, 0.4) * wide
    depth = max(2.0, number.top - 3.0) * dice.between(0.5, 0.9)
    side = (across - np.float32(middle)) / np.float32(reach)
    far = np.float32(depth) * (1 - side * side) - down  # px above the lower edge of the neck
    rim = max(1.5, 0.12 * depth)
    paint(surface, ramp(far + np.float32(rim), 1.0), rgb(dice.pick(tuple(PALETTE))))
    paint(surface, ramp(far, 1.0), vary(dice.pick(SKIN), dice))


def _world(frame: Frame, dice: Dice) -> Plane:
    """Out of focus: grass, a court, people."""
    _, colour, spread = dice.pick(WORLD)
    cells = dice.whole(3, 9)
    coarse = np.array(colour, np.float32)[:, None, None] + dice.grain(1, cells, cells) * np.float32(spread)
    coarse = coarse + dice.grain(3, cells, cells) * np.float32(spread / 2)
    small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy())
    smooth = np.asarray(small.resize((frame.width, frame.height), Image.Resampling.BICUBIC))
    return smooth.transpose(2, 0, 1).astype(np.float32)
