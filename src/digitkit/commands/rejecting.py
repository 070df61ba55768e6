"""Score how well a reader tells digits from what is none: letters, clothing, scribbles, noise, empty cells.

N pictures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitkit.commands.printing import percent, print_table
from digitkit.commands.readers import Judged, Reader
from digitkit.commands.scoring import Part, Progress, Scored, evenly, known_part, read_named, warn
from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, DigitkitError
from digitkit.core.intervals import wilson
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data.catalogue import SOURCES, find_source, known_name
from digitkit.data.fetch import read_part
from digitkit.data.npz import LIKE_DIGITS, shown_in
from digitkit.data.source import DIGITS, TEST
from digitkit.data.source import Report as Say
from digitkit.data.stock import is_here
from digitkit.learn.evaluate import report
from digitkit.learn.rejection import Rejection, auroc, shares

MNIST = "mnist"
COLUMNS = ("pictures of", "number", "AUROC", "95 %", "blank", "not a digit", "unsure", "digit")
UNLIKE = "unlike digits"


@dataclass(frozen=True)
class Accepted:
    """True digits of one part: what was answered, and the share of each verdict."""

    scored: Scored
    judged: Sequence[Judged]
    acceptance: NDArray[np.float64]  # (N,)
    verdicts: Mapping[str, float]

    @property
    def name(self) -> str:
        """The part."""
        return self.scored.part.name

    @property
    def n(self) -> int:
        """How many digits there are."""
        return self.scored.report.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share that was refused."""
        return wilson(round(self.verdicts["refused"] * self.n), self.n)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = {"kind": "digits", "part": self.name, "n": self.n, "verdicts": dict(self.verdicts)}
        return {**facts, "refused_interval": self.interval}


@dataclass(frozen=True)
class Refusals:
    """All that was found out about one reader."""

    digits: Sequence[Accepted]
    kinds: Sequence[Rejection]
    others: Sequence[tuple[Part, Sequence[Judged]]]

    @property
    def judged(self) -> list[tuple[Part, Sequence[Judged]]]:
        """What was told of every picture, of digits first."""
        return [*((each.scored.part, each.judged) for each in self.digits), *self.others]

    @property
    def unseen(self) -> list[Rejection]:
        """The kinds that the reader was not taught to refuse; of letters those that are not like digits."""
        fairer = {each.part for each in self.kinds if each.kind.endswith(UNLIKE)}
        counted = [each for each in self.kinds if each.kind.endswith(UNLIKE) or each.part not in fairer]
        return [each for each in counted if not each.seen]

    @property
    def mean(self) -> float | None:
        """The mean AUROC of those; None when there are none."""
        return sum(each.auroc for each in self.unseen) / len(self.unseen) if self.unseen else None

    def to_plain(self) -> list[dict[str, Any]]:
        """A line of JSON for each part of digits and each kind, and one for the mean."""
        lines = [*(each.to_plain() for each in self.digits), *(each.to_plain() for each in self.kinds)]
        return [*lines, {"mean": self.mean, "unseen": len(self.unseen)}]


def score_rejection(reader: Reader, specs: Sequence[str], limit: int, say: Say, progress: Progress) -> Refusals:
    """Digits against each kind of others whose test part is here, and against those among the named parts.

    The digits are those of the named parts; where they have none, of a test part that the reader knows.
    Raises: what reading a named part raises.
    """
    named = {spec: read_named(spec, say) for spec in specs}
    parts = {spec: _with(digits, NOT_A_DIGIT, wanted=False) for spec, digits in named.items()}
    if not any(map(len, parts.values())):
        spec = _own_test(reader)
        parts = {spec: read_named(spec, say)}
    digits = [
        _accepted(reader, known_part(spec, part, reader.classes, limit, say))
        for spec, part in parts.items()
        if len(part)
    ]
    for each in digits:
        warn(reader, each.scored.part, say)
    accepted = np.concatenate([each.acceptance for each in digits])
    kinds: list[Rejection] = []
    others: list[tuple[Part, Sequence[Judged]]] = []
    parts_of_others = list(_others(named, say))
    for done, part in enumerate(parts_of_others):
        progress(done, len(parts_of_others), part.name)
        some = replace(part, digits=part.digits.take(evenly(len(part.digits), limit)))
        others.append((some, reader.judged(some.digits)))
        kinds += _rejections(reader, accepted, *others[-1])
    return Refusals(digits, kinds, others)


def _own_test(reader: Reader) -> str:
    """The test part of MNIST, unless the reader has only learnt from other sources that have one.

    Raises: ConfigError when it is MNIST's, and the reader knows no digit.
    """
    known = [name for name in reader.learnt if TEST in _parts_of(name)]
    if MNIST in known or not known:
        if set(DIGITS).isdisjoint(reader.classes):
            raise ConfigError(
                f"{reader.name} reads {', '.join(reader.classes)}. Name pictures of these to compare with, as in"
                " --on folder:my-pictures/test."
            )
        return f"{MNIST}/{TEST}"
    return f"{known[0]}/{TEST}"


def _parts_of(name: str) -> tuple[str, ...]:
    """The parts of a source that was learnt from; none where it is no longer here."""
    try:
        return tuple(find_source(name).parts)
    except DigitkitError:
        return ()


def _with(digits: DigitSet, label: str, wanted: bool) -> DigitSet:
    """Only the pictures of a class, or all others."""
    chosen = (np.array(digits.classes)[digits.labels] == label) == wanted
    return digits if chosen.all() else digits.take(np.flatnonzero(chosen))


def _others(named: Mapping[str, DigitSet], say: Say) -> Iterator[Part]:
    """What is no digit in the test parts that are here and in those that were named."""
    found = {f"{name}/{TEST}": source for name, source in SOURCES.items() if source.others and TEST in source.parts}
    for spec, source in found.items():
        if spec not in named and not is_here(source):
            say(f"Skipped {spec}: {source.others}, not here; `digitkit data list` shows what there is.")
            continue
        digits = named[spec] if spec in named else read_part(source, TEST, report=say)
        yield Part(spec, _with(digits, NOT_A_DIGIT, wanted=True), np.zeros(0, np.int64))
    for spec in named:
        others = _with(named[spec], NOT_A_DIGIT, wanted=True)
        if spec not in found and len(others):
            yield Part(spec, others, np.zeros(0, np.int64))


def _kind_of(name: str) -> str:
    """What a source shows that is no digit; what nobody knows is a kind of its own. No file is opened."""
    known = known_name(name)
    return (SOURCES[known].others if known in SOURCES else "") or name


def _has_learnt(reader: Reader, name: str) -> bool:
    """Whether the reader was taught what a source shows that is no digit: as a negative, or as a class."""
    same = {_kind_of(other) for other in reader.negatives} | {known_name(other) for other in reader.negatives}
    as_class = NOT_A_DIGIT in reader.classes and reader.has_learnt_from(f"{name}/{TEST}")
    return _kind_of(name) in same or known_name(name) in same or as_class


def _rejections(
    reader: Reader, accepted: NDArray[np.float64], part: Part, judged: Sequence[Judged]
) -> Iterator[Rejection]:
    """The figures of one kind; where some of it looks like digits, also those of the rest."""
    digits = part.digits
    kind = _kind_of(part.name.rpartition("/")[0])
    seen = _has_learnt(reader, part.name.rpartition("/")[0])
    alike = np.isin(shown_in(digits), LIKE_DIGITS)
    ways = {kind: np.arange(len(digits))}
    if alike.any() and not alike.all():
        ways[f"{kind} {UNLIKE}"] = np.flatnonzero(~alike)
    scores = _acceptance(judged)
    for name, chosen in ways.items():
        verdicts = shares([judged[index][1].verdict for index in chosen.tolist()])
        area, interval = auroc(accepted, scores[chosen])
        yield Rejection(name, part.name, len(chosen), len(accepted), area, interval, verdicts, seen)


def _accepted(reader: Reader, part: Part) -> Accepted:
    judged = reader.judged(part.digits)
    answers = np.array([evidence.probabilities for evidence, _ in judged], np.float32)
    scored = Scored(reader, part, answers, report(part.name, answers, part.digits.labels, reader.classes))
    return Accepted(scored, judged, _acceptance(judged), shares([prediction.verdict for _, prediction in judged]))


def _acceptance(judged: Sequence[Judged]) -> NDArray[np.float64]:
    """How much each picture was taken for a digit, (N,); a blank one less than any other, since that is its verdict.

    Where "not a digit" is a class, being sure of it is the opposite.
    """
    return np.array([
        -np.inf if told.verdict == "blank"
        else said.acceptance if told.label != NOT_A_DIGIT else -said.acceptance
        for said, told in judged
    ])  # fmt: skip


def tell(reader: Reader, found: Refusals) -> None:
    """A table of digits and all kinds, and below it what its marks mean and how many digits were refused."""
    rows = [("digits", f"{each.n:,}", "", "", *_told(each.verdicts)) for each in found.digits]
    for kind in found.kinds:
        low, high = kind.interval
        figures = f"{kind.auroc:.4f}", f"{low:.3f} to {high:.3f}"
        rows.append((kind.kind + " (seen)" * kind.seen, f"{kind.n:,}", *figures, *_told(kind.verdicts)))
    if found.mean is not None:
        rows.append((f"mean of {len(found.unseen)} unseen", "", f"{found.mean:.4f}", *[""] * 5))
    print_table(f"{reader.name}: digits against what is none; verdicts in %", COLUMNS, rows)
    if any(kind.seen for kind in found.kinds):
        print("(seen): the model has learnt to refuse this kind, so it is not in the mean.")
    if any(kind.kind.endswith(UNLIKE) for kind in found.kinds):
        print(f"{UNLIKE}: without {' '.join(LIKE_DIGITS)}")
    for each in found.digits:
        low, high = (100 * limit for limit in each.interval)
        refused = f"{percent(each.verdicts['refused'])} of the digits refused, as blank or not a digit"
        print(f"{each.name}: {refused} (95 % interval {low:.2f} to {high:.2f} %)")


def _told(verdicts: Mapping[str, float]) -> list[str]:
    return [f"{100 * verdicts[name]:.1f}" for name in ("blank", "not a digit", "unsure", "digit")]
