"""Digits against what is none: the area under the curve, its interval, and shares of verdicts."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from digitkit.learn.rejection import auroc, shares


def both(digits: int, others: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(apart, 1, digits), rng.normal(0, 1, others)


@pytest.mark.parametrize("decimals", [0, 8])
def test_the_area_is_that_of_scikit_learn_whether_or_not_there_are_draws(decimals: int) -> None:
    digits, others = (np.round(scores, decimals) for scores in both(200, 90, 1.2))
    truth = np.r_[np.ones(200), np.zeros(90)]
    area, (low, high) = auroc(digits, others)
    assert area == pytest.approx(roc_auc_score(truth, np.r_[digits, others]))
    assert 0 < low < area < high < 1


def test_blank_pictures_are_below_all_others() -> None:
    area, _ = auroc(np.array([-50.0, -40.0]), np.array([-np.inf, -np.inf, -45.0]))
    assert area == pytest.approx(5 / 6)


def test_the_interval_is_as_wide_as_areas_of_other_samples_differ() -> None:
    areas = [auroc(*both(150, 60, 1.5, seed))[0] for seed in range(300)]
    _, (low, high) = auroc(*both(150, 60, 1.5))
    assert high - low == pytest.approx(2 * 1.96 * np.std(areas), rel=0.3)


def test_no_mistake_leaves_room_for_those_that_so_few_pictures_can_hide() -> None:
    assert auroc(np.arange(500.0) + 60, np.arange(60.0)) == (1.0, (0.95, 1.0))
    assert auroc(np.zeros(2), np.ones(60)) == (0.0, (0.0, 1.0))


def test_one_picture_is_enough_for_a_wide_interval() -> None:
    area, (low, high) = auroc(np.array([1.0, 2.0, 3.0]), np.array([2.5]))
    assert area == pytest.approx(1 / 3)
    assert low < 0.1
    assert high > 0.7


def test_shares_of_verdicts_sum_to_one_and_numbers_are_digits() -> None:
    made = shares(["blank", "not a digit", "unsure", "number", "digit"])
    assert made == pytest.approx({"blank": 0.2, "not a digit": 0.2, "unsure": 0.2, "digit": 0.4, "refused": 0.4})
