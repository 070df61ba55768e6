import numpy as np
import pytest

from digitkit.core.digitset import Dense, DigitSet, Ragged, origins_of
from digitkit.core.picture import Pixels
from digitkit.data.statistics import describe
from tests.conftest import DrawDigits


def digits_of(*pictures: Pixels) -> DigitSet:
    labels = np.zeros(len(pictures), np.int64)
    return DigitSet(Ragged.pack(list(pictures)), labels, ("0", "1"), origins_of("a", "train", len(pictures)))


INK = np.zeros((10, 20), np.uint8)
INK[4:6, 5:15] = 200  # a tenth of the picture


def test_sizes_are_given_as_smallest_median_and_largest() -> None:
    figures = describe(
        digits_of(np.zeros((5, 9), np.uint8), np.zeros((7, 9), np.uint8), np.zeros((30, 4, 3), np.uint8))
    )
    assert figures.heights == (5, 7, 30)
    assert figures.widths == (4, 9, 9)
    assert figures.colour == pytest.approx(1 / 3, abs=1e-4)


@pytest.mark.parametrize(("picture", "dark"), [(INK, 0), (255 - INK, 1), (np.stack([INK] * 3, 2), 0)])
def test_ink_is_found_whether_it_is_bright_or_dark(picture: Pixels, dark: float) -> None:
    figures = describe(digits_of(picture))
    assert figures.dark_ink == dark
    assert figures.inked == 0.1
    assert figures.blank == 0


def test_a_picture_of_nothing_is_blank_whatever_its_grey() -> None:
    figures = describe(digits_of(*(np.full((4, 4), level, np.uint8) for level in (0, 130, 255))))
    assert (figures.blank, figures.inked, figures.dark_ink) == (1, 0, 0)


def test_many_pictures_of_one_size_give_the_figures_of_each(drawn_digits: DrawDigits) -> None:
    digits = drawn_digits(1_100, np.random.default_rng(0))
    pictures = Ragged.pack([digits.pictures[index] for index in range(1_100)])
    assert isinstance(digits.pictures, Dense)
    assert describe(digits) == describe(DigitSet(pictures, digits.labels, digits.classes, digits.origins))
    assert describe(digits).counts == dict.fromkeys("0123456789", 110)


def test_an_empty_set_has_figures_too() -> None:
    assert describe(digits_of()).to_plain() == {
        "pictures": 0,
        "counts": {"0": 0, "1": 0},
        "heights": (0, 0, 0),
        "widths": (0, 0, 0),
        "colour": 0.0,
        "dark_ink": 0.0,
        "blank": 0.0,
        "inked": 0.0,
    }
