"""What belongs to the digit, told from profiles of ink: the sums of its rows or of its columns.

N batch, A length of a profile in px of the coarse canvas. A run is a stretch of a profile without a gap.
Profiles stand in for connected components, which would need a step for every pixel of a stroke (docs/decisions.md).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

EMPTY = 1e-3  # px of ink in a row or column; below it there is a gap
BORDER_PX = 3  # a run that comes this close to the end of the profile is at the border
THIN = 0.45  # of the thickest run; a border run below it is a form line or a slice of a neighbour
SPECK_SHARE = 0.05  # of the heaviest run; lighter runs are specks
SLICE_SHARE = 0.35  # ... at the very border, where slices of neighbours lie


class Runs(NamedTuple):
    """`there` float (N,A), 1 where there is ink; `same` (N,A,A), 1 where two places belong to one run."""

    there: Tensor
    same: Tensor


def find_runs(profile: Tensor) -> Runs:
    """The runs of a profile, px of ink (N,A)."""
    there = (profile > EMPTY).to(profile.dtype)
    starts = there * (1 - F.pad(there[:, :-1], (1, 0)))
    order = torch.cumsum(starts, 1)
    apart = (order.unsqueeze(2) - order.unsqueeze(1)).abs()
    return Runs(there, (apart < 0.5).to(profile.dtype) * there.unsqueeze(1) * there.unsqueeze(2))


def inside_borders(profile: Tensor, ramp: Tensor) -> Tensor:
    """1 between the form lines and slices of neighbours at both ends, 0 on them and beyond: (N,A) -> (N,A).

    `ramp` holds 0..A-1.
    """
    same = find_runs(profile).same
    thickness = same.sum(2)
    thin = (thickness < THIN * thickness.amax(1, keepdim=True)).to(profile.dtype)
    at_start = same[:, :, :BORDER_PX].amax(2) * thin
    at_end = same[:, :, -BORDER_PX:].amax(2) * thin
    length = profile.shape[1]
    begin = ((ramp + 1) * at_start).amax(1, keepdim=True)
    end = length - ((length - ramp) * at_end).amax(1, keepdim=True)
    return ((ramp >= begin) & (ramp < end)).to(profile.dtype)


def heavy_runs(profile: Tensor) -> Tensor:
    """1 on the runs that carry weight, 0 on specks, slices and gaps: (N,A) -> (N,A)."""
    there, same = find_runs(profile)
    weight = (same @ profile.unsqueeze(2)).squeeze(2)
    at_border = torch.maximum(same[:, :, 0], same[:, :, -1])
    least = (SPECK_SHARE + (SLICE_SHARE - SPECK_SHARE) * at_border) * weight.amax(1, keepdim=True)
    return (weight >= least).to(profile.dtype) * there


def extent(inked: Tensor, ramp: Tensor) -> tuple[Tensor, Tensor]:
    """First and last place that is 1, (N,A) -> (N,1) and (N,1); the whole length when there is none."""
    far = (1 - inked) * 1e4
    first, last = (ramp + far).amin(1, keepdim=True), (ramp - far).amax(1, keepdim=True)
    none = (last < first).to(inked.dtype)
    return first * (1 - none), last * (1 - none) + (inked.shape[1] - 1) * none
