"""Score a reader on pictures of other places than those it learnt from: the figure that tells what users will see."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from digitkit.commands.parts import named_part
from digitkit.commands.readers import Reader
from digitkit.commands.scoring import Part, Progress, Scored, known_part, place_of, score
from digitkit.core.errors import ConfigError, DataError, DigitkitError
from digitkit.data.catalogue import SOURCES, find_source
from digitkit.data.fetch import read_part
from digitkit.data.fingerprint import Marks, marks_of
from digitkit.data.source import EXTRA, TEST, TRAIN, Source, keep_quiet
from digitkit.data.source import Report as Say
from digitkit.data.stock import is_here


@dataclass(frozen=True)
class Row:
    """One test part: its figures, or why there are none; `unseen`: whether it counts into the mean."""

    part: str
    scored: Scored | None
    note: str
    unseen: bool = False


def score_elsewhere(reader: Reader, given: Sequence[str], limit: int, say: Say, progress: Progress) -> Iterator[Row]:
    """The test part of every source that is here, then the parts that were given.

    Raises: what reading a given part raises; a part that was only found here is skipped with the reason.
    """
    for spec in given:
        named_part("--on", spec)
    found = [f"{source.name}/{TEST}" for source in SOURCES.values() if TEST in source.parts]
    found = [spec for spec in found if spec not in given]
    learnt = _learnt_marks(reader, say)
    for done, spec in enumerate([*found, *given]):
        progress(done, len(found) + len(given), spec)
        if spec in given:
            yield _row(reader, spec, limit, learnt)
            continue
        try:
            source = SOURCES[spec.rpartition("/")[0]]
            yield _row(reader, spec, limit, learnt) if is_here(source) else Row(spec, None, _how_to_get(source))
        except (DataError, ConfigError) as error:
            yield Row(spec, None, str(error))


def _row(reader: Reader, spec: str, limit: int, learnt: Marks) -> Row:
    """One part scored, and whether the reader can have seen its pictures."""
    source, _, kind = spec.rpartition("/")
    notes: list[str] = []
    digits = read_part(find_source(source), kind)
    part = known_part(spec, digits, reader.classes, limit, lambda line: notes.append(line.removeprefix(f"{spec}: ")))
    seen = _why_seen(reader, part, learnt)
    return Row(spec, score(reader, part), "; ".join([*seen, *notes]), unseen=not seen)


def _how_to_get(source: Source) -> str:
    if source.steps or any(file.urls for file in source.files):
        return f"not here: digitkit data fetch {source.name}"
    return f"not here, and nobody hands it out: name the file with --on npz:{source.files[0].name}/{TEST}"


def _why_seen(reader: Reader, part: Part, learnt: Marks) -> list[str]:
    """Why a part is no other place, in words; nothing where it is one."""
    place = place_of(part)
    if {part.name, place} & set(reader.contaminated):
        return ["contaminated: the model has learnt from its digits"]
    if reader.has_learnt_from(part.name) or reader.has_learnt_from(place):
        return ["no other place: the model has learnt from these writers"]
    copies = int(np.isin(marks_of(part.digits.pictures), learnt).sum())
    return [f"contaminated: {copies:,} of its pictures are in the training, to the pixel"] if copies else []


def _learnt_marks(reader: Reader, say: Say) -> Marks:
    """The marks of all pictures that the reader may have learnt from, as far as they are here."""
    marks = []
    for spec in reader.learnt:
        name, part = (spec.removesuffix(f"/{EXTRA}"), EXTRA) if spec.endswith(f"/{EXTRA}") else (spec, TRAIN)
        try:
            marks.append(marks_of(read_part(find_source(name), part, offline=True, report=keep_quiet).pictures))
        except DigitkitError:
            say(f"{spec}: what the model has learnt from is not here, so nobody looks for copies of it in the tests.")
    return np.concatenate([np.zeros(0, "V16"), *marks])
