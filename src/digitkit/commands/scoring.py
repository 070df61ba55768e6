"""Score readers on parts of sources: as they are, spoilt in 15 ways, from other places, one against another.

N pictures, K classes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitkit.commands.parts import named_part
from digitkit.commands.readers import Reader
from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import ConfigError
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.data.source import TEST
from digitkit.data.source import Report as Say
from digitkit.data.union import relabel
from digitkit.learn import reliability
from digitkit.learn.compare import Comparison, compare
from digitkit.learn.corruptions import CORRUPTIONS, canvas, corrupt, on_bright_paper
from digitkit.learn.evaluate import Report, report

PIECE = 500  # pictures that are spoilt at once
Progress = Callable[[int, int, str], None]  # done, total, what is being done


@dataclass(frozen=True)
class Part:
    """Labelled pictures to score; `indices` (N,) are their places among all that the reader knows the labels of."""

    name: str
    digits: DigitSet
    indices: NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """What one reader answered on one part."""

    reader: Reader
    part: Part
    answers: NDArray[np.float32]  # (N,K)
    report: Report
    corruption: str = ""

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which pictures were read right, (N,)."""
        return np.asarray(self.answers.argmax(1) == self.part.digits.labels)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON: the report, its mistakes by the names of the pictures."""
        named = [str(self.part.digits.origins[place]) for place in self.report.mistakes]
        return {**self.report.to_plain(), "mistakes": named}


@dataclass(frozen=True)
class Pair:
    """Two readers on one part."""

    comparison: Comparison
    first: Scored
    second: Scored


def read_parts(reader: Reader, specs: Sequence[str], limit: int, say: Say) -> list[Part]:
    """The parts that were named, or a run's own validation part when none is.

    Raises: ConfigError when a part is not SOURCE/PART, or the target has no validation part of its own.
    """
    named = [(spec, read_named(spec, say)) for spec in specs]
    if not named and reader.validation is not None:
        named = [("val", reader.validation(say))]
    if not named or not len(named[0][1]):
        raise ConfigError(f"{reader.name} has no validation part here. Name what to score, as in --on mnist/test.")
    return [known_part(name, digits, reader.classes, limit, say) for name, digits in named]


def read_named(spec: str, say: Say) -> DigitSet:
    """The pictures of SOURCE/PART.

    Raises: ConfigError when it is something else, and what reading it raises.
    """
    source, part = named_part("--on", spec)
    return read_part(find_source(source), part, report=say)


def known_part(name: str, digits: DigitSet, classes: tuple[str, ...], limit: int, say: Say) -> Part:
    """The pictures whose labels are among the classes, or so many of them, evenly chosen (0 = all).

    Raises: ConfigError when there are none.
    """
    known, left_out = relabel(digits, classes)
    if left_out:
        count, names = sum(left_out.values()), ", ".join(left_out)
        say(f"{name}: left out {count:,} pictures with labels the model does not know: {names}")
    if not len(known):
        raise ConfigError(f"{name}: no picture has a label that the model knows ({', '.join(classes)}).")
    indices = evenly(len(known), limit)
    return Part(name, known.take(indices) if len(indices) < len(known) else known, indices)


def evenly(count: int, limit: int) -> NDArray[np.int64]:
    """So many of the places 0 to count - 1, evenly chosen; all of them where the limit is 0 or not reached."""
    if not 0 < limit < count:
        return np.arange(count)
    return np.linspace(0, count - 1, limit).round().astype(np.int64)


def place_of(part: Part) -> str:
    """What the part is by its content: a copy of usps16 named by its file is usps16/test all the same."""
    return str(part.digits.origins[0]).rpartition("/")[0]


def warn(reader: Reader, part: Part, say: Say) -> None:
    """Say where the figures of a part mean less than they seem to."""
    places = {part.name, place_of(part)}
    kind = part.name.rpartition("/")[2]
    if places & set(reader.contaminated):
        say(f"Contaminated: the model has learnt from digits of {part.name}, so its accuracy there means nothing.")
    elif kind == TEST and reader.unfrozen and reader.has_learnt_from(part.name):
        say(
            f"{reader.name} has left its test part alone (run.test=false), as one does while choosing a recipe."
            f" Choose by validation, freeze the recipe, and read {part.name} once."
        )
    elif kind not in (TEST, "val") and reader.has_learnt_from(part.name):
        say(f"The model has learnt from these writers: accuracy on {part.name} tells how well it remembers.")


def score(reader: Reader, part: Part) -> Scored:
    """One report, with the reliability of what users get to see."""
    answers, labels = reader.answers(part.digits), part.digits.labels
    made = report(part.name, answers, labels, reader.classes)
    return Scored(reader, part, answers, replace(made, reliability=reliability.measure(answers, labels)))


def score_spoilt(reader: Reader, part: Part, seed: int, progress: Progress) -> Iterator[Scored]:
    """A part as it is, then spoilt in each of the 15 ways; dark ink is spoilt as bright ink, and then dark again."""
    digits = part.digits
    clean = np.stack([canvas(digits.pictures[index]) for index in range(len(digits))])
    dark = np.array([on_bright_paper(digits.pictures[index]) for index in range(len(digits))])
    for done, name in enumerate(("", *CORRUPTIONS)):
        progress(done, 1 + len(CORRUPTIONS), name or "clean")
        spoilt = spoil(clean, name, part.indices, seed) if name else clean.copy()
        spoilt[dark] = 255 - spoilt[dark]
        shown = replace(part, digits=replace(digits, pictures=Dense(spoilt)))
        yield replace(score(reader, shown), corruption=name)


def spoil(clean: NDArray[np.uint8], name: str, indices: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
    """Pictures spoilt in one way, uint8 (N,28,28), a piece at a time."""
    starts = range(0, len(clean), PIECE)
    pieces = [corrupt(clean[at : at + PIECE], name, indices[at : at + PIECE], seed) for at in starts]
    return np.concatenate(pieces)


def score_against(one: Reader, other: Reader, specs: Sequence[str], limit: int, say: Say) -> Iterator[Pair]:
    """Two readers on the same pictures of each part, those whose labels both know; two runs on what both validated on.

    Raises: ConfigError when they share no class, or no part is named and they have none in common.
    """
    if one.name == other.name:
        raise ConfigError(f"--against: both are {one.name}. Name two models.")
    if not specs and not (one.validation and other.validation and one.fingerprint == other.fingerprint):
        raise ConfigError(
            f"--against: {one.name} and {other.name} are no two runs that were validated on the same pictures. Name"
            " the part to compare on, as in --on folder:my-digits/val."
        )
    shared = tuple(name for name in one.classes if name in other.classes)
    if not shared:
        raise ConfigError(f"{one.name} and {other.name} have no class in common, so nothing can be compared.")
    for part in read_parts(replace(one, classes=shared), specs, limit, say):
        if part.name.endswith(f"/{TEST}"):
            say(f"{part.name} is a test part: report by it, but choose between the two by validation pictures.")
        scored = []
        for reader in (one, other):
            warn(reader, part, say)
            scored.append(score(reader, replace(part, digits=relabel(part.digits, reader.classes)[0])))
        first, second = scored
        yield Pair(compare((one.name, other.name), part.name, first.right, second.right), first, second)
