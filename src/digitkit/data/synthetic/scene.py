"""What every style makes a picture of: an order, faces or handwriting to draw it with, and a painted surface.

H, W the picture in px. Surfaces are float32 (3, H, W), 0..255; masks float32 (H, W), 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.colours import Pair, Rgb
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.faces import Face
from digitkit.data.synthetic.hand import Hand
from digitkit.data.synthetic.warp import Frame, Warp

SEEN = 1 / 255  # coverage below this leaves no trace in a picture


@dataclass(frozen=True)
class Order:
    """One picture to draw: its number, and its colours unless the style chooses them."""

    label: str
    frame: Frame
    pair: Pair | None = None
    contrast: float = 0.25  # least distance of the colours that a style chooses, 0..1


@dataclass(frozen=True)
class Cast:
    """What a part of a set draws with: its faces, and the single digits of its writers in the style handwriting."""

    faces: Sequence[Face]
    hand: Hand | None = None


@dataclass(frozen=True)
class Drawing:
    """A picture before it is degraded.

    `ink` is where the number is, its outlines included; `face` and `pair` say what it was drawn with.
    """

    surface: Plane
    ink: Plane
    face: str
    pair: Pair


class Style(Protocol):
    """A way to draw numbers."""

    def __call__(self, order: Order, cast: Cast, dice: Dice) -> Drawing:
        """One picture of the ordered number, all of it inside."""


@dataclass(frozen=True)
class Bounds:
    """The rows and columns of a picture that have ink, in px; right and bottom are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int


def bounds_of(ink: Plane) -> Bounds:
    """Where the ink is; the middle pixel when there is none."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > SEEN), np.flatnonzero(ink.max(axis=0) > SEEN)
    if not len(rows):
        high, wide = ink.shape
        return Bounds(wide // 2, high // 2, wide // 2 + 1, high // 2 + 1)
    return Bounds(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def filled(frame: Frame, colour: Rgb) -> Plane:
    """A surface of one colour."""
    return np.broadcast_to(as_plane(colour), (3, frame.height, frame.width)).copy()


def as_plane(colour: Rgb) -> Plane:
    """A colour that goes with surfaces, float32 (3, 1, 1)."""
    return np.array(colour, np.float32)[:, None, None]


def paint(surface: Plane, mask: Plane, colour: Rgb) -> None:
    """Lay a colour on a surface where the mask says."""
    surface += (as_plane(colour) - surface) * mask


def places(warp: Warp) -> tuple[Plane, Plane]:
    """Where the middle of each pixel lies on the plane, in units of u and v; shapes (H, W)."""
    frame, step = warp.frame, warp.frame.fine
    high, wide = frame.flat
    half = np.float32(frame.half)
    return (warp.x[::step, ::step] - wide / 2) / half, (warp.y[::step, ::step] - high / 2) / half


def stripes(place: Plane, period: float, share: float, soft: float) -> Plane:
    """A mask of stripes: `share` of each period is 1, with edges `soft` wide; same units as `place`."""
    phase = place / np.float32(period)
    far = np.abs(phase - np.floor(phase) - np.float32(0.5)) * np.float32(period)
    return ramp(np.float32(share * period / 2) - far, soft)


def ramp(distance: Plane, soft: float) -> Plane:
    """0 below, 1 above, a slope `soft` wide about 0."""
    slope: Plane = np.clip(distance / np.float32(soft) + np.float32(0.5), 0, 1)
    return slope


def clouds(frame: Frame, cells: int, dice: Dice) -> Plane:
    """Soft blotches of mean 0 and about 1 in size, `cells` of them along a side."""
    coarse = np.clip(128 + 40 * dice.grain(cells, cells), 0, 255).astype(np.uint8)
    smooth = Image.fromarray(coarse).resize((frame.width, frame.height), Image.Resampling.BICUBIC)
    return (np.asarray(smooth).astype(np.float32) - 128) / np.float32(40)


def to_pixels(surface: Plane) -> Pixels:
    """A surface as a picture, uint8 (H, W, 3)."""
    levels = np.clip(surface + np.float32(0.5), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))
