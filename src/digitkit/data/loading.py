"""Bring the sources of a plan into memory-mapped reach, with a stand-in for one that cannot be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import FetchError, HashMismatch
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import fetch
from digitkit.data.source import Progress, Report, Source

LINES_SAID = 5  # of the notes of one part; the report has them all


@dataclass(frozen=True)
class Notes:
    """Lines that are said at once and kept for the report."""

    say: Report
    lines: list[str] = field(default_factory=list)

    def add(self, line: str, aloud: bool = True) -> None:
        """Keep a line, and say it."""
        self.lines.append(line)
        if aloud:
            self.say(line)


@dataclass(frozen=True)
class Loaded:
    """One source, read: its parts by name."""

    name: str
    parts: Mapping[str, DigitSet]


def load_sources(
    specs: Sequence[str], fallback: str, offline: bool, notes: Notes, progress: Progress | None = None
) -> list[Loaded]:
    """Fetch and read sources in their order; where one cannot be fetched, `fallback` takes its place, and that is said.

    Raises: FetchError or HashMismatch without a fallback, SourceError when a source is not what it should be.
    """
    loaded: dict[str, Loaded] = {}
    for spec in specs:
        source = find_source(spec)
        try:
            folder = fetch(source, progress, offline, notes.say)
        except (FetchError, HashMismatch) as error:
            if fallback in ("", spec):
                raise
            notes.add(f"{spec} cannot be had: {error}", aloud=False)
            notes.add(f"{spec} cannot be had; {fallback} takes its place, so no figure of this run is one of {spec}.")
            source = find_source(fallback)
            folder = fetch(source, progress, offline, notes.say)
        if source.name not in loaded:  # found again, since an archive tells its parts only when it is here
            loaded[source.name] = _read(find_source(source.name), folder, notes)
    return list(loaded.values())


def _read(source: Source, folder: Path, notes: Notes) -> Loaded:
    """Every part of one source, with the notes of each."""
    parts = {}
    for part in source.parts:
        parts[part] = source.read(folder, part)
        for place in source.contains.get(part, ()):
            notes.add(
                f"Contaminated: {source.name} {part} has digits of {place}, so the accuracy there means nothing for a"
                f" model that learnt from it."
            )
        skipped = source.notes(folder, part)
        untold = len(skipped) - LINES_SAID - 1
        for number, line in enumerate(skipped, start=1):
            if number == len(skipped) and untold > 0:
                notes.say(f"{source.name} {part}: skipped {untold} more; the report names them.")
            aloud = number <= LINES_SAID or number == len(skipped)  # the last gives the counts
            notes.add(f"{source.name} {part}: skipped {line}", aloud)
    return Loaded(source.name, parts)
