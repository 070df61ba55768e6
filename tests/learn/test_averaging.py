"""The averaged network follows the raw one."""

import pytest
import torch
from torch import nn

from digitkit.core.errors import ConfigError
from digitkit.learn.averaging import Average, measure_norms
from digitkit.learn.fitting import AverageConfig, AverageKind
from digitkit.learn.layers import GhostBatchNorm2d

STEPS = 50
SWA = AverageConfig(kind=AverageKind.swa, every=2, start=0.2)  # of 50 steps from the eleventh on


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
    average = Average(raw, AverageConfig(), STEPS)
    set_to(raw, 5)
    assert values(average.network) == {3}
    assert not any(weight.requires_grad for weight in average.parameters())


def test_past_its_warm_up_it_keeps_the_share_of_the_old_average() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1, decay=0.75), STEPS)
    for step in range(1, 41):
        average.follow(raw, step)
    set_to(raw, 1)
    average.follow(raw, 41)
    assert values(average.network) == {0.25}  # weights, norms and buffers alike


def test_a_young_average_forgets_its_start() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1, decay=0.999), STEPS)
    set_to(raw, 1)
    average.follow(raw, 1)
    assert min(values(average.network)) > 0.5


def test_it_moves_only_every_so_many_steps_and_at_the_last() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=5, decay=0.5), STEPS)
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
    average = Average(raw, AverageConfig(every=1), STEPS)
    counter = raw.get_buffer("1.num_batches_tracked")
    counter.fill_(17)
    average.follow(raw, 1)
    assert int(average.network.get_buffer("1.num_batches_tracked")) == 17


def test_without_an_average_the_raw_weights_count() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=0), STEPS)
    set_to(raw, 4)
    average.follow(raw, 3)
    assert values(average.network) == {4}


@pytest.mark.parametrize("stop", [4, 11, 14])
@pytest.mark.parametrize("config", [AverageConfig(every=1), AverageConfig(every=2), SWA])
def test_its_state_goes_on_where_it_stopped(config: AverageConfig, stop: int) -> None:
    raw = network(0)
    whole, cut = (Average(raw, config, STEPS) for _ in range(2))
    resumed = Average(network(9), config, STEPS)
    for step in range(1, 21):
        set_to(raw, step)
        whole.follow(raw, step)
        (cut if step <= stop else resumed).follow(raw, step)
        if step == stop:
            resumed.load_state_dict(cut.state_dict())
    assert values(resumed.network) == values(whole.network)


def test_swa_is_the_raw_network_until_it_begins() -> None:
    raw = network(0)
    average = Average(raw, SWA, STEPS)
    for step in range(1, 11):
        set_to(raw, step)
        average.follow(raw, step)
    assert values(average.network) == {10}
    assert not average.needs_norms


def test_swa_counts_all_its_steps_alike() -> None:
    raw = network(0)
    average = Average(raw, SWA, STEPS)
    for step in range(1, STEPS + 1):
        set_to(raw, step)
        average.follow(raw, step, last=step == STEPS)
    assert values(average.network) == {sum(range(12, 51, 2)) / 20}
    assert average.needs_norms


def test_swa_begins_in_time_to_average_something() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(kind=AverageKind.swa, start=1), STEPS)
    for step in range(1, STEPS + 1):
        average.follow(raw, step, last=step == STEPS)
    assert int(average.updates) == 1


def test_an_exponential_average_keeps_the_norms_it_has() -> None:
    raw = network(0)
    average = Average(raw, AverageConfig(every=1), STEPS)
    average.follow(raw, 1)
    assert not average.needs_norms


def test_swa_needs_steps_to_average() -> None:
    with pytest.raises(ConfigError, match=r"average\.kind=swa averages nothing with average\.every=0"):
        AverageConfig(kind=AverageKind.swa, every=0)


def photos(count: int) -> torch.Tensor:
    return 3 + 2 * torch.randn(count, 2, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(2), nn.BatchNorm2d(2, momentum=None), GhostBatchNorm2d(2, 8)])
def test_norms_get_the_statistics_of_what_they_are_shown(norm: nn.BatchNorm2d) -> None:
    made, images = nn.Sequential(norm, nn.Dropout(0.5), nn.Flatten()), photos(600)
    before, state = norm.momentum, torch.get_rng_state()
    norm.running_mean.fill_(99)  # type: ignore[union-attr]
    measure_norms(made, torch.split(images, 200))
    assert norm.get_buffer("running_mean").tolist() == pytest.approx(images.mean((0, 2, 3)).tolist(), abs=1e-4)
    assert norm.get_buffer("running_var").tolist() == pytest.approx(images.var((0, 2, 3)).tolist(), rel=1e-2)
    assert norm.momentum == before
    assert not any(module.training for module in made.modules())
    assert torch.equal(torch.get_rng_state(), state)  # a resumed training draws what it would have drawn
    assert float(made(images).detach().std()) == pytest.approx(1, abs=0.01)


def test_a_network_without_norms_is_left_alone() -> None:
    made = nn.Linear(2, 2)
    before = made.weight.clone()
    measure_norms(made, [torch.zeros(2, 2)])
    assert torch.equal(made.weight, before)


def test_a_norm_that_nothing_passes_keeps_its_statistics() -> None:
    made = nn.Sequential(nn.BatchNorm2d(2))
    idle = nn.BatchNorm2d(2)
    made[0].add_module("idle", idle)
    idle.get_buffer("running_mean").fill_(7)
    measure_norms(made, torch.split(photos(20), 10))
    assert idle.get_buffer("running_mean").tolist() == [7, 7]
