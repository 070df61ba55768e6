"""A quick network, and a thorough one that is asked only about the images that the quick one is not sure of.

N images, M of them asked again, C channels, S side in px, K classes, V views.
Source: Viola and Jones 2001, a cascade of classifiers; Teerapittayanon et al. 2016, BranchyNet, exits by confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from digitkit.learn.evaluate import score

OVERRULED = 1.6  # times the odds against the quick answer at the limit: from there on the thorough one counts wholly
LIMITS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)  # largest probability from which on one is sure
SAYS = (1.0, 0.85, 0.7, 0.5)  # most that the thorough answer may count; the quick one has the rest
WORTH = 0.02  # share of the lowest loss that fewer questions may cost


class Cascade(nn.Module):
    """Two networks that answer in turn, the logits of each divided by its own temperature before.

    `sure`, between 0 and 1, is the largest probability from which on the quick one answers alone, `say`, 0..1, how
    much the thorough answer counts where it is clearly lower. An answer is the same whatever else is in the batch. It
    answers as a network does: the softmax of what comes out are the probabilities.
    """

    def __init__(self, quick: nn.Module, thorough: nn.Module, sure: float, say: float) -> None:
        super().__init__()
        self.quick, self.thorough = quick, thorough
        self.sure, self.say = sure, say

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> logarithms of probabilities (N,K)."""
        first = self.quick(images).softmax(1)
        share = deferral(first, self.sure, self.say)
        # Always the least sure image, if only for its share of nothing: OpenVINO takes no batch without images.
        least = torch.arange(first.shape[0], device=first.device) == first.amax(1).argmin()
        asked = ((share > 0) | least).nonzero().squeeze(1)  # (M,)
        if torch.compiler.is_exporting():
            torch._check(asked.shape[0] > 1)  # no shape may be special to the exporter; the file takes one image too
        second = self.thorough(images.index_select(0, asked)).softmax(1)  # (M,K)
        mixed = torch.lerp(first.index_select(0, asked), second, share.index_select(0, asked)[:, None])
        answer: Tensor = first.index_copy(0, asked, mixed).clamp_min(torch.finfo(first.dtype).tiny)
        return answer.log()


def deferral(first: Tensor, sure: float, say: float) -> Tensor:
    """How much the thorough answer counts, 0..`say`: the quick one's probabilities (...,K) -> (...).

    It comes to count by the odds, not at once, so that no rounding turns an answer over. Probabilities would not do:
    .95 and .99 look alike there, yet the first is wrong five times as often.
    """
    best = first.amax(-1)
    against = (1 - best) / best * (sure / (1 - sure))  # odds against the quick answer, 1 at the limit
    return ((against - 1) / (OVERRULED - 1)).clamp(0, 1) * say


@dataclass(frozen=True)
class Limit:
    """How a cascade with one limit reads the validation part.

    `sure` is the limit, `say` what goes best with it, `asked` the share of images that the thorough network has a say
    in; all 0..1, as `accuracy`; `loss` is the mean cross-entropy.
    """

    sure: float
    say: float
    asked: float
    accuracy: float
    loss: float


def measure_limits(first: Tensor, second: Tensor, labels: Tensor) -> list[Limit]:
    """All limits that are tried, the lowest first, on validation images.

    Tempered answers (V,N,K) of the quick and of the thorough network, labels (N,).
    """
    tried = []
    for sure in LIMITS:
        asked = float((deferral(first, sure, 1) > 0).float().mean())
        each = [Limit(sure, say, asked, *score(answers(first, second, sure, say), labels)) for say in SAYS]
        tried.append(min(each, key=lambda limit: limit.loss))
    return tried


def choose(tried: Sequence[Limit], most_asked: float) -> Limit:
    """The first one whose loss is at most 2 % above the lowest, of those that ask about no larger share of the images.

    Where all ask more often it is the one that asks least.
    """
    affordable = [limit for limit in tried if limit.asked <= most_asked] or list(tried[:1])
    least = min(limit.loss for limit in affordable)
    return next(limit for limit in affordable if limit.loss <= least * (1 + WORTH))


def answers(first: Tensor, second: Tensor, sure: float, say: float) -> Tensor:
    """What a cascade says: tempered answers (V,N,K) of both networks -> probabilities (N,K)."""
    return torch.lerp(first, second, deferral(first, sure, say)[..., None]).mean(0)
