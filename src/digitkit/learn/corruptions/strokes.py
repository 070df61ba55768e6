"""Lines over a digit, and a digit as nothing but lines.

B pictures of 28x28 px, 0 = paper, 1 = ink.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, gaussian_filter, label

from digitkit.learn.corruptions.corruption import CORRUPTIONS, SIDE, Dice, Shares

FULL_PX, GONE_PX = 0.5, 1.5  # distance from a line up to which it is full ink, and from which on there is none
SPAN = 2  # px, length of dashes and gaps
ZIG_FROM, ZIG_TO, ZIG_PERIOD, ZIG_HIGH = 2, 25, 4, 2  # px: columns of both ends, period, amplitude
ZIG_FALL = 5  # px, that the end may lie above or below the start
CANNY_SIGMA, CANNY_LOW, CANNY_HIGH = 1.0, 0.1, 0.2  # px; gradients of surely no edge and of surely one

Corners = NDArray[np.float64]  # (B,P,2) rows and columns of the corners of broken lines


@CORRUPTIONS.register("dotted_line")
def dotted_line(pictures: Shares, dice: Dice) -> Shares:
    """Draw a dashed line from the left to the right."""
    rows = dice.whole(0, SIDE - 1, 2)
    columns = np.tile([0, SIDE - 1], (len(rows), 1))
    gaps = np.arange(SIDE) // SPAN % 2 == 1
    return pictures + np.where(gaps, 0.0, _line(np.stack((rows, columns), axis=2).astype(np.float64)))


@CORRUPTIONS.register("zigzag")
def zigzag(pictures: Shares, dice: Dice) -> Shares:
    """Draw a zigzag from the left to the right."""
    start, fall = dice.whole(0, SIDE - 1)[:, None], dice.whole(-ZIG_FALL, ZIG_FALL)[:, None]
    turns = np.arange(ZIG_FROM + ZIG_PERIOD / 4, ZIG_TO, ZIG_PERIOD / 2)
    columns = np.concatenate([[ZIG_FROM], turns, [ZIG_TO]])
    swings = np.concatenate([[0], ZIG_HIGH * (-1.0) ** np.arange(len(turns)), [0]])
    rows = start + fall * (columns - ZIG_FROM) / (ZIG_TO - ZIG_FROM) + swings
    return pictures + _line(np.stack((rows, np.tile(columns, (len(rows), 1))), axis=2))


def _line(corners: Corners) -> Shares:
    """Broken lines with a soft rim, one on each canvas: (B,28,28)."""
    here = np.moveaxis(np.mgrid[:SIDE, :SIDE].astype(np.float64), 0, -1)
    nearest = np.full((len(corners), SIDE, SIDE), np.inf)
    for place in range(corners.shape[1] - 1):
        start, end = corners[:, place, None, None], corners[:, place + 1, None, None]
        along = end - start
        share = ((here - start) * along).sum(-1) / (along**2).sum(-1)
        foot = start + share.clip(0, 1)[..., None] * along
        nearest = np.minimum(nearest, ((here - foot) ** 2).sum(-1))
    ink: Shares = ((GONE_PX - np.sqrt(nearest)) / (GONE_PX - FULL_PX)).clip(0, 1)
    return ink


@CORRUPTIONS.register("canny_edges")
def canny_edges(pictures: Shares, dice: Dice) -> Shares:
    """Leave nothing but the edges, full ink one pixel wide.

    Source: Canny 1986: the steepest places of the smoothed picture, where they are steep or hang on to such.
    """
    smooth = gaussian_filter(pictures, CANNY_SIGMA, axes=(1, 2), mode="constant")
    down, right = _slope(smooth, 1), _slope(smooth, 2)
    steepness = np.hypot(down, right)
    ridge = _is_ridge(steepness, down, right)
    ridge[:, [0, -1]] = ridge[:, :, [0, -1]] = False  # a neighbour outside tells nothing
    touching = np.zeros((3, 3, 3))
    touching[1] = 1  # within a picture, corners too
    pieces, count = label(ridge & (steepness >= CANNY_LOW), structure=touching)
    sure = np.zeros(count + 1, np.bool_)
    sure[pieces[ridge & (steepness >= CANNY_HIGH)]] = True
    sure[0] = False
    edges: Shares = sure[pieces].astype(np.float64)
    return edges


def _slope(pictures: Shares, axis: int) -> Shares:
    """How fast it grows along an axis, by Sobel's weights; scipy's own function would smooth across pictures too."""
    grown: Shares = correlate1d(correlate1d(pictures, [-1, 0, 1], axis), [1, 2, 1], 3 - axis)
    return grown


def _is_ridge(steepness: Shares, down: Shares, right: Shares) -> NDArray[np.bool_]:
    """Where it is nowhere steeper across the edge, (B,28,28): beside, above, or at a corner, whichever is nearest."""
    sector = np.rint(np.arctan2(down, right) / (np.pi / 4)).astype(np.int64) % 4
    padded = np.pad(steepness, ((0, 0), (1, 1), (1, 1)))
    ridge = np.zeros(steepness.shape, np.bool_)
    for number, (row, column) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        after = padded[:, 1 + row : 1 + row + SIDE, 1 + column : 1 + column + SIDE]
        before = padded[:, 1 - row : 1 - row + SIDE, 1 - column : 1 - column + SIDE]
        ridge |= (sector == number) & (steepness >= after) & (steepness > before)
    return ridge
