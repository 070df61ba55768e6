"""Noise and blur: what sensors and lenses do.

B pictures of 28x28 px, 0 = paper, 1 = ink.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from digitkit.learn.corruptions.corruption import CORRUPTIONS, SIDE, Dice, Shares

PHOTONS = 3  # that full ink sends on average
REPLACED = 0.17  # share of pixels that impulse noise makes black or white
GLASS_SIGMA, GLASS_PASSES = 0.7, 2  # px
TRAIL_PX, TRAIL_SIGMA, TRAIL_DEG = 20, 3.0, 45.0  # twice the radius of 10: the trail lies on one side


@CORRUPTIONS.register("shot_noise")
def shot_noise(pictures: Shares, dice: Dice) -> Shares:
    """Count few photons instead of measuring light."""
    return dice.poisson(pictures * PHOTONS) / PHOTONS


@CORRUPTIONS.register("impulse_noise")
def impulse_noise(pictures: Shares, dice: Dice) -> Shares:
    """Make some pixels black and as many white, salt and pepper."""
    chance = dice.uniform(0, 1, SIDE, SIDE)
    return np.where(chance < REPLACED / 2, 0.0, np.where(chance < REPLACED, 1.0, pictures))


@CORRUPTIONS.register("glass_blur")
def glass_blur(pictures: Shares, dice: Dice) -> Shares:
    """Look through frosted glass: blur, let neighbours change places, blur again."""
    spoilt = blurred(pictures, GLASS_SIGMA)
    every = np.arange(len(pictures))
    steps = dice.whole(-1, 1, GLASS_PASSES, SIDE, SIDE, 2)
    for turn in range(GLASS_PASSES):
        for row in range(1, SIDE - 1):
            for column in range(1, SIDE - 1):
                down, right = steps[:, turn, row, column].T
                other = every, row + down, column + right
                here = spoilt[:, row, column].copy()
                spoilt[:, row, column] = spoilt[other]
                spoilt[other] = here
    return blurred(spoilt, GLASS_SIGMA)


@CORRUPTIONS.register("motion_blur")
def motion_blur(pictures: Shares, dice: Dice) -> Shares:
    """Move while the shutter is open: each pixel leaves a fading trail."""
    angle = np.radians(dice.uniform(-TRAIL_DEG, TRAIL_DEG))[:, None, None]
    weights = np.exp(-(np.arange(TRAIL_PX + 1) ** 2) / (2 * TRAIL_SIGMA**2))
    every = np.arange(len(pictures))[:, None, None]
    rows, columns = np.mgrid[:SIDE, :SIDE]
    spoilt = np.zeros_like(pictures)
    for distance, weight in enumerate(weights / weights.sum()):
        row = np.rint(rows + distance * np.sin(angle)).astype(np.int64).clip(0, SIDE - 1)
        column = np.rint(columns + distance * np.cos(angle)).astype(np.int64).clip(0, SIDE - 1)
        spoilt += weight * pictures[every, row, column]
    return spoilt


def blurred(pictures: Shares, sigma: float) -> Shares:
    """Each picture blurred by a Gaussian of so many px; the border goes on outside."""
    spread: Shares = gaussian_filter(pictures, sigma, axes=(1, 2), mode="nearest")
    return spread
