"""What is told of copies: which parts share pictures, how many, and pairs to look at.

N pictures of all parts together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet, Indices
from digitkit.core.picture import Pixels
from digitkit.data.sheet import Cell, draw_cells, write_picture

EXAMPLES = 12  # pairs of each kind that are kept of two parts
NEAR, EXACT, KEEP = "near", "exact", "keep"
METHODS = (NEAR, EXACT, KEEP)


@dataclass(frozen=True)
class Example:
    """One pair of copies, by origin."""

    picture: str
    copy_of: str
    kind: str  # exact or near


@dataclass(frozen=True)
class Overlap:
    """How many pictures of one part are copies of pictures in another, or of others in the same part."""

    part: str
    of: str
    exact: int  # pictures with a copy there that is the same to the pixel
    near: int  # pictures with a copy there, but none to the pixel
    examples: tuple[Example, ...]

    def line(self) -> str:
        """The same for people."""
        place = "in the same part" if self.part == self.of else f"of {self.of}"
        return f"{self.part}: {self.exact:,} exact and {self.near:,} near copies of pictures {place}"


@dataclass(frozen=True)
class CopyReport:
    """Which parts share pictures."""

    method: str = KEEP  # near, exact, or keep: nobody looked
    overlaps: tuple[Overlap, ...] = ()
    conflicts: int = 0  # drawings whose copies have different labels, so that some of these are wrong
    pairs: tuple[tuple[Example, Pixels, Pixels], ...] = field(default=(), repr=False)  # native pictures of the examples

    def to_plain(self) -> dict[str, object]:
        """The report as plain JSON values, without pictures."""
        return {
            "method": self.method,
            "overlaps": [asdict(overlap) for overlap in self.overlaps],
            "conflicts": self.conflicts,
        }

    def write_sheet(self, path: Path) -> None:
        """Draw the examples into a PNG file, each picture beside the one that it is a copy of.

        Raises: StoreError when it cannot be written.
        """
        cells: list[Cell] = [
            ([left, right], f"{_short(each.picture)}\n{each.kind} {_short(each.copy_of)}")
            for each, left, right in self.pairs
        ]
        write_picture(draw_cells(f"{len(cells)} pairs of copies", cells), path)


def _short(origin: str) -> str:
    """The end of an origin, as much as there is room for under two pictures."""
    return origin if len(origin) <= 14 else f"..{origin[-12:]}"


@dataclass(frozen=True)
class Finds:
    """Pictures by number: those with one `ids` are the same to the pixel, those with one `roots` are copies.

    Shapes: `ids` and `roots` int64 (N,), the pictures of all parts one behind the other.
    """

    names: Sequence[str]
    parts: Sequence[DigitSet]
    ids: Indices
    roots: Indices

    def report(self, method: str) -> CopyReport:
        """Compare each part with itself and with those before it."""
        overlaps, pairs = [], []
        for later in range(len(self.parts)):
            for earlier in range(later + 1):
                exact, near = self._copies(earlier, later)
                if not (len(exact) or len(near)):
                    continue
                examples = [*self._examples(earlier, later, exact, EXACT), *self._examples(earlier, later, near, NEAR)]
                told = tuple(example for example, _, _ in examples)
                overlaps.append(Overlap(self.names[later], self.names[earlier], len(exact), len(near), told))
                pairs += examples
        return CopyReport(method, tuple(overlaps), self._conflicts(), tuple(pairs))

    def _of(self, part: int) -> tuple[Indices, Indices]:
        start = sum(len(digits) for digits in self.parts[:part])
        mine = slice(start, start + len(self.parts[part]))
        return self.ids[mine], self.roots[mine]

    def _copies(self, earlier: int, later: int) -> tuple[Indices, Indices]:
        """The pictures of the later part that have an exact copy, and those that have only a near copy."""
        (ids, roots), (other_ids, other_roots) = self._of(later), self._of(earlier)
        exact, near = np.isin(ids, other_ids), np.isin(roots, other_roots)
        if earlier == later:  # the first of each is no copy
            exact, near = _again(ids), _again(roots)
        return np.flatnonzero(exact), np.flatnonzero(near & ~exact)

    def _examples(
        self, earlier: int, later: int, copies: Indices, kind: str
    ) -> Iterator[tuple[Example, Pixels, Pixels]]:
        """Some of the copies, evenly chosen, each with the first picture that it is a copy of."""
        chosen = (
            copies[np.unique(np.linspace(0, len(copies) - 1, EXAMPLES).astype(np.int64))] if len(copies) else copies
        )
        numbers = 0 if kind == EXACT else 1
        mine, others = self._of(later)[numbers], self._of(earlier)[numbers]
        part, of = self.parts[later], self.parts[earlier]
        for index in chosen:
            partner = int(np.flatnonzero(others == mine[index])[0])
            example = Example(str(part.origins[index]), str(of.origins[partner]), kind)
            yield example, part.pictures[int(index)], of.pictures[partner]

    def _conflicts(self) -> int:
        """How many drawings have more than one label."""
        words = sorted({name for digits in self.parts for name in digits.classes})
        place = {name: number for number, name in enumerate(words)}
        labels = [np.array([place[name] for name in digits.classes], np.int64)[digits.labels] for digits in self.parts]
        both = np.unique(self.roots * max(len(words), 1) + np.concatenate([np.zeros(0, np.int64), *labels]))
        _, counts = np.unique(both // max(len(words), 1), return_counts=True)
        return int((counts > 1).sum())


def _again(numbers: Indices) -> NDArray[np.bool_]:
    """Where a number stands that stood before."""
    again = np.ones(len(numbers), np.bool_)
    again[np.unique(numbers, return_index=True)[1]] = False
    return again
