"""How well a network reads: one forward pass serves every figure and picture.

N images, K classes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from digitkit.core.intervals import wilson
from digitkit.learn.layers import channels_last
from digitkit.learn.loader import Images
from digitkit.learn.reliability import Reliability
from digitkit.learn.running import Precision
from digitkit.learn.views import views

BATCH = 1000  # images per forward pass
TOP_K = (2, 3, 5)


@dataclass(frozen=True)
class Report:
    """The figures of one part; shares lie in 0..1.

    `interval` is Wilson's 95 % interval of the accuracy; `confusion` counts rows of true, columns of predicted classes;
    `mistakes` lists indices of wrong pictures, surest mistake first; `accuracy_views` maps a number of views to its
    accuracy; `reliability` is there where answers have their temperature.
    """

    split: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    f1: float
    top_k: dict[str, float]
    per_class: dict[str, float]
    confusion: list[list[int]]
    mistakes: list[int]
    accuracy_views: dict[str, float] = field(default_factory=dict)
    reliability: Reliability | None = None

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@torch.inference_mode()
def probabilities(
    network: nn.Module, images: Images, view_count: int = 1, precision: Precision = Precision.fp32, batch: int = BATCH
) -> Tensor:
    """The network's answers, the mean over shifted views: float (N,K) on the CPU, rows sum to 1."""
    network.eval()
    answers = []
    for start in range(0, len(images), batch):
        image = images.pixels[start : start + batch].to(torch.float32) / 255
        with torch.autocast(image.device.type, torch.bfloat16, enabled=precision is Precision.bf16):
            scored = [network(channels_last(view)).float().softmax(1) for view in views(image, view_count)]
        answers.append(torch.stack(scored).mean(0).cpu())
    return torch.cat(answers) if answers else torch.zeros(0, 0)


def score(answers: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy and mean cross-entropy of probabilities (N,K) against labels (N,)."""
    right = int((answers.argmax(1) == labels).sum())
    loss = -answers.gather(1, labels[:, None]).clamp_min(1e-12).log().mean()
    return right / max(1, len(labels)), float(loss)


def report(
    split: str, answers: Tensor | NDArray[np.float32], labels: Tensor | NDArray[np.int64], classes: Sequence[str]
) -> Report:
    """All figures of one part from its probabilities (N,K) and labels (N,)."""
    answers, labels = _as_tensor(answers), _as_tensor(labels)
    n, count = len(labels), len(classes)
    best = answers.argmax(1)
    accuracy, loss = score(answers, labels)
    confusion = np.bincount((labels * count + best).numpy(), minlength=count * count).reshape(count, count)
    order = answers.argsort(1, descending=True)
    wrong = (best != labels).nonzero().flatten()
    surest = wrong[answers[wrong].amax(1).argsort(descending=True)]
    recall = np.diag(confusion) / np.maximum(confusion.sum(1), 1)
    return Report(
        split=split, n=n, accuracy=accuracy, interval=wilson(n - len(wrong), n), loss=loss, f1=_macro_f1(confusion),
        top_k={str(k): int((order[:, :k] == labels[:, None]).any(1).sum()) / n for k in TOP_K if k < count},
        per_class={name: float(share) for name, share in zip(classes, recall, strict=True)},
        confusion=confusion.tolist(), mistakes=surest.tolist(),
    )  # fmt: skip


def _as_tensor(values: Tensor | NDArray[Any]) -> Tensor:
    """A tensor on the CPU; arrays are copied, since torch warns of those that are mapped from disk."""
    return values.cpu() if isinstance(values, Tensor) else torch.from_numpy(np.array(values))


def _macro_f1(confusion: NDArray[np.int64]) -> float:
    """The mean over classes of the harmonic mean of precision and recall; classes that occur nowhere do not count."""
    total = confusion.sum(0) + confusion.sum(1)
    shares = 2 * np.diag(confusion)[total > 0] / total[total > 0]
    return float(shares.mean()) if len(shares) else 0.0
