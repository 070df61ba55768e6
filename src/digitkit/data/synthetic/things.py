"""Filled shapes as of things that are photographed or stamped: bodies with arms, legs, holes, seams and shading.

H, W the picture in px. Planes are float32 (H, W) with x and y from -1 to 1, y down.
"""

import math

import numpy as np

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.noise import grid
from digitkit.data.synthetic.scene import bounds_of, clouds, ramp, stripes
from digitkit.data.synthetic.scribbles import inked, sides_of
from digitkit.data.synthetic.warp import Frame

SLIMMEST = 0.45  # shorter over longer side; a slimmer body could be taken for a 1
FULLEST = 0.5  # least share of its box that is filled; a ring or a stroke fills less
TRIES = 8


def draw_thing(dice: Dice) -> Pixels:
    """One thing in grey, dark on bright or bright on dark: uint8 (H, W)."""
    frame = Frame(*sides_of(dice))
    return inked(_shape(frame, dice) * _surface(frame, dice), dice)


def _shape(frame: Frame, dice: Dice) -> Plane:
    """Where the thing is, 0..1: neither slim nor hollow, so that it is no digit."""
    cover = _bodies(frame, dice)
    for _ in range(TRIES):
        box = bounds_of(cover)
        wide, high = box.right - box.left, box.bottom - box.top
        if min(wide, high) >= SLIMMEST * max(wide, high) and cover.sum() >= FULLEST * wide * high:
            return cover
        cover = _bodies(frame, dice)
    x, y = grid(frame)
    return ramp(np.float32(0.7) - np.maximum(np.abs(x), np.abs(y)), 0.1)


def _bodies(frame: Frame, dice: Dice) -> Plane:
    """Up to five bodies that touch, often the same on both sides, with up to four holes."""
    mirrored, soft = dice.chance(0.6), dice.between(0.04, 0.2)
    inside = _body(frame, dice, 0.0 if mirrored else dice.lean(0.3), dice.lean(0.2), dice.between(0.35, 0.75))
    for _ in range(dice.whole(0, 4)):
        inside = np.maximum(inside, _body(frame, dice, dice.lean(0.8), dice.lean(0.8), dice.between(0.15, 0.5)))
    for _ in range(dice.whole(2, 4) if dice.chance(0.2) else 0):
        inside = np.minimum(inside, -_body(frame, dice, dice.lean(0.6), dice.lean(0.6), dice.between(0.06, 0.16)))
    return ramp(np.maximum(inside, inside[:, ::-1]) if mirrored else inside, soft)


def _body(frame: Frame, dice: Dice, across: float, down: float, reach: float) -> Plane:
    """How far inside one body each pixel lies, below 0 outside: a box, or an outline that waves around its middle."""
    x, y = grid(frame)
    turn, stretch = dice.lean(0.6), dice.between(0.6, 1.6)
    cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    right = ((x - np.float32(across)) * cosine + (y - np.float32(down)) * sine) * np.float32(stretch)
    below = (y - np.float32(down)) * cosine - (x - np.float32(across)) * sine
    if dice.chance(0.4):
        slope = np.float32(dice.lean(0.5))  # narrower at one end
        return np.float32(reach) - np.maximum(np.abs(right) + slope * below, np.abs(below))
    around = np.arctan2(below, right)
    outline = np.full_like(around, reach)
    for waves in range(2, dice.whole(3, 8)):
        outline += np.float32(reach * dice.lean(0.5) / waves) * np.cos(
            np.float32(waves) * around + np.float32(dice.between(0, math.tau))
        )
    body: Plane = outline - np.sqrt(right * right + below * below)
    return body


def _surface(frame: Frame, dice: Dice) -> Plane:
    """How bright the thing is where it is, 0..1: plain, shaded, patterned, with a seam."""
    x, y = grid(frame)
    angle = dice.between(0, math.tau)
    place = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    bright: Plane = np.ones((frame.height, frame.width), np.float32)
    if dice.chance(0.5):
        bright = bright - np.float32(dice.between(0, 0.25)) * (place + 1)
    if dice.chance(0.4):
        bright = bright - np.float32(dice.between(0.05, 0.25)) * np.abs(clouds(frame, dice.whole(3, 14), dice))
    if dice.chance(0.3):
        lines = stripes(place, dice.between(0.12, 0.5), dice.between(0.2, 0.8), 0.05)
        bright = bright - np.float32(dice.between(0.1, 0.6)) * lines
    if dice.chance(0.3):
        seam = ramp(np.float32(dice.between(0.02, 0.08)) - np.abs(x - np.float32(dice.lean(0.2))), 0.04)
        bright = bright - np.float32(dice.between(0.1, 0.35)) * seam  # faint, or it would be a 1 on a card
    return np.clip(bright, 0.05, 1)
