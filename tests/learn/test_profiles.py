"""Runs of a profile are what somebody who walks along it would call runs."""

from itertools import groupby

import pytest
import torch
from torch import Tensor

from digitkit.learn.profiles import BORDER_PX, EMPTY, SLICE_SHARE, SPECK_SHARE, THIN, extent, heavy_runs, inside_borders

LENGTH = 28
RAMP = torch.arange(float(LENGTH))


def profiles(share: float) -> Tensor:
    """Random ink in some places, 400 profiles."""
    rng = torch.Generator().manual_seed(int(100 * share))
    ink = torch.rand(400, LENGTH, generator=rng) * 9
    held = torch.rand(400, LENGTH, generator=rng).cumsum(1).sin().abs()  # runs and gaps of several px
    return ink * (held < share)


def walked(profile: list[float]) -> list[range]:
    """The runs of one profile."""
    places = groupby(range(len(profile)), key=lambda place: profile[place] > EMPTY)
    return [range(run[0], run[-1] + 1) for there, group in places if there for run in [list(group)]]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_what_lies_inside_borders_starts_after_thin_runs_at_the_ends(share: float) -> None:
    for profile, found in zip(profiles(share), inside_borders(profiles(share), RAMP), strict=True):
        runs = walked(profile.tolist())
        thickest = max((len(run) for run in runs), default=0)
        thin = [run for run in runs if len(run) < THIN * thickest]
        begin = max((run.stop for run in thin if run.start < BORDER_PX), default=0)
        end = min((run.start for run in thin if run.stop > LENGTH - BORDER_PX), default=LENGTH)
        assert found.tolist() == [float(begin <= place < end) for place in range(LENGTH)]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_heavy_runs_are_no_specks_and_at_the_ends_no_slices(share: float) -> None:
    for profile, found in zip(profiles(share), heavy_runs(profiles(share)), strict=True):
        runs = walked(profile.tolist())
        weights = [float(profile[run.start : run.stop].sum()) for run in runs]
        expected = [0.0] * LENGTH
        for run, weight in zip(runs, weights, strict=True):
            least = SLICE_SHARE if run.start == 0 or run.stop == LENGTH else SPECK_SHARE
            if weight >= least * max(weights):
                expected[run.start : run.stop] = [1.0] * len(run)
        assert found.tolist() == expected


def test_the_extent_is_from_the_first_place_to_the_last_and_everything_where_nothing_is() -> None:
    inked = torch.zeros(2, 3, LENGTH)
    inked[0, 1, 4:9] = inked[1, 2, 27] = 1
    first, last = extent(inked, RAMP)
    assert first.tolist() == [[0, 4, 0], [0, 0, 27]]
    assert last.tolist() == [[27, 8, 27], [27, 27, 27]]
