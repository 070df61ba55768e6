"""Where each pixel of a picture lies on the flat plane that the number was laid on: turned, tilted, bent, folded.

H, W the picture in px; f how many samples a pixel has along each side; flat px = samples of the plane. `u` and `v` are
right and down from the middle, 1 at the end of the shorter half side.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane

ROOM = 1.5  # the plane is so many times as wide as the picture: what is tilted away shows more of it
FINE_SIDE = 160  # px: pictures with a longer side are sharp enough with one sample for each pixel


@dataclass(frozen=True)
class Box:
    """A rectangle on the plane, in flat px."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Frame:
    """The size of a picture and of its plane."""

    height: int
    width: int

    @property
    def fine(self) -> int:
        """Samples for each pixel along each side."""
        return 2 if max(self.height, self.width) <= FINE_SIDE else 1

    @property
    def half(self) -> float:
        """Half the shorter side in flat px: the unit of u and v."""
        return min(self.height, self.width) * self.fine / 2

    @property
    def flat(self) -> tuple[int, int]:
        """Height and width of the plane in flat px."""
        return math.ceil(self.height * self.fine * ROOM), math.ceil(self.width * self.fine * ROOM)

    @cached_property
    def rays(self) -> tuple[Plane, Plane]:
        """The u and v of each sample, shapes (1, fW) and (fH, 1)."""
        across = (np.arange(self.width * self.fine, dtype=np.float32) + 0.5) / self.half
        down = (np.arange(self.height * self.fine, dtype=np.float32) + 0.5) / self.half
        return (
            across[None] - np.float32(self.width * self.fine / 2 / self.half),
            down[:, None] - np.float32(self.height * self.fine / 2 / self.half),
        )


@dataclass(frozen=True)
class Pose:
    """How the plane is held; all 0 is flat before the camera."""

    turn_deg: float = 0.0
    slant: float = 0.0  # shear
    yaw: float = 0.0  # share by which the right border is farther than the middle
    pitch: float = 0.0  # the same for the lower border
    bulge: float = 0.0  # how far the plane falls away at the left and right borders, as round a body
    sag: float = 0.0  # how far lines hang down in the middle, in units of v
    folds: int = 0
    fold_depth: float = 0.0  # in units of u


@dataclass(frozen=True)
class Warp:
    """The plane as the camera sees it: flat px of each sample, and how bright folds and roundness make each pixel."""

    frame: Frame
    x: Plane  # (fH, fW)
    y: Plane
    shade: Plane  # (H, W), about 1

    @cached_property
    def safe(self) -> Box:
        """What is inside this rectangle of the plane is inside the picture: its border's image lies all around it."""
        fine, edge = self.frame.fine, 2.0  # a sample looks at two px of the plane
        high, wide = self.frame.flat
        return Box(
            max(0.0, float(self.x[:, :fine].max())) + edge,
            max(0.0, float(self.y[:fine].max())) + edge,
            min(wide - 1.0, float(self.x[:, -fine:].min())) - edge,
            min(high - 1.0, float(self.y[-fine:].min())) - edge,
        )

    @cached_property
    def _taps(self) -> tuple[NDArray[np.intp], Plane, Plane]:
        """The upper left neighbour of each sample and how far it is from there."""
        high, wide = self.frame.flat
        x, y = np.clip(self.x, 0, wide - 2), np.clip(self.y, 0, high - 2)
        left, top = x.astype(np.int32), y.astype(np.int32)
        return (top * wide + left).astype(np.intp), x - left, y - top

    def look(self, plane: Pixels) -> Plane:
        """The plane's values as the picture has them, each pixel the mean of its samples.

        Shapes: `plane` uint8 (flat); returns float32 (H, W) in 0..1.
        """
        index, right, down = self._taps
        flat, wide = plane.ravel(), plane.shape[1]
        upper = flat.take(index) * (1 - right) + flat.take(index + 1) * right
        lower = flat.take(index + wide) * (1 - right) + flat.take(index + wide + 1) * right
        return self.reduce(upper + (lower - upper) * down) * np.float32(1 / 255)

    def reduce(self, samples: Plane) -> Plane:
        """The mean of each pixel's samples, (fH, fW) to (H, W)."""
        if self.frame.fine == 1:
            return samples
        return (samples[::2, ::2] + samples[::2, 1::2] + samples[1::2, ::2] + samples[1::2, 1::2]) * np.float32(0.25)


def bend(frame: Frame, pose: Pose, dice: Dice) -> Warp:
    """Hold the plane in a pose; the folds are drawn.

    Only sums, products and quotients: sines and powers of whole arrays differ between processors.
    """
    u, v = frame.rays
    x: Plane
    y: Plane
    turn = math.radians(pose.turn_deg)
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    wide_by, high_by = (side / min(frame.height, frame.width) for side in (frame.width, frame.height))
    near = 1 + np.float32(pose.yaw / wide_by) * u + np.float32(pose.pitch / high_by) * v
    x, y = u / near, v / near
    x, y = cosine * x + sine * y, cosine * y - sine * x
    x = x + np.float32(pose.slant) * y
    square = x * x / np.float32(wide_by * wide_by)
    y = y + np.float32(pose.sag) * square
    shade = 1 - np.float32(1.1 * pose.bulge) * square
    x = x * (1 + np.float32(pose.bulge) * square)
    for _ in range(pose.folds):
        x, y, light = _fold(x, y, pose.fold_depth, dice)
        shade = shade + light
    high, wide = frame.flat
    half = np.float32(frame.half)
    middle = np.float32(wide / 2 - 0.5), np.float32(high / 2 - 0.5)  # sample 0 lies half a flat px from the edge
    warp = Warp(frame, x * half + middle[0], y * half + middle[1], shade)
    return Warp(frame, warp.x, warp.y, np.clip(warp.reduce(shade), 0.3, 1.5))


def _fold(x: Plane, y: Plane, depth: float, dice: Dice) -> tuple[Plane, Plane, Plane]:
    """Lay one fold across the plane; returns the moved places and how much brighter its flanks are."""
    angle = dice.between(0, math.pi)
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    across = x * cosine + y * sine
    along = y * cosine - x * sine
    width = dice.between(0.1, 0.45)
    at = (across - np.float32(dice.lean(1.1)) + np.float32(dice.lean(0.4)) * along * along) / np.float32(width)
    reach = along / np.float32(dice.between(0.6, 2.0)) + np.float32(dice.lean(0.6))
    height = 1 / ((1 + at * at) * (1 + reach * reach))
    slope = at * height * height
    push = np.float32(depth * dice.between(0.3, 1.0) * width) * slope
    light = np.float32(dice.between(-1, 1) * min(1.0, 12 * depth)) * slope
    return x + push * cosine * 4, y + push * sine * 4, light
