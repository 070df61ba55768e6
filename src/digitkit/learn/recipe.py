"""Everything that decides a training, as plain typed records.

Only `learn.compose` fills them from experiments and overrides; each one checks its own ranges.
`model` and `optim` hold the record of the chosen entry (see `learn.models` and `learn.optim`); those of mixing, loss,
steps, learning rate and average stand in `learn.fitting`, augmentation's in `learn.augmenting`, budget's and the
run's in `learn.running`.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from digitkit.core.errors import ConfigError
from digitkit.learn.augmenting import AugmentConfig
from digitkit.learn.fitting import AverageConfig, ClassWeights, LossConfig, MixConfig, ScheduleConfig, StepConfig
from digitkit.learn.ranges import check_range as check_range  # networks and optimisers have records of their own
from digitkit.learn.running import BudgetConfig, RunConfig


class Mode(Enum):
    """What kind of picture `prepare` expects."""

    ink = "ink"
    photo = "photo"


class SampleMode(Enum):
    """What decides how often a training picture is drawn."""

    disabled = "disabled"
    auto = "auto"
    manual = "manual"


class Duplicates(Enum):
    """Which copies of a picture may not lie in two parts."""

    near = "near"
    exact = "exact"
    keep = "keep"


@dataclass
class SamplingConfig:
    """How often the primary training pictures of each class are drawn."""

    mode: SampleMode = SampleMode.disabled  # disabled: each once in a pass; auto: every class alike; manual: by weights
    classes: list[str] = field(default_factory=list)  # manual: the labels that `weights` speaks of, in its order
    weights: list[float] = field(default_factory=list)  # manual: how often, against 1 for the labels not named; 0 never
    count: int = 0  # pictures drawn in one epoch; 0 = as many as there are
    replacement: bool = True  # false: none twice in an epoch, which needs a smaller `count`

    def __post_init__(self) -> None:
        """Check the ranges, and that the settings belong together."""
        check_range("data.sampling.count", self.count, 0, 1e12)
        for weight in self.weights:
            check_range("data.sampling.weights", weight, 0, 1e6)
        if len(self.classes) != len(self.weights) or len(set(self.classes)) < len(self.classes):
            raise ConfigError(
                f"data.sampling.classes and weights must name each label once with its weight,"
                f" got {len(self.classes)} labels and {len(self.weights)} weights."
            )
        if (self.mode is SampleMode.manual) != bool(self.weights):
            raise ConfigError("data.sampling.weights belong to data.sampling.mode=manual, and it needs them.")
        if self.mode is SampleMode.disabled and (self.count or not self.replacement):
            raise ConfigError("data.sampling.count and replacement need data.sampling.mode=auto or manual.")
        if not self.replacement and not self.count:
            raise ConfigError(
                "data.sampling.replacement=false draws every picture once, whatever its weight;"
                " set data.sampling.count to fewer pictures than there are."
            )


@dataclass
class DataConfig:
    """Which pictures are learnt from."""

    sources: list[str] = field(default_factory=lambda: ["mnist"])
    sizes: list[float] = field(default_factory=list)  # training pictures of each source: 0 = all, below 1 a share
    extra: list[str] = field(default_factory=list)  # mixed into every batch: training part of NAME, or NAME/extra
    extra_sizes: list[float] = field(default_factory=list)  # the same as `sizes` for them
    extra_share: float = 0.05  # of every batch that is extra, where there are extra sources
    weights: dict[str, float] = field(default_factory=dict)  # how often pictures of a source are drawn, 1 when unnamed
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    negatives: list[str] = field(default_factory=list)  # sources whose pictures of no digit are learnt to be none
    negatives_share: float = 0.1  # of every batch, on top of it, where there are negatives
    val_size: float = 0.0833333  # held out to choose by: a share when below 1 (5,000 of MNIST), else pictures; 0 = none
    limit: int = 0  # training pictures used, stratified; 0 = all
    seed: int = 0  # of the split only, so that seeds of training share one validation part
    fallback: str = ""  # source used, and said so, when one cannot be fetched
    offline: bool = False  # True: only files that are here already
    duplicates: Duplicates = Duplicates.near  # copies kept apart from test and validation; keep = nobody looks for any

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("data.seed", self.seed, 0, 10**9)
        check_range("data.val_size", self.val_size, 0, 1e9)
        check_range("data.limit", self.limit, 0, 1e12)
        if not self.sources:
            raise ConfigError("data.sources is empty; name at least one source, as in data.sources=[mnist]")
        check_range("data.extra_share", self.extra_share, 0.0001, 0.99)
        check_range("data.negatives_share", self.negatives_share, 0, 1)
        for key, sizes, names in (("sizes", self.sizes, self.sources), ("extra_sizes", self.extra_sizes, self.extra)):
            if sizes and len(sizes) != len(names):
                raise ConfigError(f"data.{key} needs a number for each of {len(names)} sources, got {len(sizes)}.")
            for size in sizes:
                check_range(f"data.{key}", size, 0, 1e12)
        for name, weight in self.weights.items():
            check_range(f"data.weights.{name}", weight, 0, 1e6)


@dataclass
class PrepareConfig:
    """How a picture becomes what the network sees; part of the bundle."""

    mode: Mode = Mode.ink
    size: int = 28  # px, side of the image
    box: int = 20  # px, longer side of the ink within the image
    coarse: int = 28  # px, side of the canvas on which the digit is found
    close: int = 40  # px, side of the canvas on which it is read
    fill: float = 0.72  # share of the close canvas that the longer side of the digit takes
    floor: float = 0.18  # share of the strongest ink that still counts as paper
    knee: float = 0.55  # share of the strongest ink, above the floor, that becomes full ink
    window: int = 13  # px of the coarse canvas, odd, 9 or more; no blob of ink is this wide, so an opening leaves paper
    stroke: float = 2.3  # px of the close canvas; thinner strokes are made this wide; 0 = as they are
    channels: int = 1  # of the image: 1 grey, 3 colour (mode photo only)

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("prepare.size", self.size, 8, 1024)
        check_range("prepare.box", self.box, 4, self.size)
        check_range("prepare.coarse", self.coarse, 20, 256)
        check_range("prepare.close", self.close, 20, 1024)
        check_range("prepare.fill", self.fill, 0.2, 0.95)
        check_range("prepare.stroke", self.stroke, 0, 20)
        check_range("prepare.floor", self.floor, 0, 0.9)
        check_range("prepare.knee", self.knee, 0.01, 1)
        check_range("prepare.window", self.window, 9, self.coarse)
        if self.window % 2 == 0:
            raise ConfigError(f"prepare.window must be odd, got {self.window}")
        if self.channels not in (1, 3) or (self.channels == 3 and self.mode is Mode.ink):
            raise ConfigError(f"prepare.channels must be 1, or 3 in mode photo, got {self.channels}")


@dataclass
class Recipe:
    """One training, complete: with the same recipe and data the same weights come out."""

    name: str = "unnamed"
    seed: int = 0
    start: str = ""  # a run of the same network and data, whose weights are trained further; RUN+RUN: their mean
    data: DataConfig = field(default_factory=DataConfig)
    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: Any = None
    mix: MixConfig = field(default_factory=MixConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: Any = None
    step: StepConfig = field(default_factory=StepConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    average: AverageConfig = field(default_factory=AverageConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("seed", self.seed, 0, 10**9)
        if self.augment.before.k and self.prepare.mode is not Mode.ink:
            raise ConfigError(
                "augment.before takes ink off its paper, so it needs prepare.mode=ink; set augment.before.k=0."
            )
        weighs = self.data.sampling.mode is not SampleMode.disabled or bool(self.data.weights)
        if self.budget.hard_share and weighs:
            raise ConfigError(
                "data.sampling.mode or data.weights, and budget.hard_share, both decide how often a picture is drawn;"
                " set budget.hard_share=0, or data.sampling.mode=disabled and no data.weights."
            )
        weighted = self.loss.weights is not ClassWeights.none
        if weighted and self.data.sampling.mode is not SampleMode.disabled and not self.loss.weights_and_sampling:
            raise ConfigError(
                "loss.weights and data.sampling.mode both make up for rare classes, twice is too much;"
                " set loss.weights=none or data.sampling.mode=disabled, or loss.weights_and_sampling=true."
            )
        if not self.name or not set("/\\:").isdisjoint(self.name):
            raise ConfigError(f"name becomes part of a folder's name: without / \\ and :, got {self.name!r}")
