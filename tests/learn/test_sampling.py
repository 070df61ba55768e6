"""Sliding windows and resampling do what their plain definitions say."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.sampling import Mean, between_weights, highest, lowest, stretched, triangle_weights

WINDOWS = [1, 3, 5, 9, 13]


def some(side: int = 20) -> Tensor:
    return torch.rand(3, 2, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("window", WINDOWS)
def test_highest_and_lowest_are_those_of_the_window_cut_off_at_the_borders(window: int) -> None:
    x = some()
    assert torch.equal(highest(x, window), F.max_pool2d(x, window, 1, window // 2))
    assert torch.equal(lowest(x, window), -F.max_pool2d(-x, window, 1, window // 2))
    lines = x[:, :, 0]
    assert torch.equal(highest(lines, window), F.max_pool1d(lines, window, 1, window // 2))
    assert torch.equal(highest(lines, window, 3), F.max_pool1d(lines, window, 3, window // 2))


@pytest.mark.parametrize("window", [5, 9])
def test_in_steps_they_are_those_of_every_so_many_places(window: int) -> None:
    x = some(19)
    assert torch.equal(highest(x, window, 3), highest(x, window)[:, :, ::3, ::3])
    assert torch.equal(lowest(x, window, 3), lowest(x, window)[:, :, ::3, ::3])


def test_a_side_is_shown_with_more_px_by_its_neighbours_and_with_as_many_as_it_is() -> None:
    assert torch.equal(stretched(4, torch.zeros(2, 4)), torch.eye(4))
    shown = stretched(8, torch.zeros(1, 4)) @ torch.arange(4.0)
    assert torch.allclose(shown, torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]))


class Windows(nn.Module):
    """What a graph is made of."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window, self.inside, self.empty = window, Mean(20, window), Mean(20, window, empty=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        opened = highest(lowest(x, self.window), self.window)
        return opened, highest(x, self.window, 3), self.inside(x), self.empty(x)


@pytest.mark.parametrize("window", [3, 9])
def test_a_graph_has_pools_and_they_give_the_same_values(window: int) -> None:
    program = torch.export.export(Windows(window), (some(),))
    assert "max_pool2d" in program.graph_module.code
    assert "avg_pool2d" in program.graph_module.code
    assert not {"maximum", "matmul"} & set(program.graph_module.code.replace("(", ".").split("."))
    (*pools, inside, empty), (*expected, wanted_inside, wanted_empty) = (
        program.module()(some()),
        Windows(window)(some()),
    )
    for pool, wanted in zip(pools, expected, strict=True):
        assert torch.equal(pool, wanted)
    for mean, wanted in ((inside, wanted_inside), (empty, wanted_empty)):
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
