"""Calibration: confidence against how often it is right."""

import numpy as np
import pytest

from digitkit.learn.reliability import BINS, measure


def sure(confidences: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Probabilities (N,2) that favour the first class by so much."""
    return np.array([[share, 1 - share] for share in confidences], np.float32)


def test_confidence_that_holds_has_no_error() -> None:
    answers, labels = sure([0.75] * 4), np.array([0, 0, 0, 1])
    assert measure(answers, labels).ece == pytest.approx(0, abs=1e-6)


def test_the_error_is_the_mean_gap_weighted_by_pictures() -> None:
    answers, labels = sure([0.9] * 3 + [0.6]), np.array([1, 1, 0, 0])
    assert measure(answers, labels).ece == pytest.approx((3 * abs(0.9 - 1 / 3) + 1 * 0.4) / 4, abs=1e-6)


def test_every_picture_is_in_one_bin_and_full_confidence_in_the_last() -> None:
    answers, labels = sure([1.0, 0.5, 0.51, 0.9999]), np.array([0, 0, 0, 0])
    bins = measure(answers, labels).bins
    assert len(bins) == BINS
    assert sum(each.n for each in bins) == 4
    assert (bins[-1].n, bins[-1].high) == (2, 1.0)
    for each in bins:
        assert not each.n or each.low < each.confidence <= each.high


@pytest.mark.parametrize("count", [300, 3000])
def test_by_chance_is_what_a_reader_has_that_is_right_as_often_as_it_says(count: int) -> None:
    rng = np.random.default_rng(0)
    answers = sure((0.5 + 0.5 * rng.beta(8, 1, count)).tolist())
    found = [measure(answers, (rng.random(count) >= answers[:, 0]).astype(np.int64)) for _ in range(200)]
    assert found[0].by_chance == pytest.approx(np.mean([each.ece for each in found]), rel=0.1)


def test_who_is_always_sure_has_no_error_by_chance() -> None:
    assert measure(sure([1.0, 1.0]), np.array([0, 1])).by_chance == 0


def test_of_nothing_nothing_is_wrong() -> None:
    nothing = measure(np.zeros((0, 2), np.float32), np.zeros(0, np.int64))
    assert (nothing.ece, nothing.by_chance) == (0, 0)
