"""The averaged network follows the raw one."""

import pytest
import torch
from torch import nn

from digitkit.learn.averaging import Average
from digitkit.learn.recipe import AverageConfig


def network(value: float) -> nn.Module:
    """One weight, one bias and the buffers of a batch norm, all floats at one value."""
    made = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    set_to(made, value)
    return made


def set_to(module: nn.Module, value: float) -> None:
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(value)


def values(module: nn.Module) -> set[float]:
    """All floats in a network."""
    return {round(float(tensor), 5) for tensor in module.state_dict().values() if tensor.is_floating_point()}


def test_it_starts_as_a_copy_that_learns_nothing_itself() -> None:
    raw = network(3)
    average = Average(raw, AverageConfig())
    set_to(raw, 5)
    assert values(average.network) == {3}
    assert not any(weight.requires_grad for weight in average.parameters())


def test_past_its_warm_up_it_keeps_the_share_of_the_old_average() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1, decay=0.75))
    for step in range(1, 41):
        average.follow(raw, step)
    set_to(raw, 1)
    average.follow(raw, 41)
    assert values(average.network) == {0.25}  # weights, norms and buffers alike


def test_a_young_average_forgets_its_start() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1, decay=0.999))
    set_to(raw, 1)
    average.follow(raw, 1)
    assert min(values(average.network)) > 0.5


def test_it_moves_only_every_so_many_steps_and_at_the_last() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=5, decay=0.5))
    set_to(raw, 1)
    for step in range(1, 5):
        average.follow(raw, step)
    assert values(average.network) == {0}
    average.follow(raw, 5)
    moved = values(average.network)
    assert moved != {0}
    average.follow(raw, 7, last=True)
    assert values(average.network) != moved


def test_counters_are_copied_not_averaged() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1))
    counter = raw.get_buffer("1.num_batches_tracked")
    counter.fill_(17)
    average.follow(raw, 1)
    assert int(average.network.get_buffer("1.num_batches_tracked")) == 17


def test_without_an_average_the_raw_weights_count() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=0))
    set_to(raw, 4)
    average.follow(raw, 3)
    assert values(average.network) == {4}


@pytest.mark.parametrize("every", [1, 2])
def test_its_state_goes_on_where_it_stopped(every: int) -> None:
    raw = network(0)
    whole, cut = (Average(raw, AverageConfig(every=every, decay=0.9)) for _ in range(2))
    resumed = Average(network(9), AverageConfig(every=every, decay=0.9))
    for step in range(1, 9):
        set_to(raw, step)
        whole.follow(raw, step)
        (cut if step <= 4 else resumed).follow(raw, step)
        if step == 4:
            resumed.load_state_dict(cut.state_dict())
    assert values(resumed.network) == values(whole.network)
