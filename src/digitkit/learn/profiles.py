"""What belongs to the digit, told from profiles of ink: the sums of its rows or of its columns.

N batch, A length of a profile in px of the coarse canvas. A run is a stretch of a profile without a gap.
Profiles stand in for connected components, which would need a step for every pixel of a stroke (docs/decisions.md).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from digitkit.learn.sampling import FAR

EMPTY = 1e-3  # px of ink in a row or column; below it there is a gap
BORDER_PX = 3  # a run that comes this close to the end of the profile is at the border
THIN = 0.45  # of the thickest run; a border run below it is a form line or a slice of a neighbour
SPECK_SHARE = 0.05  # of the heaviest run; lighter runs are specks
SLICE_SHARE = 0.35  # ... at the very border, where slices of neighbours lie


class Runs(NamedTuple):
    """`there` float (N,A), 1 where there is ink; `gaps` float (N,A), how many empty places lie up to and with a place.

    Places with ink belong to one run when no gap lies between them, so when they have the same count.
    """

    there: Tensor
    gaps: Tensor

    def totals(self, values: Tensor) -> Tensor:
        """The sum over the run that each place with ink belongs to: values of ink (N,A) -> (N,A)."""
        same = (self.gaps.unsqueeze(2) == self.gaps.unsqueeze(1)).to(values.dtype)
        return (same @ values.unsqueeze(2)).squeeze(2)

    def at_start(self, reach: int) -> Tensor:
        """Which places with ink belong to runs that come into the first `reach` places, bool (N,A)."""
        return self.gaps < (self.gaps + self.there)[:, reach - 1 : reach]

    def at_end(self, reach: int) -> Tensor:
        """Which places with ink belong to runs that come into the last `reach` places, bool (N,A)."""
        length = self.gaps.shape[1]
        return self.gaps >= self.gaps[:, length - reach : length - reach + 1]


def find_runs(profile: Tensor) -> Runs:
    """The runs of a profile, px of ink (N,A)."""
    there = (profile > EMPTY).to(profile.dtype)
    return Runs(there, torch.cumsum(1 - there, 1))


def inside_borders(profile: Tensor, ramp: Tensor) -> Tensor:
    """1 between the form lines and slices of neighbours at both ends, 0 on them and beyond: (N,A) -> (N,A).

    `ramp` holds 0..A-1.
    """
    runs = find_runs(profile)
    thickness = runs.totals(runs.there)
    thin = runs.there * (thickness < THIN * thickness.amax(1, keepdim=True))
    length = profile.shape[1]
    begin = ((ramp + 1) * thin * runs.at_start(BORDER_PX)).amax(1, keepdim=True)
    end = length - ((length - ramp) * thin * runs.at_end(BORDER_PX)).amax(1, keepdim=True)
    return ((ramp >= begin) & (ramp < end)).to(profile.dtype)


def heavy_runs(profile: Tensor) -> Tensor:
    """1 on the runs that carry weight, 0 on specks, slices and gaps: (N,A) -> (N,A)."""
    runs = find_runs(profile)
    weight = runs.totals(profile)
    heaviest = weight.amax(1, keepdim=True)
    least = torch.where(runs.at_start(1) | runs.at_end(1), SLICE_SHARE * heaviest, SPECK_SHARE * heaviest)
    return runs.there * (weight >= least)


def extent(inked: Tensor, ramp: Tensor) -> tuple[Tensor, Tensor]:
    """First and last place that is 1, (...,A) -> (...) and (...); the whole length when there is none."""
    far = FAR * (1 - inked)
    first, last = (ramp + far).amin(-1), (ramp - far).amax(-1)
    length = inked.shape[-1]
    none = first >= length
    return first.masked_fill(none, 0), last.masked_fill(none, length - 1)
