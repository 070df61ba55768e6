"""What a probability is worth: temperature and thresholds, chosen on validation.

N images, K classes, A answers to each image: of several networks, to several views.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from digitkit.core.prediction import Thresholds

TEMPERATURES = (0.1, 5.0)  # searched between these
STEPS = 40  # of the golden-section search; each shrinks the bracket by 0.618
GRID = 16  # steps from one end to the other, where there may be two valleys; each is a factor of 1.28
NOT_A_DIGIT = 0.002  # share of true validation digits that may fall under the acceptance threshold
NOT_A_DIGIT_TAUGHT = 0.01  # the same where negatives were learnt: then a refusal is worth more than it costs
UNSURE = 0.008  # share that may fall under the margin threshold
UNSURE_TAUGHT = 0.015  # the same where negatives were learnt: most of these are under the acceptance threshold already
STRICTEST = Thresholds(acceptance=0.6, margin=0.8)  # however sure the validation answers are
STRICTEST_TAUGHT = 0.95  # acceptance, where negatives were learnt


def temperature(answers: Tensor, labels: Tensor) -> float:
    """The number that logits are divided by so that probabilities (N,K) mean what they say on labels (N,).

    It minimises the cross-entropy, which has one minimum in the temperature: golden-section search.
    Source: Guo et al. 2017, On calibration of modern neural networks.
    """
    logits = answers.double().clamp_min(1e-12).log()
    logits, labels = _with_one_mistake(logits, labels)
    return _cheapest(lambda degree: _cross_entropy(logits / degree, labels), *TEMPERATURES)


def temperature_of_mean(answers: Tensor, labels: Tensor) -> float:
    """The same for the mean of several answers (A,N,K): the one number that divides the logits of all of them."""
    logits = answers.double().clamp_min(1e-12).log()
    best = answers.mean(0).topk(2, dim=1)
    least = int((best.values[:, 0] - best.values[:, 1]).argmin())  # one mistake more, as for a single answer
    logits = torch.cat([logits, logits[:, least : least + 1]], dim=1)
    labels = torch.cat([labels, best.indices[least, 1:]])

    def cost(degree: float) -> float:
        scaled = logits / degree
        of_label = scaled[:, torch.arange(len(labels)), labels] - scaled.logsumexp(2)  # (A,N)
        return -float(of_label.logsumexp(0).mean())

    # The cost of a mean may have two valleys: a narrow one, and that of members who only vote.
    low, high = TEMPERATURES
    grid = [low * (high / low) ** (place / GRID) for place in range(GRID + 1)]
    best_place = min(range(len(grid)), key=lambda place: cost(grid[place]))
    return _cheapest(cost, grid[max(0, best_place - 1)], grid[min(GRID, best_place + 1)])


def _cheapest(cost: Callable[[float], float], low: float, high: float) -> float:
    """The temperature with the lowest cost between two others, by golden-section search."""
    golden = (5**0.5 - 1) / 2
    for _ in range(STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return round((low + high) / 2, 4)


def _with_one_mistake(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The same with one more picture: the least sure one, whose true label is the runner-up.

    Answers that are all right would ask for no doubt at all, on 40 pictures as on 40,000; with a mistake more, as in
    the rule of succession, doubt shrinks as evidence grows. Among real mistakes it does not show.
    """
    best = logits.topk(2, dim=1)
    least = int((best.values[:, 0] - best.values[:, 1]).argmin())
    return torch.cat([logits, logits[least][None]]), torch.cat([labels, best.indices[least, 1:]])


def _cross_entropy(logits: Tensor, labels: Tensor) -> float:
    return float(torch.nn.functional.cross_entropy(logits, labels))


def tempered(answers: Tensor, degree: float) -> Tensor:
    """The probabilities (...,K) that the same logits give at a temperature."""
    return (answers.double().clamp_min(1e-12).log() / degree).softmax(-1).float()


class Tempered(nn.Module):
    """A network whose logits are divided by a temperature, as in its bundle."""

    def __init__(self, network: nn.Module, degree: float) -> None:
        super().__init__()
        self.network, self.degree = network, degree

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,K)."""
        logits: Tensor = self.network(images) / self.degree
        return logits


def thresholds(answers: Tensor, accepted: Tensor, knows_others: bool = False) -> Thresholds:
    """Acceptance and margin such that few true digits are refused.

    From validation: tempered `answers` (N,K), and how far each is `accepted` (N,). `knows_others` tells whether the
    network has learnt from what is no digit too. The paper thresholds (ink share, contrast) belong to prepare and keep
    their defaults.
    """
    best = answers.topk(2, dim=1).values
    usual = Thresholds()
    share, strictest = (NOT_A_DIGIT_TAUGHT, STRICTEST_TAUGHT) if knows_others else (NOT_A_DIGIT, STRICTEST.acceptance)
    acceptance = min(strictest, _refusing(accepted, share))
    unsure = UNSURE_TAUGHT if knows_others else UNSURE
    margin = min(STRICTEST.margin, _refusing(best[:, 0] - best[:, 1], unsure))
    return Thresholds(usual.ink_share, usual.contrast, acceptance, margin)


def _refusing(values: Tensor, share: float) -> float:
    """The limit, with four decimals, below which no more than this share of the values (N,) lies."""
    return math.floor(1e4 * float(values.quantile(share, interpolation="lower"))) / 1e4
