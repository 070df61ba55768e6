"""What could not be used in reading a source, told in lines for people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_LINES = 1_000  # of one part; a broken set of a million files is no better understood by a million lines
MAX_CHARACTERS = 500  # of one line: names may be long, and come from strangers


@dataclass
class Skipped:
    """Lines, one for each thing that was skipped, and how many there were of each kind."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, line: str) -> None:
        """Note one; `kind` is what the count at the end calls it, in the plural."""
        self.add_all(kind, [line], 1)

    def add_all(self, kind: str, lines: Sequence[str], count: int) -> None:
        """Note `count` of one kind, of which some have a line."""
        self.lines += [legible(line)[:MAX_CHARACTERS] for line in lines[: max(0, MAX_LINES - len(self.lines))]]
        self.counts[kind] += count

    def tell(self) -> tuple[str, ...]:
        """Every line, and the counts at the end; nothing when nothing was skipped."""
        total = self.counts.total()
        if not total:
            return ()
        untold = [f"{total - len(self.lines):,} more, not named here"] if total > len(self.lines) else []
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.counts.items() if count)
        return (*self.lines, *untold, f"in all: {kinds}")


def legible(text: str) -> str:
    """Text that can be written and shown anywhere: names of files need not be, and lines stay lines."""
    kept = text.encode("utf-8", "backslashreplace").decode()
    return kept if kept.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in kept)
