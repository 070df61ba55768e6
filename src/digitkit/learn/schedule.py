"""The learning rate over the steps of a run."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from digitkit.learn.fitting import AverageConfig, AverageKind, ScheduleConfig, Shape


@dataclass(frozen=True)
class Pace:
    """How long a training is: its steps, and how many of them make an epoch."""

    steps: int
    epoch: float

    def left(self, epochs: float) -> int:
        """The step (0-based) from which so many epochs are left; 0 when the training is shorter."""
        return max(0, self.steps - round(epochs * self.epoch))


class Schedule:
    """The learning rate at a step (0-based) as a share of the peak.

    Up in a line, then down in the recipe's shape. The last step still moves: lines and waves reach their end one step
    after it. While SWA averages, the learning rate is its own.
    """

    def __init__(self, config: ScheduleConfig, average: AverageConfig, pace: Pace) -> None:
        self.config, self.average, self.pace = config, average, pace
        self.up = max(1, round(config.warmup * pace.steps))
        self.bounds = _cycles(config, self.up - 1, pace)

    def __call__(self, step: int) -> float:
        """The share at a step."""
        begin = self.average.first_step(self.pace.steps)
        if self.average.kind is AverageKind.ema or step < begin:
            return self._shape(step)
        gone = min(1.0, (step - begin + 1) / max(1, round(self.average.anneal * self.pace.steps)))
        start = self._shape(begin)
        return start + (self.average.lr - start) * gone

    @property
    def restarts(self) -> list[int]:
        """The steps (0-based) at which the learning rate jumps back to its peak."""
        return self.bounds[1:-1]

    @property
    def cycles(self) -> list[int]:
        """The steps of each cycle, the warm-up apart; empty where the learning rate falls once."""
        return [after - before for before, after in pairwise(self.bounds)] if len(self.bounds) > 2 else []

    def _shape(self, step: int) -> float:
        config, steps = self.config, self.pace.steps
        if step < self.up:
            return (step + 1) / self.up
        if config.shape is Shape.drops:
            return config.drop ** sum(step >= round(share * steps) for share in config.drops)
        place = bisect_right(self.bounds, step, hi=len(self.bounds) - 1)
        begin, end = self.bounds[place - 1 : place + 1]
        left = (end - step) / (end - begin)
        if config.shape is not Shape.linear:
            left = (1 - math.cos(math.pi * left)) / 2
        return config.end + (1 - config.end) * left


def _cycles(config: ScheduleConfig, begin: int, pace: Pace) -> list[int]:
    """Where each cycle begins and the last one ends: as many as fit `cycle_epochs` best, stretched to fill the run."""
    span = pace.steps - begin
    if config.shape is not Shape.restarts:
        return [begin, pace.steps]
    wanted = max(2.0, config.cycle_epochs * pace.epoch) / span  # a cycle of one step would never fall
    length, ends = 1.0, [1.0]  # lengths in first cycles
    while wanted * ends[-1] <= 1:
        length *= config.growth
        ends.append(ends[-1] + length)
    # The stretch is a factor, so nearest means by ratio: half as long is as far as twice as long.
    if len(ends) > 1 and (wanted * ends[-1] * wanted * ends[-2] > 1 or ends[-1] * 2 > span):
        ends.pop()
    return [begin, *(begin + round(span * end / ends[-1]) for end in ends)]
