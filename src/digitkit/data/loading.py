"""Bring the sources of a plan into memory-mapped reach, with a stand-in for one that cannot be had."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, FetchError, HashMismatch
from digitkit.data import npz
from digitkit.data.catalogue import SOURCES, find_source
from digitkit.data.fetch import fetch
from digitkit.data.source import EXTRA, PARTS, TRAIN, Progress, Report, Source

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
    """One source, read: its parts by name; `extra` says that its pictures are mixed into the batches of the others.

    `size` limits its training pictures: a share when below 1, else a number, 0 = all. `contains` names test parts of
    other sources whose digits are among those that are learnt from.
    """

    name: str
    parts: Mapping[str, DigitSet]
    size: float = 0
    contains: tuple[str, ...] = ()
    extra: bool = False

    @property
    def spec(self) -> str:
        """What to name this as in a recipe: NAME, or NAME/extra for the part that its publisher keeps apart."""
        return f"{self.name}/{EXTRA}" if self.extra and EXTRA in self.parts else self.name

    @property
    def origin_head(self) -> str:
        """What the origins of its pictures begin with, such as the name of a folder."""
        firsts = (str(digits.origins[0]) for digits in self.parts.values() if len(digits))
        return next((first.partition("/")[0] for first in firsts), self.name)

    def called(self, head: str) -> "Loaded":
        """The same with origins that begin with something else."""
        parts = {
            part: replace(digits, origins=np.char.replace(digits.origins, self.origin_head, head, count=1))
            for part, digits in self.parts.items()
        }
        return replace(self, parts=parts)


@dataclass(frozen=True)
class Loader:
    """Fetches and reads sources; what a person should know goes into the notes."""

    notes: Notes
    offline: bool = False
    progress: Progress | None = None

    def primary(self, specs: Sequence[str], sizes: Sequence[float], fallback: str) -> list[Loaded]:
        """Sources in their order; where one cannot be fetched, `fallback` takes its place, and that is said.

        Of each all parts are read but `extra`, which is learnt from only where somebody asks for it.
        Raises: FetchError or HashMismatch without a fallback, SourceError when a source is not what it should be.
        """
        loaded: dict[str, Loaded] = {}
        for spec, size in zip_longest(specs, sizes, fillvalue=0.0):
            source = find_source(str(spec))
            try:
                folder = self._fetch(source)
            except (FetchError, HashMismatch) as error:
                if fallback in ("", spec):
                    raise
                self.notes.add(f"{spec} cannot be had: {error}", aloud=False)
                self.notes.add(
                    f"{spec} cannot be had; {fallback} takes its place, so no figure of this run is one of {spec}."
                )
                if fallback in specs:
                    continue  # it is read in its own turn, as much of it as is wanted
                source = find_source(fallback)
                folder = self._fetch(source)
            source = source.when_fetched()
            if source.name not in loaded:
                loaded[source.name] = self._read(source, folder, source.usual_parts, float(size))
        return list(loaded.values())

    def extra(self, specs: Sequence[str], sizes: Sequence[float]) -> list[Loaded]:
        """One part of each source, `train`, or the one that NAME/extra names; what cannot be had is said and skipped.

        Raises: ConfigError for a part that nobody learns from, SourceError when a source is not what it should be.
        """
        loaded = []
        for spec, size in zip_longest(specs, sizes, fillvalue=0.0):
            source, part = _extra_part(str(spec))
            try:
                folder = fetch(source, self.progress, self.offline, self.notes.say, (part,))
            except (FetchError, HashMismatch) as error:
                self.notes.add(f"{spec} cannot be had: {error}", aloud=False)
                self.notes.add(f"{spec} cannot be had; the run goes on without it.")
                continue
            loaded.append(replace(self._read(source, folder, (part,), float(size)), extra=True))
        return loaded

    def _fetch(self, source: Source) -> Path:
        return fetch(source, self.progress, self.offline, self.notes.say, source.usual_parts)

    def _read(self, source: Source, folder: Path, wanted: Sequence[str], size: float) -> Loaded:
        """Some parts of one source, with the notes of each."""
        parts = {}
        for part in wanted:
            parts[part] = source.read(folder, part)
            self._pass_on(f"{source.name} {part}", source.notes(folder, part))
        learnt = [part for part in wanted if part in (TRAIN, EXTRA)]
        contains = tuple(place for part in learnt for place in source.contains.get(part, ()))
        return Loaded(source.name, parts, size, contains)

    def _pass_on(self, name: str, skipped: Sequence[str]) -> None:
        """Note what was skipped in a part, the first lines and the counts at the end aloud."""
        untold = len(skipped) - LINES_SAID - 1
        for number, line in enumerate(skipped, start=1):
            if number == len(skipped) and untold > 0:
                self.notes.say(f"{name}: skipped {untold} more; the report names them.")
            self.notes.add(f"{name}: skipped {line}", number <= LINES_SAID or number == len(skipped))


def tell_apart(loaded: Sequence[Loaded]) -> list[Loaded]:
    """The same sources; of two whose pictures are called alike, as two folders `digits`, the later gets a number."""
    owners: dict[str, str] = {}
    found = []
    for source in loaded:
        head, number = source.origin_head, 1
        while owners.setdefault(head, source.name) != source.name:
            number += 1
            head = f"{source.origin_head} ({number})"
        found.append(source if number == 1 else source.called(head))
    return found


def _extra_part(spec: str) -> tuple[Source, str]:
    """The source and the part that an extra source means."""
    name, _, last = spec.rpartition("/")
    is_part = name in SOURCES or (name.startswith(npz.PREFIX) and last in PARTS)
    source, part = (find_source(name), last) if is_part else (find_source(spec), TRAIN)
    learnt = [known for known in source.parts if known in (TRAIN, EXTRA)]
    if part not in learnt:
        choices = " or ".join(f"{source.name}/{known}" for known in learnt) or "another source"
        raise ConfigError(f"{spec}: {part!r} is no part of {source.name} to learn from. Give {choices}.")
    return source, part
