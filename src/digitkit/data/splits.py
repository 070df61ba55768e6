"""Sources to what a training needs: training, validation and test pictures that share nothing.

N pictures, K classes.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, SourceError
from digitkit.data.contamination import contaminations
from digitkit.data.copies import KEEP, METHODS, NEAR, CopyReport
from digitkit.data.fingerprint import MarkedSet, fingerprint_of, number
from digitkit.data.loading import Loaded, Loader, Notes, tell_apart
from digitkit.data.pools import Pools
from digitkit.data.source import Progress, Report, keep_quiet
from digitkit.data.strata import choose, choose_whole, room

CLASSES_SAID = 10
UNTESTED = "No source has a test part: accuracy can be given on validation only."
UNSCORED = "No source has a test part, and no picture is kept for validation: no accuracy can be given."
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
    duplicates: str = NEAR  # which copies may not lie in two parts: near, exact, or keep: nobody looks for them
    sizes: tuple[float, ...] = ()  # training pictures used of each source: a share when below 1, 0 = all; () = all
    extra: tuple[str, ...] = ()  # sources mixed into the batches of the others, by their training part or as NAME/extra
    extra_sizes: tuple[float, ...] = ()  # as `sizes`

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.sources:
            raise ConfigError("sources is empty; name at least one source, such as mnist.")
        named = (*self.sources, *self.extra)
        if len(set(named)) < len(named):
            raise ConfigError(f"One source is named twice: {', '.join(named)}.")
        for sizes, sources in ((self.sizes, self.sources), (self.extra_sizes, self.extra)):
            if sizes and (len(sizes) != len(sources) or not all(math.isfinite(size) and size >= 0 for size in sizes)):
                raise ConfigError(f"sizes must be numbers from 0, one for each of {len(sources)} sources, got {sizes}.")
        if not (math.isfinite(self.val_size) and self.val_size >= 0) or (self.val_size > 1 and self.val_size % 1):
            raise ConfigError(
                f"val_size must be 0, a share below 1 or a whole number of pictures, got {self.val_size}."
            )
        if self.seed < 0 or self.limit < 0:
            raise ConfigError(f"seed and limit must be 0 or more, got {self.seed} and {self.limit}.")
        if self.duplicates not in METHODS:
            raise ConfigError(f"duplicates must be one of {', '.join(METHODS)}, got {self.duplicates!r}.")


@dataclass(frozen=True)
class SplitReport:
    """What went into the parts, and what was left out and why."""

    sources: tuple[str, ...]  # as used, NAME/extra where that part is mixed in
    extra_sources: tuple[str, ...]  # those of them that are mixed into the batches of the others
    counts: Mapping[str, int]  # pictures of each part
    test_copies: int  # pictures dropped from training and validation because the test part has a copy of them
    val_copies: int  # pictures dropped from training because the validation part has a copy of them
    extra_copies: int  # extra pictures dropped because validation or training has a copy of them
    copies: Mapping[str, object]  # what the parts of all sources share, see `CopyReport.to_plain`
    unknown_labels: Mapping[str, int]  # pictures left out since no primary training picture has their label
    contaminated: tuple[str, ...]  # test parts whose digits are learnt from: accuracy there means nothing
    notes: tuple[str, ...]  # lines for people, unreadable files among them

    def to_plain(self) -> dict[str, object]:
        """The report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Splits:
    """What a training gets; no picture, and no near copy of one, is in two of the parts.

    `extra` is mixed into the batches of `primary` by a ratio. `fingerprint` names the pictures, labels and classes of
    all parts, `contents` the pictures of each. `copies` has examples of what was found in two places, to be drawn.
    `origin_heads` tells for each source, by name, what the origins of its pictures begin with.
    """

    primary: DigitSet
    extra: DigitSet
    val: DigitSet
    test: DigitSet
    report: SplitReport
    fingerprint: str
    contents: Mapping[str, str]
    copies: CopyReport
    origin_heads: Mapping[str, str]

    def fingerprint_within(self, sources: Collection[str]) -> str:
        """The fingerprint that splits of some of the sources, by name, have if each picture is in the same part there.

        What they have in training is then no copy of what is validated or tested on here, unless copies were kept.
        """
        parts = {"primary": self.primary, "extra": self.extra, "val": self.val, "test": self.test}
        marked = {name: MarkedSet.of(part) for name, part in parts.items()}
        return fingerprint_of(marked, [self.origin_heads[name] for name in sources])


def build(plan: SplitPlan, report: Report = keep_quiet, progress: Progress | None = None) -> Splits:
    """Fetch, read and split the sources of a plan.

    `report` gets a line for whatever a person should know; the same lines stand in the report.
    Raises: SourceError when a source is not what it should be or cannot be had, ConfigError when the plan does not fit
    the pictures.
    """
    notes = Notes(report)
    loader = Loader(notes, plan.offline, progress)
    loaded = loader.primary(plan.sources, plan.sizes, plan.fallback)
    mixed_in = _not_learnt_yet(loaded, loader.extra(plan.extra, plan.extra_sizes), notes)
    everything = tell_apart([*loaded, *mixed_in])
    contaminated = contaminations(everything, plan.duplicates)
    for line in contaminated.values():
        notes.add(line)
    pools = Pools.of(everything, plan.val_size > 0, plan.duplicates, plan.seed, notes)
    free = pools.without_test_copies()
    val, train = _split(free, _val_count(plan, free.pool, loaded), plan.seed, notes)
    keeps_copies = pools.copies.method == KEEP
    novel = train if keeps_copies else train.without(val)
    extra = free.extra if keeps_copies else free.extra.without(val).without(novel)
    primary = _limit(novel, plan)
    dropped = {"test": len(pools.pool) + len(pools.settled) - len(free.pool) - len(free.settled)}
    _note_gaps(primary, dropped | {"validation": len(train) - len(novel)}, notes)
    _note_unvalidated(primary, val, notes)
    if not len(pools.test):
        notes.add(UNTESTED if len(val) else UNSCORED)
    chosen = {"primary": primary, "extra": extra, "val": val, "test": pools.test}
    record = SplitReport(
        sources=tuple(source.spec for source in everything),
        extra_sources=tuple(source.spec for source in mixed_in),
        counts={name: len(part) for name, part in chosen.items()},
        test_copies=len(pools) - len(free),
        val_copies=len(train) - len(novel),
        extra_copies=len(free.extra) - len(extra),
        copies=pools.copies.to_plain(),
        unknown_labels=pools.unknown,
        contaminated=tuple(contaminated),
        notes=tuple(notes.lines),
    )
    digits = {name: part.digits for name, part in chosen.items()}
    contents = {name: part.content for name, part in chosen.items()}
    return Splits(
        **digits, report=record, fingerprint=fingerprint_of(chosen), contents=contents, copies=pools.copies,
        origin_heads={source.name: source.origin_head for source in everything},
    )  # fmt: skip


def _not_learnt_yet(loaded: Sequence[Loaded], mixed_in: Sequence[Loaded], notes: Notes) -> list[Loaded]:
    """The extra sources without those whose part is one of the others already, as after a fallback."""
    known = {(source.name, part) for source in loaded for part in source.parts}
    novel = []
    for source in mixed_in:
        parts = {(source.name, part) for part in source.parts}
        if parts <= known:
            named = ", ".join(f"{name}/{part}" for name, part in sorted(parts))
            notes.add(f"{named} is learnt from already, so it is not mixed in once more.")
            continue
        known |= parts
        novel.append(source)
    return novel


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


def _split(pools: Pools, count: int, seed: int, notes: Notes) -> tuple[MarkedSet, MarkedSet]:
    """The validation and the training pictures; copies of one drawing go to the same of the two."""
    labels = pools.pool.digits.labels
    groups = number(pools.pool.groups)[2]
    chosen = choose_whole(labels, groups, count, seed, keep=1)
    if not len(chosen):
        return pools.val, MarkedSet.unite([pools.settled, pools.pool], pools.classes)
    for name, size in pools.pool.digits.counts().items():
        if size == 1:
            notes.add(
                f"Class {name!r} has a single training picture; it is learnt from, and validation has none of them."
            )
    rest = np.setdiff1d(np.arange(len(labels)), chosen, assume_unique=True)
    val = MarkedSet.unite([pools.val, pools.pool.take(chosen)], pools.classes)
    return val, MarkedSet.unite([pools.settled, pools.pool.take(rest)], pools.classes)


def _limit(train: MarkedSet, plan: SplitPlan) -> MarkedSet:
    """The training pictures that are used."""
    present = len(np.unique(train.digits.labels))
    if not 0 < plan.limit < len(train):
        return train
    if plan.limit < present:
        raise ConfigError(f"limit must be 0 or at least one picture for each of {present} classes, got {plan.limit}.")
    return train.take(choose(train.digits.labels, plan.limit, plan.seed, least=1))


def _note_gaps(train: MarkedSet, dropped: Mapping[str, int], notes: Notes) -> None:
    """Say what a person would miss later; stop when there is nothing to tell apart.

    `dropped` tells for the test and the validation part how many training pictures were copies of theirs.
    """
    sizes = train.digits.counts()
    found = [name for name, size in sizes.items() if size]
    if len(found) < 2:
        copies = " and ".join(f"{count:,} of the {part} part" for part, count in dropped.items() if count)
        raise SourceError(
            f"Training pictures of two or more classes are needed, found classes: "
            f"{', '.join(map(repr, found)) or 'none'}."
            + (
                f" Dropped as copies: {copies}. Remove the copies from one of the parts;"
                f" data.duplicates=exact drops only those that are the same to the pixel."
                if copies
                else " Add pictures of another."
            )
        )
    for name in (each for each in sizes if not sizes[each]):
        notes.add(f"Class {name!r} has no training picture left: all of them are in the test or validation part too.")


def _note_unvalidated(train: MarkedSet, val: MarkedSet, notes: Notes) -> None:
    """Say which classes validation cannot speak of; those of a single picture have been told."""
    learnt, held = train.digits.counts(), val.digits.counts()
    unseen = [repr(name) for name, size in learnt.items() if size > 1 and not held.get(name)]
    if len(val) and unseen:
        more = f" and {len(unseen) - CLASSES_SAID} more" if len(unseen) > CLASSES_SAID else ""
        notes.add(
            f"No validation picture is labelled {', '.join(unseen[:CLASSES_SAID])}{more}: how well these are read is"
            f" not seen, and weights are not chosen by it. A larger data.val_size takes some of them."
        )
