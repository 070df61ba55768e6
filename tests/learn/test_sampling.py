"""Sliding windows and resampling do what their plain definitions say."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.sampling import Mean, between_weights, highest, lowest, triangle_weights

WINDOWS = [1, 3, 5, 9, 13]


def some(side: int = 20) -> Tensor:
    return torch.rand(3, 2, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", WINDOWS)
def test_highest_and_lowest_are_those_of_the_window_cut_off_at_the_borders(window: int) -> None:
    x = some()
    assert torch.equal(highest(x, window), F.max_pool2d(x, window, 1, window // 2))
    assert torch.equal(lowest(x, window), -F.max_pool2d(-x, window, 1, window // 2))


class Windows(nn.Module):
    """What a graph is made of."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window, self.inside, self.empty = window, Mean(20, window), Mean(20, window, empty=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return highest(lowest(x, self.window), self.window), self.inside(x), self.empty(x)


@pytest.mark.parametrize("window", [3, 9])
def test_a_graph_has_pools_and_they_give_the_same_values(window: int) -> None:
    program = torch.export.export(Windows(window), (some(),))
    assert "max_pool2d" in program.graph_module.code
    assert "avg_pool2d" in program.graph_module.code
    assert not {"maximum", "matmul"} & set(program.graph_module.code.replace("(", ".").split("."))
    (opened, *means), (expected, *expected_means) = program.module()(some()), Windows(window)(some())
    assert torch.equal(opened, expected)
    for mean, wanted in zip(means, expected_means, strict=True):
        assert torch.allclose(mean, wanted, atol=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_mean_is_of_what_is_inside_or_of_zeros_too(window: int) -> None:
    x, reach = some(), window // 2
    inside = F.avg_pool2d(x, window, 1, reach, count_include_pad=False)
    assert torch.allclose(Mean(20, window)(x), inside, atol=1e-6)
    assert torch.allclose(Mean(20, window, empty=True)(x), F.avg_pool2d(x, window, 1, reach), atol=1e-6)


def test_weights_between_pixels_are_those_of_the_neighbours_and_nothing_far_off() -> None:
    weights = between_weights(torch.tensor([0.0, 1.25, 3.0, 1e4]), 4)
    expected = [[1, 0, 0, 0], [0, 0.75, 0.25, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert torch.equal(weights, torch.tensor(expected))


def test_rows_of_weights_sum_to_their_share() -> None:
    places, reach = torch.tensor([[0.2, 5.5, 9.0]]), torch.tensor([[2.5]])
    shares = torch.tensor([[0.5, -2.0, 0.0]])
    assert torch.allclose(triangle_weights(places, reach, 10, shares).sum(2), shares)


def test_triangle_weights_copy_at_full_size_and_average_when_smaller() -> None:
    positions, reach = torch.arange(4.0), torch.ones(1)
    assert torch.equal(triangle_weights(positions, reach, 4), torch.eye(4))
    halved = triangle_weights(torch.tensor([0.5, 2.5]), torch.tensor([2.0]), 4)
    assert torch.allclose(halved.sum(1), torch.ones(2))
    assert torch.allclose(halved[0], torch.tensor([3 / 8, 3 / 8, 1 / 8, 0]) / (7 / 8))
