"""Slow weights go part of the way to the fast ones, and training ends on them."""

import pytest
import torch
from torch import Tensor, nn

from digitkit.learn.lookahead import look_ahead
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.optim import OPTIMISERS

STEPS = 7


def constant(every: int, alpha: float, steps: int = STEPS) -> list[float]:
    """The path of a weight that SGD moves by -1 each step, from 0."""
    weight = nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    look_ahead(optimiser, every, alpha, steps)
    path = []
    for _ in range(steps):
        weight.grad = torch.ones(())
        optimiser.step()
        path.append(weight.item())
    return path


def test_every_so_many_steps_the_weights_go_back_a_part_of_the_way() -> None:
    assert constant(every=3, alpha=0.5, steps=6) == [-1, -2, -1.5, -2.5, -3.5, -3]


def test_the_last_step_ends_on_slow_weights_however_many_there_are() -> None:
    assert constant(every=5, alpha=0.5) == [-1, -1, -2, -3, -4, -5, -3.5]


def test_all_of_the_way_is_the_optimiser_alone() -> None:
    assert constant(every=2, alpha=1) == [-1, -2, -3, -4, -5, -6, -7]


def network() -> nn.Module:
    torch.manual_seed(0)
    return MODELS["fast_cnn"].build(MODELS["fast_cnn"].config(stem=4, first=8, second=8), InputShape(28, 1, 3))


def run(made: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> Tensor:
    for step in steps:
        images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        torch.autograd.backward(made(images).square().mean())
        optimiser.step()
    return torch.cat([weight.detach().flatten() for weight in made.parameters()])


def ahead(name: str, made: nn.Module) -> torch.optim.Optimizer:
    optimiser = OPTIMISERS[name].build(OPTIMISERS[name].config(), made)
    look_ahead(optimiser, every=3, alpha=0.5, steps=STEPS)
    return optimiser


@pytest.mark.parametrize("name", OPTIMISERS)
def test_it_goes_on_from_its_state_with_every_optimiser(name: str) -> None:
    whole = network()
    expected = run(whole, ahead(name, whole), range(STEPS))
    cut = network()
    optimiser = ahead(name, cut)
    run(cut, optimiser, range(4))
    resumed = network()
    again = ahead(name, resumed)
    resumed.load_state_dict(cut.state_dict())
    again.load_state_dict(optimiser.state_dict())
    assert torch.equal(run(resumed, again, range(4, STEPS)), expected)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_weight_without_a_gradient_stays_and_joins_when_it_has_one(name: str) -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    optimiser = ahead(name, nn.ModuleList([first, second]))
    before = second.weight.detach().clone()
    for step in range(6):
        optimiser.zero_grad()
        used = first(torch.ones(1, 2)) + (second(torch.ones(1, 2)) if step > 3 else 0)
        loss = used.square().sum()
        torch.autograd.backward(loss)
        optimiser.step()
        if step == 3:
            assert torch.equal(second.weight, before)
    assert not torch.equal(second.weight, before)
