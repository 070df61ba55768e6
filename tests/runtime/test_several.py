"""Several digits in one picture."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitkit import load
from digitkit.runtime.several import doubted, shows_several
from tests.strokes import draw_digits


def image(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Filled boxes (top, bottom, left, right) on 28x28 px."""
    made = np.zeros((28, 28), np.uint8)
    for top, bottom, left, right in boxes:
        made[top:bottom, left:right] = 255
    return made


@pytest.mark.parametrize(
    ("boxes", "several"),
    [
        ([(4, 24, 4, 10), (4, 24, 14, 20)], True),
        ([(4, 24, 4, 10), (4, 24, 10, 20)], False),  # no gap
        ([(4, 24, 4, 10), (4, 13, 14, 20)], False),  # too low: a dot, a comma
        ([(4, 24, 4, 14), (4, 24, 18, 19)], False),  # too light: a scratch
        ([(4, 12, 4, 20), (16, 24, 4, 20)], False),  # above each other: a broken stroke
        ([(4, 24, 2, 6), (4, 24, 10, 14), (4, 24, 18, 22)], True),
        ([], False),
    ],
)
def test_parts_beside_each_other_are_several_where_both_could_be_digits(
    boxes: list[tuple[int, int, int, int]], several: bool
) -> None:
    assert shows_several(image(*boxes)) == several


def test_two_digits_in_one_picture_are_unsure_and_one_is_not() -> None:
    digits = draw_digits(40, np.random.default_rng(0)).pictures
    pictures = np.stack([digits[index] for index in range(40)])
    pairs = np.concatenate([pictures[:20], pictures[20:]], axis=2)
    reader = load()
    assert "several digits?" not in {answer.reason for answer in reader.predict(list(pictures))}
    ones, twos = (np.array([each.acceptance for each in reader.evidence(list(some))]) for some in (pictures, pairs))
    assert np.quantile(twos, 0.9) < np.quantile(ones, 0.1)
    told = [(answer.verdict, answer.reason) for answer in reader.predict(list(pairs))]
    assert told.count(("unsure", "several digits?")) >= 19


def test_doubt_divides_the_odds_and_leaves_what_is_certain() -> None:
    assert doubted(0.5) == pytest.approx(1 / 101)
    assert [doubted(0.0), doubted(1.0)] == [0.0, 1.0]
    assert doubted(0.9) / (1 - doubted(0.9)) == pytest.approx(0.09)
