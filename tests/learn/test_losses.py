"""What is minimised: plain, smoothed, weighted and focal losses, for labels and for blends."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import compose
from digitkit.learn.fitting import ClassWeights, LossConfig, LossKind
from digitkit.learn.losses import Loss, class_weights, soft_targets

CLASSES = 4
LABELS = torch.tensor([0, 1, 2, 3, 3, 1])
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25])
FOCAL = LossConfig(kind=LossKind.focal)
every_kind = pytest.mark.parametrize("kind", LossKind)
weighted_or_not = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])


def logits() -> Tensor:
    return 2 * torch.randn(len(LABELS), CLASSES, generator=torch.Generator().manual_seed(0))


@weighted_or_not
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_mean_over_a_batch_is_that_of_torch(weights: Tensor | None, smoothing: float) -> None:
    loss = Loss(LossConfig(), weights)
    mean = loss(logits(), LABELS, smoothing).sum() / loss.count(LABELS)
    expected = F.cross_entropy(logits(), LABELS, weights, label_smoothing=smoothing)
    torch.testing.assert_close(mean, expected)


@every_kind
@weighted_or_not
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_label_and_all_of_its_share_are_one(kind: LossKind, weights: Tensor | None, smoothing: float) -> None:
    loss, whole = Loss(LossConfig(kind=kind), weights), F.one_hot(LABELS, CLASSES).float()
    torch.testing.assert_close(loss(logits(), LABELS, smoothing), loss(logits(), whole, smoothing))
    torch.testing.assert_close(loss.count(LABELS), loss.count(whole))


@every_kind
@weighted_or_not
def test_the_loss_of_a_blend_is_the_blend_of_the_losses(kind: LossKind, weights: Tensor | None) -> None:
    loss, partners = Loss(LossConfig(kind=kind), weights), torch.tensor([5, 4, 3, 2, 1, 0])
    share = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
    blend = loss(logits(), soft_targets(LABELS, partners, share, CLASSES), 0.1)
    own, other = loss(logits(), LABELS, 0.1), loss(logits(), LABELS[partners], 0.1)
    torch.testing.assert_close(blend, share * own + (1 - share) * other)


@weighted_or_not
def test_focal_without_focus_is_cross_entropy(weights: Tensor | None) -> None:
    focal, plain = Loss(LossConfig(kind=LossKind.focal, focus=0), weights), Loss(LossConfig(), weights)
    torch.testing.assert_close(focal(logits(), LABELS, 0.1), plain(logits(), LABELS, 0.1))


@weighted_or_not
def test_focus_goes_by_the_probability_that_the_network_gives_not_by_the_weighted_loss(weights: Tensor | None) -> None:
    each = Loss(FOCAL, weights)(logits(), LABELS, 0.0)
    p = logits().softmax(1)[torch.arange(len(LABELS)), LABELS]
    scale = 1 if weights is None else weights[LABELS]
    torch.testing.assert_close(each, -scale * (1 - p) ** 2 * p.log())


def test_a_picture_read_surely_counts_less_than_an_unsure_one() -> None:
    plain, focal = (Loss(LossConfig(kind=kind)) for kind in LossKind)
    sure, unsure = torch.tensor([[3.0, 0, 0, 0]]), torch.tensor([[0.1, 0, 0, 0]])
    label = torch.tensor([0])
    ratios = [float(loss(sure, label, 0.0) / loss(unsure, label, 0.0)) for loss in (plain, focal)]
    assert ratios[1] < 0.1 * ratios[0]


@pytest.mark.parametrize("focus", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("height", [0.0, 30.0, 200.0])
def test_slopes_stay_finite_however_sure_the_network_is(focus: float, height: float) -> None:
    answers = torch.tensor([[height, 0, 0, 0], [-height, 0, 0, 0]], requires_grad=True)
    each = Loss(LossConfig(kind=LossKind.focal, focus=focus))(answers, torch.tensor([0, 0]), 0.1)
    torch.autograd.backward(each.sum())
    assert each.isfinite().all()
    assert answers.grad is not None
    assert answers.grad.isfinite().all()


def test_classes_weigh_the_inverse_of_their_frequency_and_the_mean_picture_one() -> None:
    labels = torch.tensor([0] * 64 + [1] * 8 + [2] * 1)
    weights = class_weights(LossConfig(weights=ClassWeights.inverse), labels, CLASSES)
    assert weights is not None
    counts = torch.bincount(labels, minlength=CLASSES)
    assert (weights * counts)[:3].tolist() == pytest.approx([73 / 3] * 3)
    assert float(weights[labels].mean()) == pytest.approx(1)
    assert weights[3] == 0  # no picture, no weight


def test_all_count_alike_unless_somebody_asks() -> None:
    assert class_weights(LossConfig(), LABELS, CLASSES) is None
    assert float(Loss(LossConfig()).count(LABELS)) == len(LABELS)


def test_weights_follow_the_module_and_stay_out_of_checkpoints() -> None:
    loss = Loss(LossConfig(), WEIGHTS)
    assert not loss.state_dict()
    assert loss.to(torch.float64).weights is not None


@pytest.mark.parametrize(
    ("weights", "sampling", "said"), list(itertools.product(("none", "inverse"), ("disabled", "auto"), (False, True)))
)
def test_rare_classes_are_not_made_up_for_twice_unless_that_is_said(weights: str, sampling: str, said: bool) -> None:
    overrides = [
        "experiment=tiny",
        f"loss.weights={weights}",
        f"data.sampling.mode={sampling}",
        f"loss.weights_and_sampling={str(said).lower()}",
    ]
    if weights == "inverse" and sampling == "auto" and not said:
        with pytest.raises(ConfigError, match=r"loss\.weights and data\.sampling\.mode both make up for rare classes"):
            compose(overrides)
    else:
        assert compose(overrides).loss.weights.value == weights
