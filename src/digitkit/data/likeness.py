"""Whether two pictures show one and the same drawing: a close comparison, once they have been laid over each other.

P pairs, Q waves.
"""

import numpy as np
from numpy.typing import NDArray

from digitkit.data.product import product
from digitkit.data.spectrum import ACROSS, DOWN, Reals, Sides, Spectra, Waves

REACH = 1.5  # px of the coarser picture: further apart, they are not the same picture
STEP = 0.5  # px between the places that are tried
MOST_SCALED = 0.04  # share by which one drawing may be larger
PIECE = 2_048  # pairs at a time
# Differences up to which two pictures are one drawing. All plain strokes look alike: the "1"s of two people differ by
# .064 and more, 99.5 % of the copies of one by less than .05. Drawings with strokes in all directions differ by .2 and
# more, and their copies by up to .11, where ink was cut off at the border. Measured on MNIST (docs/decisions.md).
PLAIN, RICH = (0.10, 0.06), (0.30, 0.14)  # (evenness of directions, difference)
WEIGHTS = np.hypot(ACROSS, DOWN)  # fine waves tell drawings apart; in most pictures they are weaker in proportion

Shares = NDArray[np.float64]


def differences(left: Spectra, right: Spectra) -> Shares:
    """How much of one picture the other does not explain, 0 (all the same) to 1; 2 where the frames do not fit.

    The other may be inverted, lie up to 1.5 px aside, be a little sharper or softer and up to 4 % larger or smaller.
    Shapes: spectra of P pictures each; returns (P,).
    """
    result = np.full(len(left.waves), 2.0)
    fits = _frames_fit(left.sides, right.sides)
    for coarser in np.unique(np.minimum(left.sides, right.sides)[fits], axis=0):
        members = np.flatnonzero(fits & (np.minimum(left.sides, right.sides) == coarser).all(axis=1))
        for start in range(0, len(members), PIECE):
            chosen = members[start : start + PIECE]
            one, other = left.take(chosen), right.take(chosen)
            # The sharper of two explains the softer better than the other way round.
            result[chosen] = np.minimum(_compare(one, other, *coarser), _compare(other, one, *coarser))
    return result


def limits(spectra: Spectra) -> Shares:
    """The difference up to which each picture is taken for a copy: small for plain strokes, larger for rich drawings.

    Shapes: returns (N,).
    """
    strength = (WEIGHTS * np.abs(spectra.waves)).astype(np.float64) ** 2
    across, down, slant = (strength @ axis for axis in (ACROSS * ACROSS, DOWN * DOWN, ACROSS * DOWN))
    middle, reach = (across + down) / 2, np.hypot((across - down) / 2, slant)
    evenness = (middle - reach) / np.maximum(
        middle + reach, 1e-30
    )  # 0: all waves run in one direction; 1: in all alike
    return np.interp(evenness, (PLAIN[0], RICH[0]), (PLAIN[1], RICH[1]))


def _frames_fit(left: Sides, right: Sides) -> NDArray[np.bool_]:
    """Whether the shapes of the frames agree, but for the rounding of their sides to whole px."""
    ratios = [np.log(sides[:, 1] / sides[:, 0]) for sides in (left, right)]
    smallest = np.minimum(left, right).min(axis=1)
    fit: NDArray[np.bool_] = np.abs(ratios[0] - ratios[1]) <= 0.02 + 0.6 / smallest
    return fit


def _compare(one: Spectra, other: Spectra, height: int, width: int) -> Shares:
    """How much of the others is not explained, of pairs whose coarser frame has one size."""
    waves = one.waves
    known = WEIGHTS * ((width / 2 > ACROSS) & (height / 2 > np.abs(DOWN)))
    placed = _place(waves, other.waves, known, height, width)
    moved = [2j * np.pi / width * ACROSS * waves, 2j * np.pi / height * DOWN * waves]
    kinds = [waves, *moved, (WEIGHTS / 10) ** 2 * waves, one.scaled]
    base = np.stack([_as_reals(kind * placed, known) for kind in kinds], axis=2)
    wanted = _as_reals(other.waves, known)
    grown = base.transpose(0, 2, 1)
    gram = grown @ base
    gram += np.eye(len(kinds)) * (1e-7 * np.trace(gram, axis1=1, axis2=2) + 1e-30)[:, None, None]
    amounts = np.linalg.solve(gram, grown @ wanted[:, :, None])
    rest = np.linalg.norm(wanted - (base @ amounts)[:, :, 0], axis=1)
    shares = rest / np.maximum(np.linalg.norm(wanted, axis=1), 1e-30)
    within = np.abs(amounts[:, 4, 0]) <= MOST_SCALED * np.abs(amounts[:, 0, 0])
    return np.where(within, shares, 2.0)


def _place(waves: Waves, other: Waves, weights: Reals, height: int, width: int) -> Waves:
    """What the waves are multiplied with so that the first picture lies on the second, the right way round.

    Shapes: returns complex (P,Q): a shift, and a sign where one of the two is inverted.
    """
    steps = np.arange(-REACH, REACH + STEP / 2, STEP)
    down, across = (axis.reshape(-1, 1) for axis in np.meshgrid(steps, steps, indexing="ij"))
    shifts = np.exp(-2j * np.pi * (across * ACROSS / width + down * DOWN / height)).astype(np.complex64)
    crossed = weights**2 * np.conj(waves) * other  # real part of its product with the conjugate of each shift:
    halves = [np.concatenate([numbers.real, numbers.imag], axis=1) for numbers in (crossed, shifts)]
    agreement = product(halves[0], halves[1].T)
    best = np.abs(agreement).argmax(axis=1)
    signs = np.sign(agreement[np.arange(len(best)), best])
    placed: Waves = shifts[best] * signs[:, None].astype(np.float32)
    return placed


def _as_reals(waves: Waves, weights: Reals) -> NDArray[np.float64]:
    weighted = waves * weights
    return np.concatenate([weighted.real, weighted.imag], axis=1).astype(np.float64)
