"""A plan: which numbers are drawn, how often, in which style, colours and sizes, and how the pictures are degraded."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from digitkit.core.errors import ConfigError
from digitkit.data.source import TEST, TRAIN, VAL
from digitkit.data.synthetic.colours import Pair
from digitkit.data.synthetic.degrade import Degradation, Span
from digitkit.data.synthetic.dice import Dice

STYLES = ("jersey", "print", "handwriting")


@dataclass(frozen=True)
class Target:
    """More training pictures of one number in one pair of colours."""

    label: str
    pair: Pair
    count: int


@dataclass(frozen=True)
class Plan:
    """What to draw; the comment of each field gives its unit."""

    name: str
    classes: tuple[str, ...]  # numbers of one to three digits, sorted
    style: str = "jersey"
    seed: int = 0
    per_class: int = 100  # training pictures
    counts: Mapping[str, int] = field(default_factory=dict)  # training pictures of classes that differ from per_class
    imbalance: float = 1.0  # the commonest class has so many times the training pictures of the rarest
    existing: str = ""  # a source whose training pictures count: only what is missing is drawn
    val: int = 0  # validation pictures of each class
    test: int = 0  # test pictures of each class
    size: Span = (64, 64)  # px, height
    aspect: Span = (1, 1)  # width / height
    pairs: Mapping[Pair, float] = field(default_factory=dict)  # colours with their weights; none: the style chooses
    contrast: float = 0.35  # 0..1, least distance of colours that the style chooses
    targets: tuple[Target, ...] = ()
    degrade: Degradation = field(default_factory=Degradation)
    fonts: tuple[str, ...] = ("*",)  # patterns of names
    font_folders: tuple[Path, ...] = ()  # looked through besides those of this machine
    sources: tuple[str, ...] = ()  # of single digits, for the style handwriting

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that have pictures."""
        return tuple(part for part, has in ((TRAIN, True), (VAL, self.val), (TEST, self.test)) if has)

    def facts(self) -> tuple[object, ...]:
        """Everything in the plan that a picture depends on, in one order."""
        pairs = [(pair.ink, pair.ground, weight) for pair, weight in self.pairs.items()]
        return self.style, self.seed, self.size, self.aspect, pairs, self.contrast, self.degrade

    def to_plain(self) -> dict[str, object]:
        """The plan as plain JSON values, for people; folders are left out, since fonts are known by their content."""
        plain: dict[str, object] = asdict(replace(self, pairs={}, font_folders=()))
        plain["pairs"] = [{**asdict(pair), "weight": weight} for pair, weight in self.pairs.items()]
        return plain


@dataclass(frozen=True)
class Job:
    """One picture of a plan: of a part and a label, for a target or not, and which of them it is."""

    part: str
    label: str
    index: int
    pair: Pair | None = None

    @property
    def name(self) -> str:
        """The path of its file below the part's folder."""
        colours = f"{self.pair.ink}-{self.pair.ground}-".replace("#", "") if self.pair else ""
        return f"{self.label}/{colours}{self.index:05d}.png"


def count_jobs(plan: Plan, existing: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """How many pictures each part has of each class, targets apart; `existing` counts against the training part."""
    order = sorted(plan.classes, key=lambda name: Dice("rank", plan.seed, name).unit())
    last = max(1, len(order) - 1)
    shares = {name: plan.imbalance ** (-rank / last) for rank, name in enumerate(order)}
    train = {
        name: plan.counts.get(name, max(1, round(plan.per_class * shares[name])) if plan.per_class else 0)
        for name in plan.classes
    }
    counts = {TRAIN: {name: max(0, count - existing.get(name, 0)) for name, count in train.items()}}
    for part, count in ((VAL, plan.val), (TEST, plan.test)):
        if count:
            counts[part] = dict.fromkeys(plan.classes, count)
    return counts


def list_jobs(plan: Plan, existing: Mapping[str, int]) -> dict[str, list[Job]]:
    """Every picture of each part, sorted by label; what a job gives depends on nothing but the job and `plan.facts()`.

    Raises: ConfigError when nothing is left to draw.
    """
    counts = count_jobs(plan, existing)
    jobs = {
        part: [Job(part, name, index) for name in plan.classes for index in range(counts[part][name])]
        for part in plan.parts
    }
    jobs[TRAIN] += [
        Job(TRAIN, target.label, index, target.pair) for target in plan.targets for index in range(target.count)
    ]
    for part, listed in jobs.items():
        listed.sort(key=lambda job: job.name)
        if not listed:
            raise ConfigError(f"{plan.name}: no picture of the part {part} is left to draw; raise per_class.")
    return jobs
