import numpy as np
import pytest

from digitkit.core.digitset import Dense, Ragged
from digitkit.data.spectrum import ACROSS, COUNT, DOWN, as_grey, spectra, strengths

ALL = np.arange(6)
RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (6, 28, 28), np.uint8)


def test_the_waves_are_those_of_the_discrete_transform() -> None:
    whole = np.fft.fft2(NOISE) / 28**2
    expected = np.abs(whole[:, DOWN.astype(int), ACROSS.astype(int)])
    np.testing.assert_allclose(np.abs(spectra(Dense(NOISE), ALL).waves), expected, atol=1e-4)


@pytest.mark.parametrize(
    "change", [lambda x: 255 - x, lambda x: np.roll(x, (1, -2), (1, 2)), lambda x: x[:, ::-1, ::-1]]
)
def test_strengths_stay_when_a_picture_is_inverted_rolled_or_turned_upside_down(change: object) -> None:
    assert callable(change)
    changed = np.ascontiguousarray(change(NOISE))
    np.testing.assert_allclose(strengths(Dense(changed), ALL), strengths(Dense(NOISE), ALL), atol=1e-3)


def test_strengths_have_length_one_or_are_nothing() -> None:
    pictures = np.concatenate([NOISE[:5], np.full((1, 28, 28), 7, np.uint8)])
    np.testing.assert_allclose(np.linalg.norm(strengths(Dense(pictures), ALL), axis=1), [1, 1, 1, 1, 1, 0], atol=1e-3)


def test_pictures_of_mixed_sizes_and_kinds_come_out_in_their_order() -> None:
    mixed = [NOISE[0], np.repeat(NOISE[1][..., None], 3, axis=2), RNG.integers(0, 256, (300, 200), np.uint8), NOISE[2]]
    together = strengths(Ragged.pack(mixed), np.array([3, 1, 2, 0]))
    alone = [strengths(Ragged.pack([mixed[index]]), np.array([0]))[0] for index in (3, 1, 2, 0)]
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_a_small_picture_has_no_finer_waves_than_it_can_show() -> None:
    waves = spectra(Dense(NOISE[:, :8, :10]), ALL).waves
    assert waves.shape == (6, COUNT)
    assert not waves[:, (ACROSS >= 5) | (np.abs(DOWN) >= 4)].any()
    assert waves[:, (ACROSS < 5) & (np.abs(DOWN) < 4)].all()


def test_the_effect_of_a_scale_is_foretold() -> None:
    y, x = (np.mgrid[0:64, 0:64] + 0.5) / 64 - 0.5

    def drawn(size: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        left, right = (
            np.exp(-(((x + 0.1 * size) / (0.1 * size)) ** 2)),
            np.exp(-(((y - 0.05 * size) / (0.2 * size)) ** 2)),
        )
        return np.asarray(np.rint(255 * left * right)[None], np.uint8)

    one, larger = (spectra(Dense(drawn(size)), np.array([0])) for size in (1.0, 1.02))
    told = one.waves - 0.02 * one.scaled
    assert np.linalg.norm(larger.waves - told) < 0.1 * np.linalg.norm(larger.waves - one.waves)


def test_grey_stays_and_colours_are_weighed() -> None:
    colours = np.array([[[[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]]], np.uint8)
    assert as_grey(colours).tolist() == [[[255, 76, 149, 28, 90]]]
