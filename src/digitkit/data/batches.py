"""Which pictures stand in which batch: mixed by a ratio, weighted by class, the hard ones again, and counted.

Every random number comes from the seed and a running number, so little has to be kept to go on, and numpy's raw words
make it the same on every machine. N pictures, the P primary ones first, the extra ones behind them; B batch, K classes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitkit.core.digitset import Indices
from digitkit.core.errors import ConfigError, DataError

PRIMARY, EXTRA = 0, 1  # streams of random numbers

Weights = NDArray[np.float64]
Losses = NDArray[np.float32]


@dataclass(frozen=True)
class DrawPlan:
    """How pictures are drawn; an epoch is one pass over the primary ones, with the extra ones that belong to it.

    `weights` float64 (P,), 0 or more, say how often each primary picture is drawn; None = each once in a pass.
    """

    primary: int  # pictures, the first ones of the set, 1 or more
    extra: int = 0  # pictures, behind the primary ones
    batch: int = 512  # pictures of a step; fewer where an epoch has fewer
    seed: int = 0
    extra_share: float = 0.0  # of every batch, below 1
    hard_share: float = 0.0  # of the primary pictures, drawn again after the first pass; 0 = all
    weights: Weights | None = None
    count: int = 0  # primary pictures of one weighted pass; 0 = as many as there are
    replacement: bool = True  # whether a weighted pass may draw a picture twice

    def __post_init__(self) -> None:
        """Our own mistakes, and a pass that cannot be drawn, stop here."""
        assert self.primary > 0, "there are primary pictures"
        assert 0 <= self.extra_share < 1, "the primary pictures have a share too"
        assert self.weights is None or not self.hard_share, "weights or hard pictures, one of the two"
        if self.weights is not None:
            able, wanted = int(np.count_nonzero(self.weights)), self.count or self.primary
            if not able or (wanted > able and not self.replacement):
                raise ConfigError(
                    f"data.sampling asks for {wanted:,} pictures in a pass, and {able:,} have a weight over 0."
                    f" Choose a smaller data.sampling.count, other weights, or data.sampling.replacement=true."
                )

    @property
    def share(self) -> Fraction:
        """The exact share of extra pictures; nothing without extra pictures."""
        return Fraction(str(self.extra_share)) if self.extra else Fraction(0)

    @property
    def epoch(self) -> Fraction:
        """Pictures of one epoch, extra ones included."""
        return (self.count or self.primary) / (1 - self.share)

    @property
    def size(self) -> int:
        """Pictures of one step."""
        return max(1, min(self.batch, int(self.epoch)))

    def steps(self, epochs: float, least: int) -> int:
        """The steps of so many epochs, `least` or more."""
        return max(least, round(epochs * float(self.epoch) / self.size))


class Drawing:
    """The indices of batch after batch, int64 (B,), as many as there are steps; iterating goes on from the state.

    `share` of each batch, rounded so that after any number of steps at most half a picture is missing, is extra. Every
    extra picture is drawn before any is drawn twice; so are the primary ones, unless they are weighted.
    Shapes: `labels` int64 (N,), 0..K-1.
    """

    def __init__(self, labels: NDArray[np.int64], classes: tuple[str, ...], plan: DrawPlan, steps: int) -> None:
        assert len(labels) == plan.primary + plan.extra, "a label for each picture"
        self.labels, self.classes, self.plan, self.steps = labels, classes, plan, steps
        self.losses: Losses = np.full(plan.primary, np.inf, np.float32)  # a picture not seen yet counts as hard
        self.primary, self.extra = _Passes(self._primary_pass), _Passes(self._extra_pass)
        self.counts: list[list[int]] = []  # of each epoch: extra pictures, then all pictures of each class
        self.done = 0  # steps

    def __iter__(self) -> Iterator[Indices]:
        """The batches from the present one to the last."""
        if not self.done:
            self.counts = []
        while self.done < self.steps:
            self.done += 1
            indices = self._draw()
            self._count(indices)
            yield indices
        self.done = 0

    @property
    def epoch(self) -> int:
        """The epoch in which the present batch began, 0 for the first."""
        return int((self.done - 1) * self.plan.size / self.plan.epoch)

    def note(self, indices: Indices, losses: Losses) -> None:
        """Remember the losses (B,) of pictures, to know the hard ones."""
        is_primary = indices < self.plan.primary
        self.losses[indices[is_primary]] = losses[is_primary]

    def epochs(self) -> list[dict[str, Any]]:
        """What was drawn in each epoch that is over; the last one is over when all steps are done, however short.

        Plain values: the epoch's number from 1, all its pictures, the extra ones among them, pictures of each class.
        """
        whole = int(self.done * self.plan.size / self.plan.epoch)
        over = self.counts if self.done in (0, self.steps) else self.counts[:whole]
        return [
            {
                "epoch": number,
                "pictures": sum(drawn),
                "extra": extra,
                "classes": dict(zip(self.classes, drawn, strict=True)),
            }
            for number, (extra, *drawn) in enumerate(over, start=1)
        ]

    def state(self) -> dict[str, Any]:
        """Where the drawing stands: arrays and whole numbers."""
        counts = np.array(self.counts, np.int64).reshape(-1, 1 + len(self.classes))
        return {
            "pictures": [self.plan.primary, self.plan.extra], "losses": self.losses.copy(), "counts": counts,
            "done": self.done, "primary": self.primary.state(), "extra": self.extra.state(),
        }  # fmt: skip

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Take a state back.

        Raises: DataError when the pictures are not as many as they were.
        """
        found, now = list(state["pictures"]), [self.plan.primary, self.plan.extra]
        if found != now:
            before, after = (" and ".join(f"{count:,}" for count in counts if count) for counts in (found, now))
            raise DataError(
                f"The run was stopped with {before} training pictures, now there are {after}."
                f" Bring back the pictures as they were, or start a new run."
            )
        self.losses = np.array(state["losses"], np.float32)
        self.counts, self.done = np.array(state["counts"]).tolist(), int(state["done"])
        self.primary.go_on(state["primary"])
        self.extra.go_on(state["extra"])

    def _draw(self) -> Indices:
        size, share = self.plan.size, self.plan.share
        extra = _rounded(self.done * size * share) - _rounded((self.done - 1) * size * share)
        return np.concatenate([self.primary.take(size - extra), self.extra.take(extra)])

    def _count(self, indices: Indices) -> None:
        """Add a batch to its epoch, that in which it began."""
        epoch = self.epoch
        while len(self.counts) <= epoch:
            self.counts.append([0] * (1 + len(self.classes)))
        drawn = np.bincount(self.labels[indices], minlength=len(self.classes)).tolist()
        extra = int((indices >= self.plan.primary).sum())
        self.counts[epoch] = [have + more for have, more in zip(self.counts[epoch], [extra, *drawn], strict=True)]

    def _extra_pass(self, number: int) -> Indices:
        return self.plan.primary + np.argsort(_words((self.plan.seed, EXTRA, number), self.plan.extra), kind="stable")

    def _primary_pass(self, number: int) -> Indices:
        plan, key = self.plan, (self.plan.seed, PRIMARY, number)
        if plan.weights is not None:
            return _weighted(plan.weights, plan.count or plan.primary, plan.replacement, key)
        order = np.argsort(_words(key, plan.primary), kind="stable")
        hard = max(plan.size, int(plan.hard_share * plan.primary))
        if not plan.hard_share or not number or hard >= plan.primary:
            return order
        # The hardest in random order; ties, such as pictures not seen yet, fall by lot.
        hardest = np.zeros(plan.primary, np.bool_)
        hardest[order[np.argsort(-self.losses[order], kind="stable")[:hard]]] = True
        return order[hardest[order]]


class _Passes:
    """Indices from one pass after another: all of a pass are taken before any of the next."""

    def __init__(self, make: Callable[[int], Indices]) -> None:
        self.make = make
        self.order: Indices = np.zeros(0, np.int64)
        self.position = 0
        self.number = 0  # of the next pass

    def take(self, count: int) -> Indices:
        """The next so many."""
        taken = [self.order[self.position : self.position + count]]
        self.position += len(taken[0])
        while (lacking := count - sum(map(len, taken))) > 0:
            self.order = self.make(self.number)
            self.number += 1
            taken.append(self.order[:lacking])
            self.position = len(taken[-1])
        return np.concatenate(taken)

    def state(self) -> dict[str, Any]:
        """Where the passes stand."""
        return {"order": self.order.copy(), "position": self.position, "number": self.number}

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Take a state back."""
        self.order = np.array(state["order"], np.int64)
        self.position, self.number = int(state["position"]), int(state["number"])


def balanced(labels: NDArray[np.int64], classes: int) -> Weights:
    """Weights (N,) that draw every class as often as any other: the inverse of its frequency."""
    counts: Weights = np.bincount(labels, minlength=classes).astype(np.float64)
    return 1 / counts[labels]


def _rounded(number: Fraction) -> int:
    """The nearest whole number, halves up."""
    return int(number + Fraction(1, 2))


def _words(key: tuple[int, ...], count: int) -> NDArray[np.uint64]:
    """Random 64-bit words of a key; raw words are what numpy promises never to change (NEP 19)."""
    return np.random.PCG64(np.random.SeedSequence(key)).random_raw(count)


def _weighted(weights: Weights, count: int, replacement: bool, key: tuple[int, ...]) -> Indices:
    """`count` indices, each as likely as its weight."""
    if replacement:
        ends = np.cumsum(weights)
        chances = (_words(key, count) >> np.uint64(11)) * 2.0**-53  # 0 <= chance < 1
        found = np.searchsorted(ends, chances * ends[-1], side="right")
        drawn: Indices = np.minimum(found, np.flatnonzero(weights)[-1])  # rounding may reach the end itself
        return drawn
    able = np.flatnonzero(weights)
    chances = ((_words(key, len(able)) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53  # 0 < chance <= 1
    # The first arrivals of clocks that tick as fast as their weight (Efraimidis and Spirakis 2006).
    arrivals: Indices = able[np.argsort(-np.log(chances) / weights[able], kind="stable")[:count]]
    return arrivals
