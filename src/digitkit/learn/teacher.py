"""Trained networks whose answers another one learns from.

B images of one batch, C channels, S side in px, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.batches import Batches
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run

LEAST_TRUST = 1e-6  # for a label that no teacher finds likely


@dataclass(frozen=True)
class Teacher:
    """The networks of finished runs, and how much their answers count.

    Where there are two, each counts by the probability that it gives to the true label, image by image, so that one
    who knows one kind of pictures best does not mislead in others. Their temperature is 1, since augmented images leave
    doubt enough.
    Source: Hinton et al. 2015, Distilling the knowledge in a neural network.
    """

    networks: Sequence[nn.Module]
    share: float

    @classmethod
    def of(cls, recipe: Recipe, batches: Batches) -> "Teacher":
        """Those of a recipe, on the device of its batches.

        Raises: ConfigError when one knows other classes, or sees pictures prepared in another way.
        """
        named = {"teacher": recipe.loss.teacher, "second_teacher": recipe.loss.second_teacher}
        networks = [_network(f"loss.{key}", folder, recipe, batches) for key, folder in named.items() if folder]
        return cls(networks, recipe.loss.teacher_share)

    def blend(self, images: Tensor, target: Tensor, counts: Tensor, smoothing: float) -> Tensor:
        """Targets with the teachers' answers in them: images (B,C,S,S), labels (B,) or shares (B,K) -> float (B,K).

        `counts` bool (B,): which images they have an answer for; they were not taught what no digit is. Labels, not
        answers, are smoothed.
        """
        with torch.no_grad():
            answers = torch.stack([network(images).float().softmax(1) for network in self.networks])  # (teachers,B,K)
        classes = answers.shape[2]
        own = F.one_hot(target, classes).float() if target.ndim == 1 else target
        trust = (answers * own).sum(2, keepdim=True).clamp_min(LEAST_TRUST)
        answer = (answers * trust).sum(0) / trust.sum(0)
        own = own * (1 - smoothing) + smoothing / classes
        return torch.where(counts[:, None], torch.lerp(own, answer, self.share), own)


def _network(setting: str, folder: str, recipe: Recipe, batches: Batches) -> nn.Module:
    """The network of a run that fits a recipe.

    Raises: ConfigError.
    """
    run = Run.open(Path(folder))
    known, wanted = run.report()["data"]["classes"], list(batches.drawing.classes)
    if known != wanted:
        raise ConfigError(
            f"{setting}={run.path} knows the classes {', '.join(map(repr, known))}; here there are"
            f" {', '.join(map(repr, wanted))}. Name a run that was trained on the same classes."
        )
    if run.recipe().prepare != recipe.prepare:
        raise ConfigError(
            f"{setting}={run.path} sees pictures prepared in another way. Give both the same prepare settings."
        )
    network = run.network().to(batches.images.pixels.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained: nn.Module = network.eval().requires_grad_(False)
    return trained
