"""Layers that networks share."""

import pytest
import torch

from digitkit.learn.layers import Residual, Standardise, Trim, channels_last


def test_standardising_brings_mean_0_and_deviation_1() -> None:
    images = torch.rand(200, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3))
    made = Standardise(mean.tolist(), std.tolist())(images)
    assert made.mean((0, 2, 3)).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert made.std((0, 2, 3)).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_mean_and_deviation_travel_with_the_weights_and_are_not_learnt() -> None:
    layer = Standardise([0.1], [0.3])
    assert set(layer.state_dict()) == {"mean", "std"}
    assert list(layer.parameters()) == []


@pytest.mark.parametrize("border", [0, 1, 3])
def test_trimming_drops_the_outer_pixels(border: int) -> None:
    images = torch.arange(100.0).view(1, 1, 10, 10)
    made = Trim(border)(images)
    assert made.shape == (1, 1, 10 - 2 * border, 10 - 2 * border)
    assert made[0, 0, 0, 0] == images[0, 0, border, border]


def test_a_residual_adds_to_what_came_in() -> None:
    layer = Residual(3).eval()
    for weight in layer.parameters():
        torch.nn.init.zeros_(weight)
    images = torch.rand(2, 3, 5, 5)
    assert torch.equal(layer(images), images)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_last_changes_the_strides_and_no_value(channels: int) -> None:
    images = torch.rand(2, channels, 5, 7)
    made = channels_last(images)
    assert torch.equal(made, images)
    assert made.stride() == (channels * 35, 1, channels * 7, channels)
