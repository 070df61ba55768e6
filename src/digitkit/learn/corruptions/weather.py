"""Light, fog and mud.

B pictures of 28x28 px, 0 = paper, 1 = ink.
"""

import numpy as np

from digitkit.learn.corruptions.corruption import CORRUPTIONS, SIDE, Dice, Shares
from digitkit.learn.corruptions.noise import blurred

LIGHT = 0.5  # added everywhere
FOG, DECAY = 3.0, 1.4  # brightness of the fog; how much smoother it is at half the distance
MAP = 32  # px, side of the fog: the power of two above 28
STRIPE = 7  # px, width of the inverted columns at both sides
WET, WETNESS = 0.65, 0.3  # mean and deviation of the liquid, and the mean again is where it is deep enough
LIQUID_SIGMA, MUD_SIGMA, MUD = 1.0, 1.5, 0.8  # px, px, and how much of a pixel must be mud
MUD_TONE = 63 / 255


@CORRUPTIONS.register("brightness")
def brightness(pictures: Shares, dice: Dice) -> Shares:
    """Shed light on everything until the ink is overexposed."""
    return pictures + LIGHT


@CORRUPTIONS.register("stripe")
def stripe(pictures: Shares, dice: Dice) -> Shares:
    """Swap ink and paper at the left and at the right."""
    spoilt = pictures.copy()
    for columns in (slice(0, STRIPE), slice(SIDE - STRIPE, SIDE)):
        spoilt[:, :, columns] = 1 - spoilt[:, :, columns]
    return spoilt


@CORRUPTIONS.register("fog")
def fog(pictures: Shares, dice: Dice) -> Shares:
    """Look through patches of fog."""
    brightest: Shares = pictures.max((1, 2), keepdims=True)
    foggy = pictures + FOG * plasma(dice)[:, :SIDE, :SIDE]
    return foggy * brightest / (brightest + FOG)


def plasma(dice: Dice) -> Shares:
    """Cloudy fields that go on at their other side, from 0 to 1 each: diamonds and squares, finer and finer.

    Shapes: returns (B,32,32).
    """
    drawn = dice.uniform(-1, 1, MAP * MAP)
    field = np.zeros((len(drawn), MAP, MAP))
    used, step, wildness = 0, MAP, 1.0
    while step > 1:
        half, count = step // 2, (MAP // step) ** 2
        noise = wildness * drawn[:, used : used + 3 * count].reshape(-1, 3, MAP // step, MAP // step)
        corner = field[:, ::step, ::step]
        right = np.roll(corner, -1, 2)
        centre = (corner + right + np.roll(corner, -1, 1) + np.roll(right, -1, 1)) / 4 + noise[:, 0]
        top = (corner + right + centre + np.roll(centre, 1, 1)) / 4 + noise[:, 1]
        left = (corner + np.roll(corner, -1, 1) + centre + np.roll(centre, 1, 2)) / 4 + noise[:, 2]
        field[:, half::step, half::step] = centre
        field[:, ::step, half::step] = top
        field[:, half::step, ::step] = left
        # The decay counts twice in the benchmark: for the range of the draw, and for its weight.
        used, step, wildness = used + 3 * count, half, wildness / DECAY**2
    field -= field.min((1, 2), keepdims=True)
    highest: Shares = field.max((1, 2), keepdims=True)
    return field / highest


@CORRUPTIONS.register("spatter")
def spatter(pictures: Shares, dice: Dice) -> Shares:
    """Splash mud onto the picture."""
    liquid = blurred(dice.normal(WET, WETNESS, SIDE, SIDE), LIQUID_SIGMA)
    mud = blurred((liquid > WET).astype(np.float64), MUD_SIGMA) >= MUD
    return np.where(mud, MUD_TONE, pictures)
