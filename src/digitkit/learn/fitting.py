"""The part of a recipe that decides how weights are fitted: mixing, loss, steps, learning rate, average.

The optimiser's own settings are the records of `learn.optim`.
"""

from dataclasses import dataclass, field
from enum import Enum

from digitkit.core.errors import ConfigError
from digitkit.learn.ranges import check_range


class LossKind(Enum):
    """What is minimised."""

    cross_entropy = "cross_entropy"
    focal = "focal"


class ClassWeights(Enum):
    """How much a picture of a class counts."""

    none = "none"
    inverse = "inverse"


class Shape(Enum):
    """How the learning rate falls after its warm-up."""

    linear = "linear"
    cosine = "cosine"
    drops = "drops"
    restarts = "restarts"


class AverageKind(Enum):
    """How the averaged weights follow the raw ones."""

    ema = "ema"
    swa = "swa"


@dataclass
class MixConfig:
    """Blends of two images: MixUp fades one into the other, CutMix pastes a rectangle of the other.

    The defaults of the draws are those of a recipe for MNIST that was searched for; photos bear stronger ones (1.0).
    """

    probability: float = 0.0  # share of the batches (of the images, where `each`) that are blended; 0 = off
    each: bool = False  # true: every image has draws of its own; false: one draw for all images of a batch
    cutmix: float = 0.8  # share of the blends that are CutMix; the others are MixUp
    mixup_alpha: float = 0.091  # MixUp keeps a share drawn from Beta(alpha, alpha): near 0 or 1 when alpha is small
    cutmix_alpha: float = 0.35  # the same for the share of the area that CutMix keeps
    off_epochs: float = 0.0  # epochs at the end without blends, for whole images are what will be read
    smooth_after: bool = True  # false: `loss.smoothing` ends with the blends, and plain labels are learnt to the end

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("mix.probability", self.probability, 0, 1)
        check_range("mix.cutmix", self.cutmix, 0, 1)
        check_range("mix.mixup_alpha", self.mixup_alpha, 0.001, 100)
        check_range("mix.cutmix_alpha", self.cutmix_alpha, 0.001, 100)
        check_range("mix.off_epochs", self.off_epochs, 0, 1e6)


@dataclass
class LossConfig:
    """What is minimised: cross-entropy, or its focal variant."""

    kind: LossKind = LossKind.cross_entropy
    smoothing: float = 0.1  # share of each label spread over all classes
    focus: float = 2.0  # focal: power of 1 - p by which a class read with probability p counts less; 0 = cross-entropy
    weights: ClassWeights = ClassWeights.none  # inverse: rare classes count as much as common ones
    teacher: str = ""  # run of the same classes and preparation, learnt from too; of RUN+RUN the mean answer
    teacher_share: float = 0.5  # of each target that is the teacher's answer; the rest is the label
    weights_and_sampling: bool = False  # true: `weights` also where `data.sampling` draws rare classes more often

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("loss.smoothing", self.smoothing, 0, 0.9)
        check_range("loss.focus", self.focus, 0, 10)
        check_range("loss.teacher_share", self.teacher_share, 0, 1)


@dataclass
class StepConfig:
    """How gradients are gathered before the optimiser steps, and what happens to its steps."""

    pieces: int = 1  # parts in which a batch passes the network, gradients added up, so that it needs less memory
    clip: float = 0.0  # longest gradient over all weights (L2 norm); longer ones are shortened to it; 0 = as they are
    lookahead: int = 0  # steps after which slow weights go towards the fast ones, 5 is usual; 0 = no slow weights
    lookahead_alpha: float = 0.5  # share of the way that the slow weights go

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("step.pieces", self.pieces, 1, 1e6)
        check_range("step.clip", self.clip, 0, 1e6)
        check_range("step.lookahead", self.lookahead, 0, 1e6)
        check_range("step.lookahead_alpha", self.lookahead_alpha, 0, 1)


@dataclass
class ScheduleConfig:
    """The learning rate over the run: up in a line, then down in some shape."""

    shape: Shape = Shape.linear  # linear, cosine, drops, or restarts: cosine again and again
    warmup: float = 0.15  # share of the steps until the peak
    end: float = 0.0  # learning rate at the end, as a share of the peak
    drops: list[float] = field(default_factory=lambda: [0.5, 0.75])  # drops: where, as shares of the steps
    drop: float = 0.1  # drops: what is left of the learning rate after each, as a share
    cycle_epochs: float = 10.0  # restarts: the first cycle, about; stretched so that the last one ends with the run
    growth: float = 2.0  # restarts: length of a cycle over that of the one before

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("schedule.warmup", self.warmup, 0, 0.99)
        check_range("schedule.end", self.end, 0, 1)
        check_range("schedule.drop", self.drop, 0, 1)
        check_range("schedule.cycle_epochs", self.cycle_epochs, 0.001, 1e6)
        check_range("schedule.growth", self.growth, 1, 100)
        for share in self.drops:
            check_range("schedule.drops", share, 0, 1)
        if sorted(self.drops) != self.drops:
            raise ConfigError(f"schedule.drops must rise, as in [0.5,0.75], got {self.drops}")


@dataclass
class AverageConfig:
    """The averaged copy of the weights, which is what gets scored, chosen and exported."""

    kind: AverageKind = AverageKind.ema  # ema: the last steps count most; swa: all steps from `start` on count alike
    every: int = 5  # steps between two updates; 0 = no average, the raw weights are used
    decay: float = 0.774  # ema: share of the old average kept at an update, past its warm-up; .95 per step
    start: float = 0.8  # swa: share of the steps after which averaging begins; until then the raw weights count
    lr: float = 0.5  # swa: learning rate while averaging, as a share of the peak
    anneal: float = 0.05  # swa: share of the steps in which the learning rate goes over to `lr`
    norm_images: int = 5000  # swa: training images that batch norms see again before the average is scored

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("average.every", self.every, 0, 1e6)
        check_range("average.decay", self.decay, 0, 1)
        check_range("average.start", self.start, 0, 1)
        check_range("average.lr", self.lr, 0, 10)
        check_range("average.anneal", self.anneal, 0, 1)
        check_range("average.norm_images", self.norm_images, 1, 1e9)
        if self.kind is AverageKind.swa and not self.every:
            raise ConfigError("average.kind=swa averages nothing with average.every=0; set average.every=5.")

    def first_step(self, steps: int) -> int:
        """The step (0-based) of so many with which averaging begins."""
        return min(round(self.start * steps), steps - 1) if self.kind is AverageKind.swa else 0
