"""Figures: each against a known value or another implementation."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss, recall_score, top_k_accuracy_score
from torch import Tensor, nn

from digitkit.core.intervals import wilson
from digitkit.learn.evaluate import probabilities, report, score
from digitkit.learn.loader import Images
from digitkit.learn.running import Precision

CLASSES = tuple("0123456789")


def answers_of(n: int, seed: int, classes: int = 10) -> tuple[Tensor, Tensor]:
    """Random probabilities (N,K) that lean towards the random labels (N,)."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (n,), generator=rng)
    logits = torch.randn(n, classes, generator=rng) + 2 * torch.nn.functional.one_hot(labels, classes)
    return logits.softmax(1), labels


class Brightness(nn.Module):
    """A network whose first logit is the brightness of the left half, the second that of the right half."""

    def forward(self, images: Tensor) -> Tensor:
        middle = images.shape[-1] // 2
        return torch.stack([images[..., :middle].mean((1, 2, 3)), images[..., middle:].mean((1, 2, 3))], 1) * 10


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_the_interval_is_wilsons(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0, 1)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_lies_in_0_to_1(pair: tuple[int, int]) -> None:
    low, high = wilson(*pair)
    assert 0 <= low <= pair[0] / pair[1] <= high <= 1


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_agree_with_those_of_scikit_learn(seed: int) -> None:
    answers, labels = answers_of(300, seed)
    made, best = report("val", answers, labels, CLASSES), answers.argmax(1)
    exact = answers.double() / answers.double().sum(1, keepdim=True)
    assert made.f1 == pytest.approx(f1_score(labels, best, average="macro"))
    assert list(made.per_class.values()) == pytest.approx(recall_score(labels, best, average=None).tolist())
    assert made.loss == pytest.approx(log_loss(labels, exact, labels=range(10)), rel=1e-4)
    for k in (2, 3, 5):
        assert made.top_k[str(k)] == pytest.approx(top_k_accuracy_score(labels, exact, k=k, labels=range(10)))
    assert made.accuracy == pytest.approx(float((best == labels).float().mean()))
    assert made.interval == wilson(round(300 * made.accuracy), 300)


def test_a_class_that_never_occurs_does_not_lower_the_f1() -> None:
    answers = torch.eye(10)[[0, 1, 0, 1]]
    assert report("val", answers, torch.tensor([0, 1, 0, 1]), CLASSES).f1 == 1


def test_rows_of_the_confusion_are_true_and_columns_read() -> None:
    answers = torch.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]])
    made = report("val", answers, torch.tensor([0, 0, 2]), ("a", "b", "c"))
    assert made.confusion == [[1, 1, 0], [0, 0, 0], [0, 1, 0]]


def test_the_surest_mistake_comes_first() -> None:
    answers = torch.tensor([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [1.0, 0.0]])
    made = report("val", answers, torch.tensor([1, 1, 1, 1, 0]), ("a", "b"))
    assert made.mistakes == [1, 3, 0]


def test_only_counts_below_the_number_of_classes_are_asked_for() -> None:
    answers, labels = answers_of(20, 0, classes=3)
    assert list(report("val", answers, labels, ("a", "b", "c")).top_k) == ["2"]


def test_a_report_becomes_json() -> None:
    answers, labels = answers_of(20, 0)
    plain = report("val", answers, labels, CLASSES).to_plain()
    assert json.loads(json.dumps(plain))["n"] == 20


def test_arrays_give_the_report_of_tensors() -> None:
    answers, labels = answers_of(50, 1)
    assert report("val", answers.numpy(), labels.numpy(), CLASSES) == report("val", answers, labels, CLASSES)


def test_a_sure_wrong_answer_costs_much_but_not_everything() -> None:
    accuracy, loss = score(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert accuracy == 0
    assert np.isfinite(loss)


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001])
def test_any_number_of_images_is_answered_in_order(count: int) -> None:
    pixels = torch.zeros(count, 1, 4, 4, dtype=torch.uint8)
    sides = torch.arange(count) % 2
    pixels[sides == 0, :, :, :2] = 255
    pixels[sides == 1, :, :, 2:] = 255
    answers = probabilities(Brightness(), Images(pixels, sides))
    assert len(answers) == count
    if count:
        assert torch.equal(answers.argmax(1), sides)
        assert torch.allclose(answers.sum(1), torch.ones(count))


def test_five_views_are_the_mean_over_shifts() -> None:
    pixels = torch.randint(0, 256, (6, 1, 4, 4), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    images = Images(pixels, torch.zeros(6))
    one, five = (probabilities(Brightness(), images, count) for count in (1, 5))
    padded = torch.nn.functional.pad(pixels.float() / 255, (1, 1, 1, 1))
    windows = [padded[..., y : y + 4, x : x + 4] for y, x in ((1, 1), (1, 0), (1, 2), (0, 1), (2, 1))]
    assert torch.allclose(five, torch.stack([Brightness()(window).softmax(1) for window in windows]).mean(0))
    assert not torch.allclose(one, five)


def test_bf16_answers_nearly_the_same() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 10))
    images = Images(torch.randint(0, 256, (50, 1, 4, 4)).to(torch.uint8), torch.zeros(50))
    full, short = (probabilities(network, images, precision=each) for each in (Precision.fp32, Precision.bf16))
    assert short.dtype == torch.float32
    assert float((full - short).abs().max()) < 0.02


def test_scoring_leaves_dropout_out() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 10)).train()
    images = Images(torch.full((3, 1, 4, 4), 200, dtype=torch.uint8), torch.zeros(3))
    assert torch.equal(probabilities(network, images), probabilities(network, images))
