"""How a digit lies on its canvas: sheared, small, turned, moved.

B pictures of 28x28 px, 0 = paper, 1 = ink.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from digitkit.learn.corruptions.corruption import CORRUPTIONS, SIDE, Dice, Shares

MIDDLE = (SIDE - 1) / 2  # px, 13.5
SHEAR = 0.4  # px to the side per px down, to either side
SHRUNK = 0.7  # of its size
TURN_RAD = 0.4  # to either side
MOVE_PX = 3  # along both axes, each to either side


@CORRUPTIONS.register("shear")
def shear(pictures: Shares, dice: Dice) -> Shares:
    """Slant to the left or to the right."""
    slant = SHEAR * dice.signs()
    return _warped(pictures, np.array([[[1, 0], [each, 1]] for each in slant]))


@CORRUPTIONS.register("scale")
def scale(pictures: Shares, dice: Dice) -> Shares:
    """Shrink around the middle."""
    return _warped(pictures, np.array([np.eye(2) / SHRUNK] * len(pictures)))


@CORRUPTIONS.register("rotate")
def rotate(pictures: Shares, dice: Dice) -> Shares:
    """Turn to the left or to the right around the middle."""
    sine, cosine = np.sin(TURN_RAD), np.cos(TURN_RAD)
    return _warped(pictures, np.array([[[cosine, each * sine], [-each * sine, cosine]] for each in dice.signs()]))


@CORRUPTIONS.register("translate")
def translate(pictures: Shares, dice: Dice) -> Shares:
    """Move up or down and to one side; what leaves the canvas is lost."""
    moved = np.zeros_like(pictures)
    padded = np.pad(pictures, ((0, 0), (MOVE_PX, MOVE_PX), (MOVE_PX, MOVE_PX)))
    for place, (down, right) in enumerate(dice.signs(2) * MOVE_PX):
        top, left = MOVE_PX - down, MOVE_PX - right
        moved[place] = padded[place, top : top + SIDE, left : left + SIDE]
    return moved


def _warped(pictures: Shares, matrices: NDArray[np.float64]) -> Shares:
    """Each picture read at the places that its matrix gives, around the middle, with paper outside.

    Shapes: `matrices` (B,2,2), from (row, column) of the result to those of the picture.
    """
    grid = np.mgrid[:SIDE, :SIDE].reshape(2, -1) - MIDDLE
    places = matrices @ grid + MIDDLE
    warped = [map_coordinates(each, at, order=1) for each, at in zip(pictures, places, strict=True)]
    return np.stack(warped).reshape(pictures.shape)
