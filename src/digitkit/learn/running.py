"""The part of a recipe that decides how long a training lasts, and where and how it runs."""

from dataclasses import dataclass, field
from enum import Enum

from digitkit.core.errors import ConfigError
from digitkit.learn.ranges import check_range


class Precision(Enum):
    """The number format of the heavy products."""

    auto = "auto"
    bf16 = "bf16"
    fp16 = "fp16"
    fp32 = "fp32"


@dataclass
class BudgetConfig:
    """How long the training lasts."""

    epochs: float = 4.0  # passes over the training part; parts of a pass count; 0 = another of these three decides
    steps: int = 0  # steps, whatever they make in epochs; 0 = another decides
    minutes: float = 0.0  # of training and scoring, measured once and then kept as steps; 0 = another decides
    batch: int = 512  # images per step
    hard_share: float = 0.0  # share of the images, those with the largest losses, shown after the first pass; 0 = all
    least_steps: int = 200  # so that a small set is learnt too: more epochs are made until there are this many steps
    patience: int = 0  # validations in a row without a better one that end the training early; 0 = it is never ended

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("budget.hard_share", self.hard_share, 0, 1)
        check_range("budget.least_steps", self.least_steps, 1, 1e9)
        if self.epochs:
            check_range("budget.epochs", self.epochs, 0.001, 1e6)
        check_range("budget.steps", self.steps, 0, 1e9)
        check_range("budget.minutes", self.minutes, 0, 1e6)
        check_range("budget.patience", self.patience, 0, 1e6)
        lengths = {name: getattr(self, name) for name in ("epochs", "steps", "minutes")}
        if sum(value > 0 for value in lengths.values()) != 1:
            told = ", ".join(f"budget.{name}={value:g}" for name, value in lengths.items())
            raise ConfigError(f"Exactly one of epochs, steps and minutes decides, the others are 0; got {told}.")
        check_range("budget.batch", self.batch, 1, 1e6)


@dataclass
class RunConfig:
    """Where and how the training runs; changes nothing in what is learnt."""

    folder: str = ""  # of the run; empty = runs/NAME-DATE-TIME
    device: str = "auto"  # auto, cpu, cuda, mps
    devices: int = 1  # processes that share each batch, on a GPU each, or all on the CPU
    precision: Precision = Precision.auto  # bf16 where it is faster, fp16 on GPUs without it, else fp32
    compile: bool = False  # let torch translate the network first: a minute or so, then quicker steps
    threads: int = 0  # CPU threads of each process; 0 = torch's choice
    validations: int = 3  # times the validation part is scored, the last time at the end
    checkpoint_seconds: float = 60.0  # at most this much work is lost when the process is killed
    keep: int = 0  # checkpoints of the best validations that are kept beside the last one
    export: bool = True  # write the bundle at the end
    test: bool = True  # score the test part, once, when all is done; false while choosing a recipe
    views: int = 5  # shifted views that the test part is also scored with
    pictures: bool = True  # draw curves, mistakes and all else that people look at; false saves some seconds
    progress: bool = True  # a progress bar, where there is a terminal
    trackers: list[str] = field(default_factory=list)  # shown the training too: tensorboard, wandb, mlflow, trackio

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("run.devices", self.devices, 1, 1024)
        check_range("run.threads", self.threads, 0, 1024)
        check_range("run.validations", self.validations, 1, 1e6)
        check_range("run.checkpoint_seconds", self.checkpoint_seconds, 0, 1e9)
        check_range("run.keep", self.keep, 0, 1000)
        if self.views not in (1, 5, 9):
            raise ConfigError(f"run.views must be 1, 5 or 9, got {self.views}")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ConfigError(f"run.device must be auto, cpu, cuda or mps, got {self.device!r}")
