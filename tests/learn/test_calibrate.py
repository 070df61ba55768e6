"""Probabilities mean what they say, and few true digits are refused."""

import pytest
import torch
from torch import Tensor

from digitkit.learn.calibrate import NOT_A_DIGIT, STRICTEST, TEMPERATURES, UNSURE, temperature, tempered, thresholds


def honest(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Probabilities (N,10) with labels (N,) drawn from them, so that their temperature is 1."""
    rng = torch.Generator().manual_seed(seed)
    answers = (3 * torch.randn(n, 10, generator=rng)).softmax(1)
    return answers, torch.multinomial(answers, 1, generator=rng).flatten()


@pytest.mark.parametrize("degree", [0.4, 1.0, 2.5])
def test_a_known_distortion_is_found(degree: float) -> None:
    answers, labels = honest(5000)
    distorted = (answers.log() * degree).softmax(1)
    assert temperature(distorted, labels) == pytest.approx(degree, rel=0.06)


def test_tempering_undoes_the_distortion() -> None:
    answers, labels = honest(5000)
    distorted = (answers.log() * 2).softmax(1)
    mended = tempered(distorted, temperature(distorted, labels))
    assert float((mended - answers).abs().max()) < 0.05


def test_tempering_changes_no_answer_and_keeps_sums_at_one() -> None:
    answers, _ = honest(200)
    mended = tempered(answers, 0.3)
    assert torch.equal(mended.argmax(1), answers.argmax(1))
    assert torch.allclose(mended.sum(1), torch.ones(200), atol=1e-5)


def test_answers_that_are_all_right_leave_a_doubt_that_shrinks_with_their_number() -> None:
    answers = torch.eye(10) * 0.9 + 0.01
    few, many = (temperature(answers.repeat(times, 1), torch.arange(10).repeat(times)) for times in (4, 400))
    assert TEMPERATURES[0] < many < few <= TEMPERATURES[1]
    assert float(tempered(answers, few).max()) < 0.999
    assert float(tempered(answers, many).max()) > 0.999


def test_answers_that_are_all_wrong_stay_in_the_range() -> None:
    answers = torch.eye(10) * 0.9 + 0.01
    assert temperature(answers, (torch.arange(10) + 1) % 10) == pytest.approx(TEMPERATURES[1], abs=0.001)


@pytest.mark.parametrize("seed", range(3))
def test_few_true_digits_are_refused(seed: int) -> None:
    answers, _ = honest(4000, seed)
    best = answers.topk(2, dim=1).values
    limits = thresholds(answers, best[:, 0])
    assert float((best[:, 0] < limits.acceptance).float().mean()) <= NOT_A_DIGIT
    assert float((best[:, 0] - best[:, 1] < limits.margin).float().mean()) <= UNSURE


def test_sure_answers_do_not_make_the_thresholds_stricter_than_the_strictest() -> None:
    answers = torch.eye(10) * 0.98 + 0.002
    assert thresholds(answers, answers.amax(1)) == STRICTEST


def test_who_has_learnt_what_is_no_digit_may_refuse_more() -> None:
    best = torch.linspace(0.5, 1.0, 1001)
    answers = torch.stack([best, 1 - best], 1)
    plain, taught = (thresholds(answers, best, knows_others).acceptance for knows_others in (False, True))
    assert plain == pytest.approx(0.501, abs=1e-3)
    assert taught == pytest.approx(0.505, abs=1e-3)
    sure = torch.tensor([[0.999, 0.001]] * 10)
    strictest = [thresholds(sure, sure[:, 0], knows_others).acceptance for knows_others in (False, True)]
    assert strictest == [0.6, 0.95]
