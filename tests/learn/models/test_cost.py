"""What a network costs."""

import pytest
import torch
from torch import nn

from digitkit.learn.models import InputShape
from digitkit.learn.models.cost import measure


def test_products_parameters_and_bytes_are_counted_as_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 5))
    cost = measure(network, InputShape(8, 3, 5))
    assert cost.parameters == 4 * 3 * 9 + 4 + 4 * 64 * 5 + 5
    assert cost.flops == 2 * (64 * 4 * 3 * 9 + 4 * 64 * 5)
    assert cost.megabytes == pytest.approx(4e-6 * cost.parameters)
    assert cost.milliseconds > 0


def test_measuring_leaves_weights_and_statistics_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    measure(network, InputShape(8, 1, 2))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
