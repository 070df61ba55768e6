"""Native pictures as they might have been taken elsewhere, and through the one door again.

N pictures, B of one batch, H and W of native ones in px, A side of a variant, C channels and S side of an image in px.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.core.digitset import DigitSet, Indices
from digitkit.core.parallel import in_threads
from digitkit.core.picture import Pixels
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.learn.augment.world import draw, seen
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.ink import Ink
from digitkit.learn.loader import as_colour, batches_of_one_size
from digitkit.learn.paper import folded
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.sampling import stretched, triangle_weights

SIDES = 4  # px, sides of variants are multiples of this
LEAST_PX = 10  # height of a digit that can still be read
ROOM = 0.08  # share of the side by which a digit may lie over the border
OTHER_SIZE = (0.8, 1.2)  # of other digits, against that of the digit
BEYOND = (0.0, 0.2)  # share of the side by which the middle of a neighbour lies outside: one sees a piece of it
HALF_WIDTH = 0.4  # of a digit over its height, as a rule
OTHERS, OTHER_PX = 256, 56  # digits that stand beside or behind others in a round, px of their longer side

Report = Callable[[int, int], None]


class Lifted(NamedTuple):
    """Ink off its paper: `ink` float (B,H,W), 0..1; of the digit `middle` (B,2), row and column, `longer` (B,1), px."""

    ink: Tensor
    middle: Tensor
    longer: Tensor


@dataclass(frozen=True)
class Before:
    """Makes the variants of some sets of pictures, one behind the other; the same seed makes the same."""

    digits: Sequence[DigitSet]
    prepare: PrepareConfig
    config: BeforeConfig
    seed: int
    alone: bool  # whether labels are single characters, so that a piece of another beside it changes nothing
    report: Report

    def __len__(self) -> int:
        """How many pictures there are."""
        return sum(map(len, self.digits))

    def only(self, indices: Indices) -> Tensor:
        """Variants of some of the pictures, as of a set of their own: int64 (B,) -> uint8 (k,B,C,S,S)."""
        order = np.argsort(indices, kind="stable")
        few = replace(self, digits=self._shared_out(indices[order]), report=lambda done, total: None)
        return few.made(0)[:, torch.from_numpy(np.argsort(order))]

    def made(self, number: int) -> Tensor:
        """The variants of a round, 0 for the first: uint8 (k,N,C,S,S)."""
        total, side = len(self), self.prepare.size
        found = torch.empty(self.config.k, total, self.prepare.channels, side, side, dtype=torch.uint8)
        door, threads, done = Prepare(self.prepare).eval(), torch.get_num_threads(), 0

        def make(piece: tuple[Indices, Pixels]) -> int:
            torch.set_num_threads(1)  # as in preparing: a batch in each thread
            places, pixels = piece
            with torch.inference_mode():
                rng = generator((self.seed, number, int(places[0])))
                lifted = lift(_ink(door), torch.from_numpy(as_colour(pixels)))
                found[:, torch.from_numpy(places)] = self._variants(door, lifted, others, rng)
            return len(places)

        try:
            torch.set_num_threads(1)
            with torch.inference_mode():
                others = self._others(_ink(door), generator((self.seed, number, total))) if self.alone else None
            for count in in_threads(make, self._pieces(), threads):
                done += count
                self.report(done, total)
        finally:
            torch.set_num_threads(threads)
        return found

    def _others(self, door: Ink, rng: torch.Generator) -> Lifted:
        """Some digits of all sets, of one size: a batch may hold but one picture, or one class."""
        are_digits = [np.array(digits.classes)[digits.labels] != NOT_A_DIGIT for digits in self.digits]
        places = np.flatnonzero(np.concatenate(are_digits))
        chosen = places[torch.randperm(len(places), generator=rng)[:OTHERS].numpy()]
        found = []
        for own in filter(len, self._shared_out(np.sort(chosen))):
            for _, pixels in batches_of_one_size(own):
                lifted, whole = lift(door, torch.from_numpy(as_colour(pixels))), torch.ones(len(pixels), 1)
                found.append(laid(lifted, OTHER_PX, whole, whole.expand(-1, 2) / 2).squeeze(1))
        ink = torch.cat(found)
        return Lifted(ink, torch.full((len(ink), 2), OTHER_PX / 2), torch.full((len(ink), 1), float(OTHER_PX)))

    def _shared_out(self, places: Indices) -> list[DigitSet]:
        """The pictures at places among all N, that grow, out of each set."""
        ends = np.cumsum([len(digits) for digits in self.digits])
        pieces = np.split(places, np.searchsorted(places, ends[:-1]))
        firsts = ends - [len(digits) for digits in self.digits]
        return [digits.take(piece - first) for digits, piece, first in zip(self.digits, pieces, firsts, strict=True)]

    def _pieces(self) -> Iterator[tuple[Indices, Pixels]]:
        """Places among all N, and pictures of one size."""
        before = 0
        for digits in filter(len, self.digits):
            for indices, pixels in batches_of_one_size(digits):
                yield before + indices, pixels
            before += len(digits)

    def _variants(self, door: Prepare, lifted: Lifted, others: Lifted | None, rng: torch.Generator) -> Tensor:
        """Variants of digits from pictures of one size, uint8 (k,B,C,S,S)."""
        made = []
        for _ in range(self.config.k):
            low, high = (round(side / SIDES) for side in (self.config.side_low, self.config.side_high))
            side = SIDES * int(torch.randint(low, high + 1, (), generator=rng))
            image = door(seen(*self._laid(lifted, others, side, rng), self.config, rng)).image
            made.append((image * 255).round().to(torch.uint8))
        return torch.stack(made)

    def _laid(
        self, lifted: Lifted, others: Lifted | None, side: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Digits of any size anywhere on a canvas, others beside them and others below: float (B,1,A,A) each."""
        lowest = max(self.config.fill_low, LEAST_PX / side)
        fill = draw(lifted.ink, (lowest, max(lowest, self.config.fill_high)), rng)
        room = ((1 - fill) / 2 + ROOM).clamp_min(0)
        centre = 0.5 + room * (2 * torch.rand(len(fill), 2, generator=rng) - 1)
        ink = laid(lifted, side, fill, centre)
        nothing = torch.zeros_like(ink)
        if others is None:
            return ink, nothing, nothing
        size = fill * draw(fill, OTHER_SIZE, rng)
        beyond = draw(fill, BEYOND, rng)
        left = torch.rand(len(fill), 1, generator=rng) < 0.5
        clear = HALF_WIDTH * (fill + size)  # two digits side by side do not run into each other
        across = centre[:, 1:]
        aside = torch.where(left, torch.minimum(across - clear, -beyond), torch.maximum(across + clear, 1 + beyond))
        beside = torch.cat([centre[:, :1], aside], 1)
        anywhere = torch.rand(len(fill), 2, generator=rng)
        below = laid(_drawn(others, len(fill), rng), side, size, anywhere).flip(3)  # seen from behind
        return ink, laid(_drawn(others, len(fill), rng), side, size, beside), below


def _ink(door: Prepare) -> Ink:
    assert isinstance(door.door, Ink), "other modes are refused before"
    return door.door


def _drawn(lifted: Lifted, count: int, rng: torch.Generator) -> Lifted:
    """So many of the digits, any of them."""
    which = torch.randint(len(lifted.ink), (count,), generator=rng)
    return Lifted(*(part[which] for part in lifted))


def lift(door: Ink, pixels: Tensor) -> Lifted:
    """Take the ink off its paper: uint8 (B,H,W,3)."""
    rows, columns = pixels.shape[1:3]
    found = door.find(pixels)
    grey = folded(found.grey - (found.columns.unsqueeze(1) + found.rows.unsqueeze(2)), found.fold)
    down, across = (stretched(length, found.paper) for length in (rows, columns))
    ink = F.relu(found.scale * grey - down @ found.paper @ across.T)
    strongest = F.avg_pool2d(ink.unsqueeze(1), 3, 1, 1).amax((2, 3)).unsqueeze(2)
    middle = (found.first + found.last).T / 2
    longer = (found.last - found.first).amax(0).unsqueeze(1)
    return Lifted((ink / strongest.clamp_min(1e-3)).clamp(0, 1), middle, longer.clamp_min(2))


def laid(lifted: Lifted, side: int, fill: Tensor, centre: Tensor) -> Tensor:
    """Digits on a canvas, their longer side a share `fill` (B,1) of it, their middle at (B,2) -> float (B,1,A,A)."""
    step = lifted.longer / (fill * side)  # (B,1) px of the picture per px of the canvas
    line = torch.arange(side) + 0.5
    weights = []
    for axis, length in enumerate(lifted.ink.shape[1:]):
        places = (line - centre[:, axis : axis + 1] * side) * step + lifted.middle[:, axis : axis + 1] - 0.5
        inside = ((places > -0.5) & (places < length - 0.5)).to(step.dtype)
        weights.append(inside.unsqueeze(2) * triangle_weights(places.clamp(0, length - 1), step.clamp_min(1), length))
    return (weights[0] @ lifted.ink @ weights[1].transpose(1, 2)).unsqueeze(1)


def generator(key: tuple[int, ...]) -> torch.Generator:
    """Random numbers of their own for every key."""
    word = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator().manual_seed(word)
