"""The parts of all sources together, copies known, before validation pictures are chosen.

N pictures, K classes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, SourceError
from digitkit.data.copies import KEEP, NEAR, CopyReport
from digitkit.data.dedup import group_copies
from digitkit.data.fingerprint import MarkedSet
from digitkit.data.loading import Loaded, Notes
from digitkit.data.source import EXTRA, TEST, TRAIN, VAL
from digitkit.data.strata import choose
from digitkit.data.union import relabel, shared_classes

MANY_COPIES = 0.2  # of a part's pictures: so many near copies are more often plain print than leaks
RIGHTS = (TEST, VAL, TRAIN, EXTRA)  # a picture that is in two of these stays in the first


@dataclass(frozen=True)
class Pools:
    """What a training may be made of."""

    classes: tuple[str, ...]
    pool: MarkedSet  # training pictures that validation is chosen from
    settled: MarkedSet  # training pictures of sources with a validation part of their own
    val: MarkedSet  # those validation parts
    test: MarkedSet
    extra: MarkedSet  # what is mixed into the batches of the others
    unknown: Mapping[str, int]  # pictures that were left out, by label
    copies: CopyReport

    def __len__(self) -> int:
        """How many pictures there are besides the test part."""
        return len(self.pool) + len(self.settled) + len(self.val) + len(self.extra)

    @classmethod
    def of(cls, loaded: Sequence[Loaded], wants_val: bool, duplicates: str, seed: int, notes: Notes) -> "Pools":
        """Sort the parts of all sources; without a wish for validation, their validation parts are learnt from.

        The classes are those of the primary training pictures. `seed` chooses where a source has more than is wanted.
        Raises: SourceError when nothing is there to learn from.
        """
        learnt = [source.parts[TRAIN] for source in loaded if TRAIN in source.parts and not source.extra]
        if not learnt:
            names = ", ".join(source.name for source in loaded)
            raise SourceError(f"{names}: no training part, so nothing to learn from. Add a source that has one.")
        classes = shared_classes(learnt)
        unknown: Counter[str] = Counter()
        marked: dict[str, MarkedSet] = {}
        pools: dict[str, str] = {}
        for is_extra, part in product((False, True), RIGHTS):
            for source in (each for each in loaded if part in each.parts and each.extra == is_extra):
                known, left_out = relabel(source.parts[part], classes)
                unknown.update(left_out)
                name = f"{source.name}/{part}"
                marked[name] = MarkedSet.of(known) if part in (TEST, VAL) else _some(known, source.size, seed)
                pools[name] = EXTRA if is_extra else _pool(part, wants_val and VAL in source.parts)
        for label, count in sorted(unknown.items()):
            notes.add(f"{count:,} pictures labelled {label!r} were left out: no training picture has that label.")
        marked, copies = _grouped(marked, duplicates, notes)
        _note_crowds(marked, pools, copies, notes)
        pool, settled, val, test, extra = (
            MarkedSet.unite([part for name, part in marked.items() if pools[name] == wanted], classes)
            for wanted in ("pool", "settled", VAL, TEST, EXTRA)
        )
        return cls(classes, pool, settled, val, test, extra, dict(unknown), copies)

    def without_test_copies(self) -> "Pools":
        """The same without pictures that the test part has a copy of."""
        if self.copies.method == KEEP:
            return self
        pool, settled, val, extra = (
            part.without(self.test) for part in (self.pool, self.settled, self.val, self.extra)
        )
        return replace(self, pool=pool, settled=settled, val=val, extra=extra)


def _pool(part: str, has_val: bool) -> str:
    """Where a part of a primary source belongs; `has_val`: its own validation part is taken as such."""
    if part == TEST:
        return TEST
    return (VAL if part == VAL else "settled") if has_val else "pool"


def _some(digits: DigitSet, size: float, seed: int) -> MarkedSet:
    """As many pictures as are wanted, each class by its share; `size` is a share of them below 1, else a number."""
    count = round(size * len(digits)) if size < 1 else int(size)
    everything = MarkedSet.of(digits)
    if not size or count >= len(digits):
        return everything
    present = len(np.unique(digits.labels))
    if count < present:
        raise ConfigError(
            f"data.sizes or data.extra_sizes: {size:g} of {len(digits):,} pictures is {count}, and there are {present}"
            " classes. Give a share below 1, or a number of pictures; 0 takes all."
        )
    return everything.take(choose(digits.labels, count, seed, least=1))


def _grouped(marked: dict[str, MarkedSet], duplicates: str, notes: Notes) -> tuple[dict[str, MarkedSet], CopyReport]:
    """Copies in one group each, and people told of those that are in two parts."""
    if duplicates == KEEP:
        notes.add("Copies were not looked for: test pictures may have been learnt from.")
        return marked, CopyReport()
    grouped, copies = group_copies(marked, duplicates == NEAR, notes.say)
    for overlap in copies.overlaps:
        if overlap.part != overlap.of:
            notes.say(f"{overlap.line()}.")
    return grouped, copies


def _note_crowds(marked: Mapping[str, MarkedSet], pools: Mapping[str, str], copies: CopyReport, notes: Notes) -> None:
    """Say where much of a part is dropped as near copies; copies stay where they are all learnt from, or all tested."""
    learnt = ("pool", "settled")
    for each in copies.overlaps:
        places = pools[each.part], pools[each.of]
        stay = places[0] == places[1] or (places[0] in learnt and places[1] in learnt)
        if not stay and each.near > MANY_COPIES * len(marked[each.part]):
            notes.add(
                f"{each.part}: {each.near:,} of {len(marked[each.part]):,} pictures are dropped as near copies of"
                f" pictures of {each.of}. Printed digits of one font look like that: if they are no copies, set"
                f" data.duplicates=exact."
            )
