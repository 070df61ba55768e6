"""Trained networks whose answers another one learns from.

B images of one batch, C channels, S side in px, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.batches import Batches
from digitkit.learn.earlier import teachers_of
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run


@dataclass(frozen=True)
class Teacher:
    """The networks of finished runs, whose mean answer counts, and how much it does.

    Their temperature is 1, since augmented images leave doubt enough.
    Source: Hinton et al. 2015, Distilling the knowledge in a neural network.
    """

    networks: Sequence[nn.Module]
    share: float

    @classmethod
    def of(cls, recipe: Recipe, batches: Batches) -> "Teacher":
        """Those of a recipe, on the device of its batches.

        Raises: ConfigError when one knows other classes, or sees pictures prepared in another way.
        """
        return cls([_network(run, recipe, batches) for run in teachers_of(recipe)], recipe.loss.teacher_share)

    def blend(self, images: Tensor, target: Tensor, counts: Tensor, smoothing: float) -> Tensor:
        """Targets with the teacher's answers in them: images (B,C,S,S), labels (B,) or shares (B,K) -> float (B,K).

        `counts` bool (B,): which images it has an answer for; it was not taught what no digit is. Labels, not answers,
        are smoothed.
        """
        with torch.no_grad():
            answers = torch.stack([network(images).float().softmax(1) for network in self.networks]).mean(0)
        classes = answers.shape[1]
        own = F.one_hot(target, classes).float() if target.ndim == 1 else target
        own = own * (1 - smoothing) + smoothing / classes
        return torch.where(counts[:, None], torch.lerp(own, answers, self.share), own)


def _network(run: Run, recipe: Recipe, batches: Batches) -> nn.Module:
    known, wanted = run.report()["data"]["classes"], list(batches.drawing.classes)
    if known != wanted:
        raise ConfigError(
            f"loss.teacher={run.path} knows the classes {', '.join(map(repr, known))}; here there are"
            f" {', '.join(map(repr, wanted))}. Name a run that was trained on the same classes."
        )
    if run.recipe().prepare != recipe.prepare:
        raise ConfigError(
            f"loss.teacher={run.path} sees pictures prepared in another way. Give both the same prepare settings."
        )
    network = run.network().to(batches.images.pixels.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)  # type: ignore[no-any-return]
