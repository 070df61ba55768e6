"""Sliding windows and resampling do what their plain definitions say."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.sampling import highest, lowest, mean, mean_weights, triangle_weights

WINDOWS = [1, 3, 5, 9, 13]


def some(side: int = 20) -> Tensor:
    return torch.rand(3, 2, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", WINDOWS)
def test_highest_and_lowest_are_those_of_the_window_cut_off_at_the_borders(window: int) -> None:
    x = some()
    assert torch.equal(highest(x, window), F.max_pool2d(x, window, 1, window // 2))
    assert torch.equal(lowest(x, window), -F.max_pool2d(-x, window, 1, window // 2))


class Opening(nn.Module):
    """What a graph is made of."""

    def forward(self, x: Tensor) -> Tensor:
        return highest(lowest(x, 9), 9)


def test_a_graph_has_pools_and_they_give_the_very_same_values() -> None:
    program = torch.export.export(Opening(), (some(),))
    assert "max_pool2d" in program.graph_module.code
    assert "maximum" not in program.graph_module.code
    assert torch.equal(program.module()(some()), Opening()(some()))


@pytest.mark.parametrize("window", WINDOWS)
def test_the_mean_repeats_the_border_or_sees_nothing_beyond(window: int) -> None:
    x, reach = some(), window // 2
    repeated = F.avg_pool2d(F.pad(x, (reach,) * 4, mode="replicate"), window, 1)
    assert torch.allclose(mean(x, mean_weights(20, window)), repeated, atol=1e-6)
    alone = F.avg_pool2d(x, window, 1, reach)
    assert torch.allclose(mean(x, mean_weights(20, window, repeat_border=False)), alone, atol=1e-6)


def test_triangle_weights_copy_at_full_size_and_average_when_smaller() -> None:
    positions, reach = torch.arange(4.0), torch.ones(1)
    assert torch.equal(triangle_weights(positions, reach, 4), torch.eye(4))
    halved = triangle_weights(torch.tensor([0.5, 2.5]), torch.tensor([2.0]), 4)
    assert torch.allclose(halved.sum(1), torch.ones(2))
    assert torch.allclose(halved[0], torch.tensor([3 / 8, 3 / 8, 1 / 8, 0]) / (7 / 8))
