"""A quick network, and a thorough one that is asked only about the images that the quick one is not sure of.

N images, M of them asked again, C channels, S side in px, K classes, V views.
Source: Viola and Jones 2001, a cascade of classifiers; Teerapittayanon et al. 2016, BranchyNet, exits by confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from digitkit.learn.evaluate import score

BAND = 0.1  # the thorough answer counts from nothing to wholly within it, so that rounding turns no answer over
LIMITS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)  # largest probability from which on one is sure
WORTH = 0.02  # share of the lowest loss that fewer questions may cost


class Cascade(nn.Module):
    """Two networks, tempered, that answer in turn; what comes out is the same whatever else is in the batch.

    It answers as a network does: the softmax of what comes out are the probabilities.
    """

    def __init__(self, quick: nn.Module, thorough: nn.Module, sure: float) -> None:
        super().__init__()
        self.quick, self.thorough = quick, thorough
        self.sure = sure

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> logarithms of probabilities (N,K)."""
        first = self.quick(images).softmax(1)
        share = doubt(first, self.sure)
        # Always the least sure image, if only for its share of nothing: OpenVINO takes no batch without images.
        least = torch.arange(first.shape[0], device=first.device) == first.amax(1).argmin()
        asked = ((share > 0) | least).nonzero().squeeze(1)  # (M,)
        if torch.compiler.is_exporting():
            torch._check(asked.shape[0] > 1)  # no shape may be special to the exporter; the file takes one image too
        second = self.thorough(images.index_select(0, asked)).softmax(1)  # (M,K)
        mixed = torch.lerp(first.index_select(0, asked), second, share.index_select(0, asked)[:, None])
        answer: Tensor = first.index_copy(0, asked, mixed).clamp_min(torch.finfo(first.dtype).tiny)
        return answer.log()


def doubt(first: Tensor, sure: float) -> Tensor:
    """How much the thorough answer counts, 0..1, by the quick one: probabilities (...,K) -> (...)."""
    return ((sure - first.amax(-1)) / BAND).clamp(0, 1)


@dataclass(frozen=True)
class Limit:
    """How a cascade with one limit reads the validation part; `asked` is the share of images the thorough one sees."""

    sure: float
    asked: float
    accuracy: float
    loss: float


def choose(first: Tensor, second: Tensor, labels: Tensor) -> tuple[Limit, Sequence[Limit]]:
    """The lowest limit whose loss is at most 2 % above the lowest, and all that were tried.

    Tempered answers (V,N,K) of the quick and the thorough network on validation images, labels (N,).
    """
    tried = [_tried(first, second, labels, sure) for sure in LIMITS]
    least = min(limit.loss for limit in tried)
    return next(limit for limit in tried if limit.loss <= least * (1 + WORTH)), tried


def answers(first: Tensor, second: Tensor, sure: float) -> Tensor:
    """What a cascade says: tempered answers (V,N,K) of both networks -> probabilities (N,K)."""
    return torch.lerp(first, second, doubt(first, sure)[..., None]).mean(0)


def _tried(first: Tensor, second: Tensor, labels: Tensor, sure: float) -> Limit:
    asked = float((doubt(first, sure) > 0).float().mean())
    return Limit(sure, asked, *score(answers(first, second, sure), labels))
