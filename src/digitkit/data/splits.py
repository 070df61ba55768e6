"""Sources to what a training needs: training, validation and test pictures that share nothing.

N pictures, K classes.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, SourceError
from digitkit.data.fingerprint import MarkedSet, fingerprint_of
from digitkit.data.loading import Loaded, Notes, load_sources
from digitkit.data.source import TEST, TRAIN, VAL, Progress, Report, keep_quiet
from digitkit.data.strata import choose, room
from digitkit.data.union import relabel, shared_classes

FALLBACK_VAL_SHARE = 0.1  # of a small fallback source, when the validation part was meant for a larger one


@dataclass(frozen=True)
class SplitPlan:
    """Which pictures are learnt from, chosen by and tested on."""

    sources: tuple[str, ...]
    val_size: float = 0.1  # validation pictures: a number when >= 1, a share of training when below, 0 = none
    seed: int = 0  # of the choice of validation pictures
    limit: int = 0  # training pictures used, stratified; 0 = all
    fallback: str = ""  # source used instead of one that cannot be fetched
    offline: bool = False  # True: only files that are here already

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.sources:
            raise ConfigError("sources is empty; name at least one source, such as mnist.")
        if len(set(self.sources)) < len(self.sources):
            raise ConfigError(f"sources names one source twice: {', '.join(self.sources)}.")
        if not (math.isfinite(self.val_size) and self.val_size >= 0) or (self.val_size > 1 and self.val_size % 1):
            raise ConfigError(
                f"val_size must be 0, a share below 1 or a whole number of pictures, got {self.val_size}."
            )
        if self.seed < 0 or self.limit < 0:
            raise ConfigError(f"seed and limit must be 0 or more, got {self.seed} and {self.limit}.")


@dataclass(frozen=True)
class SplitReport:
    """What went into the parts, and what was left out and why."""

    sources: tuple[str, ...]  # as used
    counts: Mapping[str, int]  # pictures of each part
    test_copies: int  # pictures dropped from training and validation because they are in the test part too
    val_copies: int  # pictures dropped from training because they are in the validation part too
    unknown_labels: Mapping[str, int]  # validation and test pictures whose label no training picture has
    notes: tuple[str, ...]  # lines for people, unreadable files among them

    def to_plain(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Splits:
    """What a training gets; no picture is in two of the parts.

    `extra` is mixed into the batches of `primary` by a ratio. `fingerprint` names the pictures, labels and classes of
    all parts.
    """

    primary: DigitSet
    extra: DigitSet
    val: DigitSet
    test: DigitSet
    report: SplitReport
    fingerprint: str


def build(plan: SplitPlan, report: Report = keep_quiet, progress: Progress | None = None) -> Splits:
    """Fetch, read and split the sources of a plan.

    `report` gets a line for whatever a person should know; the same lines stand in the report.
    Raises: SourceError when a source is not what it should be or cannot be had, ConfigError when the plan does not fit
    the pictures.
    """
    notes = Notes(report)
    loaded = load_sources(plan.sources, plan.fallback, plan.offline, notes, progress)
    parts = _Parts.of(loaded, plan.val_size > 0, notes)
    free = parts.without_test_copies()
    val, train = _split(free, _val_count(plan, free.pool, loaded), plan.seed, notes)
    novel = train.without(val)
    primary = _limit(novel, plan)
    _note_gaps(primary, parts.test, notes)
    nothing = MarkedSet.unite([], parts.classes)
    chosen = {"primary": primary, "extra": nothing, "val": val, "test": parts.test}
    record = SplitReport(
        sources=tuple(source.name for source in loaded),
        counts={name: len(part) for name, part in chosen.items()},
        test_copies=len(parts) - len(free),
        val_copies=len(train) - len(novel),
        unknown_labels=parts.unknown,
        notes=tuple(notes.lines),
    )
    digits = {name: part.digits for name, part in chosen.items()}
    return Splits(**digits, report=record, fingerprint=fingerprint_of(chosen))


@dataclass(frozen=True)
class _Parts:
    """All sources together, before the choice of validation pictures."""

    classes: tuple[str, ...]
    pool: MarkedSet  # training pictures that validation is chosen from
    settled: MarkedSet  # training pictures of sources with a validation part of their own
    val: MarkedSet  # those validation parts
    test: MarkedSet
    unknown: Mapping[str, int]

    def __len__(self) -> int:
        """How many pictures there are besides the test part."""
        return len(self.pool) + len(self.settled) + len(self.val)

    @classmethod
    def of(cls, loaded: Sequence[Loaded], wants_val: bool, notes: Notes) -> "_Parts":
        """Sort the parts of all sources; without a wish for validation, their validation parts are learnt from."""
        classes = shared_classes([source.parts[TRAIN] for source in loaded])
        unknown: Counter[str] = Counter()
        groups: dict[str, list[MarkedSet]] = {"pool": [], "settled": [], VAL: [], TEST: []}
        for source in loaded:
            has_val = wants_val and VAL in source.parts
            places = {TRAIN: "settled" if has_val else "pool", VAL: VAL if has_val else "pool", TEST: TEST}
            for part, digits in source.parts.items():
                known, left_out = relabel(digits, classes)
                unknown.update(left_out)
                groups[places[part]].append(MarkedSet.of(known))
        for name, count in sorted(unknown.items()):
            notes.add(f"{count:,} pictures labelled {name!r} were left out: no training picture has that label.")
        pool, settled, val, test = (MarkedSet.unite(group, classes) for group in groups.values())
        return cls(classes, pool, settled, val, test, dict(unknown))

    def without_test_copies(self) -> "_Parts":
        """The same without pictures that the test part has too."""
        pool, settled, val = (part.without(self.test) for part in (self.pool, self.settled, self.val))
        return replace(self, pool=pool, settled=settled, val=val)


def _val_count(plan: SplitPlan, pool: MarkedSet, loaded: Sequence[Loaded]) -> int:
    """How many validation pictures to choose from the pool."""
    wanted = round(plan.val_size * len(pool)) if plan.val_size < 1 else int(plan.val_size)
    most = room(pool.digits.labels, keep=1)
    if not len(pool) or wanted <= most:
        return min(wanted, most)
    if {source.name for source in loaded} <= set(plan.sources):
        raise ConfigError(
            f"val_size {plan.val_size:g} is too large: of {len(pool):,} training pictures {most:,} can be held out"
            f" so that each class keeps one. Choose a smaller number, or a share such as 0.1."
        )
    return round(FALLBACK_VAL_SHARE * len(pool))


def _split(parts: _Parts, count: int, seed: int, notes: Notes) -> tuple[MarkedSet, MarkedSet]:
    """The validation and the training pictures."""
    labels = parts.pool.digits.labels
    chosen = choose(labels, count, seed, keep=1)
    if not len(chosen):
        return parts.val, MarkedSet.unite([parts.settled, parts.pool], parts.classes)
    for name, size in parts.pool.digits.counts().items():
        if size == 1:
            notes.add(
                f"Class {name!r} has a single training picture; it is learnt from, and validation has none of them."
            )
    rest = np.setdiff1d(np.arange(len(labels)), chosen, assume_unique=True)
    val = MarkedSet.unite([parts.val, parts.pool.take(chosen)], parts.classes)
    return val, MarkedSet.unite([parts.settled, parts.pool.take(rest)], parts.classes)


def _limit(train: MarkedSet, plan: SplitPlan) -> MarkedSet:
    """The training pictures that are used."""
    present = len(np.unique(train.digits.labels))
    if not 0 < plan.limit < len(train):
        return train
    if plan.limit < present:
        raise ConfigError(f"limit must be 0 or at least one picture for each of {present} classes, got {plan.limit}.")
    return train.take(choose(train.digits.labels, plan.limit, plan.seed, least=1))


def _note_gaps(train: MarkedSet, test: MarkedSet, notes: Notes) -> None:
    """Say what a person would miss later; stop when there is nothing to tell apart."""
    empty = [name for name, size in train.digits.counts().items() if not size]
    if len(train.digits.classes) - len(empty) < 2:
        found = ", ".join(map(repr, train.digits.classes)) or "none"
        raise SourceError(
            f"Training pictures of two or more classes are needed, found classes: {found}. Add pictures of another."
        )
    for name in empty:
        notes.add(f"Class {name!r} has no training picture left: all of them are in the test part too.")
    if not len(test):
        notes.add("No source has a test part: accuracy can be given on validation only.")
