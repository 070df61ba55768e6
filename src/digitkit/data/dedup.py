"""Find copies: one drawing that is there twice, to the pixel or nearly, within a part or in two of them.

N pictures, U different ones, P pairs.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import DigitSet, Encoded, Indices, Joined
from digitkit.core.files import cache_folder, write_text
from digitkit.data.cache import key_of
from digitkit.data.copies import EXACT, NEAR, CopyReport, Finds
from digitkit.data.fingerprint import MARK, MarkedSet, Marks, number
from digitkit.data.likeness import differences, limits
from digitkit.data.neighbours import close_pairs
from digitkit.data.source import Report, keep_quiet
from digitkit.data.spectrum import COUNT, Spectra, spectra, strengths

METHOD = 1  # raise it when other pairs come out for the same pictures: what is kept on disk is then left alone
REACH = 0.085  # of the search, in strengths of waves: copies differ by .07 at most, most other drawings by .2 and more
PIECE = 20_000  # pairs compared at a time
SAID_FROM = 20_000  # pictures: from here on the search takes so long that people want to know of it ...
PHOTOS_SAID_FROM = 500  # ... and photos, which have to be decoded

Pairs = NDArray[np.int64]


def find_copies(parts: Mapping[str, DigitSet]) -> CopyReport:
    """Compare all pictures of all parts with each other: which are copies, to the pixel or nearly?

    Parts come in the order of their rights, test first: a part is said to have copies of those before it.
    Raises: StoreError when what was found cannot be kept for the next time.
    """
    return group_copies({name: MarkedSet.of(digits) for name, digits in parts.items()})[1]


def group_copies(
    parts: Mapping[str, MarkedSet], near: bool = True, report: Report = keep_quiet
) -> tuple[dict[str, MarkedSet], CopyReport]:
    """The same parts with copies in one group each, and what there is to tell; `near=False` looks for exact ones only.

    `report` gets a line before a search that takes time. Near pairs are kept on disk under the content of all pictures.
    Raises: StoreError when they cannot be kept.
    """
    if not parts:
        return {}, CopyReport(NEAR if near else EXACT)
    sets = list(parts.values())
    marks: Marks = np.concatenate([np.zeros(0, MARK), *(part.marks for part in sets)])
    different, firsts, ids = number(marks)
    roots = np.arange(len(different))
    if near:
        roots = _roots(len(different), _near_pairs([part.digits for part in sets], different, firsts, report))
    groups = np.split(different[roots[ids]], np.cumsum([len(part) for part in sets])[:-1])
    grouped = {name: replace(part, groups=own) for (name, part), own in zip(parts.items(), groups, strict=True)}
    finds = Finds(tuple(parts), [part.digits for part in sets], ids, roots[ids])
    return grouped, finds.report(NEAR if near else EXACT)


def _roots(count: int, pairs: Pairs) -> Indices:
    """For each of `count` numbers the least one that pairs lead to, over as many steps as it takes."""
    roots = np.arange(count)
    left, right = pairs.T
    while (roots[left] != roots[right]).any():
        least = np.minimum(roots[left], roots[right])
        np.minimum.at(roots, roots[left], least)
        np.minimum.at(roots, roots[right], least)
        roots = roots[roots]
    while (roots[roots] != roots).any():
        roots = roots[roots]
    return roots


def _near_pairs(sets: Sequence[DigitSet], marks: Marks, firsts: Indices, report: Report) -> Pairs:
    """The pairs of near copies among different pictures, from the disk where they have been found before.

    Shapes: `marks` (U,), sorted; `firsts` (U,), where each is among all pictures; returns (P,2), numbers below U.
    """
    path = cache_folder() / "copies" / f"{key_of('near', METHOD, hashlib.sha256(marks.tobytes()).hexdigest())}.json"
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8")), len(marks))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):  # not there, or not what was written
        pass
    photos = sum(len(digits) for digits in sets if isinstance(digits.pictures, Encoded | Joined))
    if len(marks) >= SAID_FROM or photos >= PHOTOS_SAID_FROM:
        report(f"Looking for copies among {len(marks):,} pictures; this is done once.")
    pairs = _search(sets, firsts)
    write_text(path, json.dumps({"pairs": pairs.tolist(), "check": key_of(pairs.tolist())}))
    return pairs


def _checked(kept: dict[str, Any], count: int) -> Pairs:
    """Pairs as they were written. Raises: ValueError, TypeError or LookupError when they are something else."""
    if key_of(kept["pairs"]) != kept["check"]:
        raise ValueError("altered since it was written")
    pairs = np.array(kept["pairs"], np.int64).reshape(-1, 2)
    if len(pairs) and not (pairs.min() >= 0 and pairs.max() < count):
        raise ValueError("pairs of other pictures")
    return pairs


def _search(sets: Sequence[DigitSet], firsts: Indices) -> Pairs:
    """Candidates by the strengths of their waves, then laid on each other: pairs that join the copies of a drawing."""
    codes = np.zeros((len(firsts), COUNT), np.float16)
    for chosen, digits, indices in _by_set(sets, firsts):
        codes[chosen] = strengths(digits.pictures, indices)
    shows = np.flatnonzero(codes.any(axis=1))
    candidates = shows[close_pairs(codes[shows], REACH)]
    found = np.zeros((0, 2), np.int64)
    while len(candidates):  # one of each picture's at a time: in a crowd most need no look once some are confirmed
        chosen = np.unique(candidates[:, 0], return_index=True)[1]
        confirmed = [
            _confirmed(sets, firsts, candidates[chosen[start : start + PIECE]])
            for start in range(0, len(chosen), PIECE)
        ]
        found = np.concatenate([found, *confirmed])
        left, right = _roots(len(firsts), found)[candidates].T
        open_yet = left != right
        open_yet[chosen] = False
        candidates = candidates[open_yet]
    return found


def _by_set(sets: Sequence[DigitSet], places: Indices) -> Iterator[tuple[Indices, DigitSet, Indices]]:
    """Places among all pictures, sorted out: which of the places, the set that they are in, and where in it."""
    start = 0
    for digits in sets:
        chosen = np.flatnonzero((places >= start) & (places < start + len(digits)))
        yield chosen, digits, places[chosen] - start
        start += len(digits)


def _confirmed(sets: Sequence[DigitSet], firsts: Indices, candidates: Pairs) -> Pairs:
    """The candidates that do show one drawing."""
    used, numbers = np.unique(candidates, return_inverse=True)
    seen = Spectra.blank(len(used))
    for chosen, digits, indices in _by_set(sets, firsts[used]):
        seen.put(chosen, spectra(digits.pictures, indices))
    left, right = numbers.reshape(-1, 2).T
    allowed = limits(seen)
    apart = differences(seen.take(left), seen.take(right))
    return candidates[apart <= np.minimum(allowed[left], allowed[right])]
