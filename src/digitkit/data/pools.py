"""The parts of all sources together, copies known, before validation pictures are chosen.

N pictures, K classes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from digitkit.data.copies import KEEP, NEAR, CopyReport
from digitkit.data.dedup import group_copies
from digitkit.data.fingerprint import MarkedSet
from digitkit.data.loading import Loaded, Notes
from digitkit.data.source import EXTRA, TEST, TRAIN, VAL
from digitkit.data.union import relabel, shared_classes

RIGHTS = (TEST, VAL, TRAIN, EXTRA)  # a picture that is in two of these stays in the first


@dataclass(frozen=True)
class Pools:
    """What a training may be made of."""

    classes: tuple[str, ...]
    pool: MarkedSet  # training pictures that validation is chosen from
    settled: MarkedSet  # training pictures of sources with a validation part of their own
    val: MarkedSet  # those validation parts
    test: MarkedSet
    unknown: Mapping[str, int]  # validation and test pictures that were left out, by label
    copies: CopyReport

    def __len__(self) -> int:
        """How many pictures there are besides the test part."""
        return len(self.pool) + len(self.settled) + len(self.val)

    @classmethod
    def of(cls, loaded: Sequence[Loaded], wants_val: bool, duplicates: str, notes: Notes) -> "Pools":
        """Sort the parts of all sources; without a wish for validation, their validation parts are learnt from."""
        classes = shared_classes([source.parts[TRAIN] for source in loaded])
        unknown: Counter[str] = Counter()
        marked: dict[str, MarkedSet] = {}
        pools: dict[str, str] = {}
        for part in RIGHTS:
            for source in (each for each in loaded if part in each.parts):
                known, left_out = relabel(source.parts[part], classes)
                unknown.update(left_out)
                has_val = wants_val and VAL in source.parts
                name = f"{source.name}/{part}"
                marked[name] = MarkedSet.of(known)
                pools[name] = (
                    TEST if part == TEST else VAL if part == VAL and has_val else "settled" if has_val else "pool"
                )
        for label, count in sorted(unknown.items()):
            notes.add(f"{count:,} pictures labelled {label!r} were left out: no training picture has that label.")
        marked, copies = _grouped(marked, duplicates, notes)
        pool, settled, val, test = (
            MarkedSet.unite([part for name, part in marked.items() if pools[name] == wanted], classes)
            for wanted in ("pool", "settled", VAL, TEST)
        )
        return cls(classes, pool, settled, val, test, dict(unknown), copies)

    def without_test_copies(self) -> "Pools":
        """The same without pictures that the test part has a copy of."""
        if self.copies.method == KEEP:
            return self
        pool, settled, val = (part.without(self.test) for part in (self.pool, self.settled, self.val))
        return replace(self, pool=pool, settled=settled, val=val)


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
