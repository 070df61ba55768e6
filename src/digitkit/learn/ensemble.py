"""Several networks that answer together, and which of them should: chosen on validation.

N images, C channels, S side in px, K classes, V views, A = views times networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from digitkit.learn.calibrate import temperature_of_mean, tempered
from digitkit.learn.evaluate import probabilities, score
from digitkit.learn.loader import Images
from digitkit.learn.views import views


class Ensemble(nn.Module):
    """Networks whose probabilities are averaged, the logits of each divided by one temperature before.

    It answers as a network does: the softmax of what comes out is that mean.
    """

    def __init__(self, networks: Sequence[nn.Module], degree: float) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.degree = degree

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> logarithms of probabilities (N,K)."""
        scored = [(network(images) / self.degree).softmax(1) for network in self.networks]
        mean = torch.stack(scored).mean(0)  # (N,K)
        return mean.clamp_min(torch.finfo(mean.dtype).tiny).log()


@dataclass(frozen=True)
class Standing:
    """How some of the candidates, named by their places, read the validation part together."""

    members: tuple[int, ...]
    accuracy: float
    loss: float  # cross-entropy at the temperature
    temperature: float


@dataclass(frozen=True)
class Selection:
    """Who was chosen: `alone` has every candidate, the best one first; `steps` how the ensemble grew, one by one."""

    alone: tuple[Standing, ...]
    steps: tuple[Standing, ...]

    @property
    def chosen(self) -> Standing:
        """The ensemble as it ended."""
        return self.steps[-1]


def answers_to_views(network: nn.Module, images: Images, view_count: int) -> Tensor:
    """The probabilities of a network for each view by itself, float (V,N,K)."""
    shifted = [replace(images, pixels=view) for view in views(images.pixels, view_count)]
    return torch.stack([probabilities(network, view) for view in shifted])


def measure(answers: Sequence[Tensor], labels: Tensor, members: tuple[int, ...]) -> Standing:
    """Score the mean of some members' answers, (V,N,K) of each candidate, at the temperature that fits it best."""
    together = torch.cat([answers[place] for place in members])  # (A,N,K)
    degree = temperature_of_mean(together, labels)
    return Standing(members, *score(mean_answer(together, degree), labels), degree)


def mean_answer(answers: Tensor, degree: float) -> Tensor:
    """What an ensemble says at a temperature: probabilities (A,N,K) of its members -> (N,K)."""
    return tempered(answers, degree).mean(0)


def join_all(answers: Sequence[Tensor], labels: Tensor) -> Selection:
    """Every candidate, the best one first, so that the order in which they were named changes nothing."""
    alone = _ranked(answers, labels)
    ranks = [standing.members[0] for standing in alone]
    grown = [measure(answers, labels, tuple(ranks[:count])) for count in range(2, len(ranks) + 1)]
    return Selection(alone, (alone[0], *grown))


def choose(answers: Sequence[Tensor], labels: Tensor, most: int) -> Selection:
    """At most so many candidates, by greedy choice on labels (N,).

    The best one alone begins (by accuracy, then loss). Each step adds the one with which the loss becomes lowest, and
    the choice ends where nobody lowers it. Source: Caruana et al. 2004, without repetition.
    """
    alone = _ranked(answers, labels)
    steps, left = [alone[0]], [standing.members[0] for standing in alone[1:]]
    while left and len(steps) < most:
        tried = [measure(answers, labels, (*steps[-1].members, place)) for place in left]
        best = min(tried, key=lambda standing: standing.loss)
        if best.loss >= steps[-1].loss:
            break
        steps.append(best)
        left.remove(best.members[-1])
    return Selection(alone, tuple(steps))


def _ranked(answers: Sequence[Tensor], labels: Tensor) -> tuple[Standing, ...]:
    """Each candidate alone, the best one first; equals stay in the order of their places."""
    alone = [measure(answers, labels, (place,)) for place in range(len(answers))]
    return tuple(sorted(alone, key=lambda standing: (-standing.accuracy, standing.loss)))
