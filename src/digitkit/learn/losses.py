"""What is minimised.

B images of one batch, K classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.fitting import ClassWeights, LossConfig, LossKind


class Loss(nn.Module):
    """The loss of each image, for labels int64 (B,) or, where images are blends, shares of classes float (B,K).

    `weights` float (K,) say how much a class counts; None = all alike.
    """

    weights: Tensor | None

    def __init__(self, config: LossConfig, weights: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weights", weights, persistent=False)  # follows from the data, so no checkpoint needs it

    def forward(self, logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        """Shapes: `logits` float (B,K), `target` (B,) or (B,K); returns (B,). `smoothing` of a label goes to all."""
        if self.config.kind is LossKind.focal:
            return self._focal(logits, target, smoothing)
        return F.cross_entropy(logits, target, self.weights, label_smoothing=smoothing, reduction="none")

    def _focal(self, logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        """Each class counts (1 - p)^focus, with p as the network gives it: weights and smoothing do not change it.

        Source: Lin et al. 2017, Focal loss for dense object detection.
        """
        classes = logits.shape[1]
        shares = F.one_hot(target, classes) if target.ndim == 1 else target
        shares = shares * (1 - smoothing) + smoothing / classes
        logs = F.log_softmax(logits, dim=1)
        # expm1 keeps the slope finite at p = 1, where 1 - p rounds to 0 and a power below 1 has none.
        missing = -torch.expm1(logs.clamp(max=-1e-7))
        each = -shares * missing**self.config.focus * logs  # (B,K)
        return (each if self.weights is None else each * self.weights).sum(1)

    def count(self, target: Tensor) -> Tensor:
        """How much a batch counts, by which the sum of its losses is divided: its images, or their weights; ()."""
        if self.weights is None:
            return torch.full((), float(len(target)), device=target.device)
        return (self.weights[target] if target.ndim == 1 else target @ self.weights).sum()


def class_weights(config: LossConfig, labels: Tensor, classes: int) -> Tensor | None:
    """How much each class counts, float32 (K,), by the labels int64 (N,) of training; None when all count alike.

    The inverse of its frequency, scaled so that the mean over the pictures is 1; a class without pictures counts 0.
    """
    if config.weights is ClassWeights.none:
        return None
    labels = labels[labels >= 0]
    counts = torch.bincount(labels, minlength=classes).float()
    there = counts > 0
    return torch.where(there, len(labels) / (there.sum() * counts.clamp_min(1)), 0.0)


def soft_targets(labels: Tensor, partners: Tensor, share: Tensor, classes: int) -> Tensor:
    """The shares of classes of blends: int64 (B,), places int64 (B,), own share float (B,) -> float (B,K)."""
    own = shares(labels, classes)
    return torch.lerp(own[partners], own, share[:, None])


def shares(labels: Tensor, classes: int) -> Tensor:
    """Labels int64 (B,) as shares of classes, float (B,K); what is none of them, -1, is a little of each.

    Source: Hendrycks et al. 2019, Deep anomaly detection with outlier exposure.
    """
    own = F.one_hot(labels.clamp_min(0), classes).float()
    return torch.where(labels[:, None] < 0, 1 / classes, own)
