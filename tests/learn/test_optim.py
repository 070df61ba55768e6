"""How gradients become steps."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.optim import OPTIMISERS, Muon, decayed, orthogonal

every_optimiser = pytest.mark.parametrize("name", OPTIMISERS)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def small_network() -> nn.Module:
    return MODELS["fast_cnn"].build(MODELS["fast_cnn"].config(stem=4, first=8, second=8), InputShape(28, 1, 3))


def batch() -> tuple[Tensor, Tensor]:
    """30 images of three kinds: bright above, in the middle or below."""
    labels = torch.arange(30) % 3
    images = 0.1 * torch.rand(30, 1, 28, 28)
    for image, label in zip(images, labels, strict=True):
        image[:, 9 * int(label) : 9 * int(label) + 9] += 0.8
    return images, labels


@pytest.mark.parametrize("shape", [(16, 16), (8, 72), (64, 9), (32, 288), (1, 5), (5, 1)])
def test_an_orthogonal_update_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape), steps=5))
    assert 0.5 < float(values.min()) <= float(values.max()) < 1.4


def test_an_orthogonal_update_does_not_depend_on_the_size_of_the_gradient() -> None:
    matrix = torch.randn(8, 20)
    assert torch.allclose(orthogonal(matrix, 3), orthogonal(1e-3 * matrix, 3), atol=1e-3)


def test_an_orthogonal_update_keeps_the_directions() -> None:
    left, _, right = torch.linalg.svd(torch.randn(6, 10), full_matrices=False)
    matrix = left @ torch.diag(torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])) @ right
    inside = left.T @ orthogonal(matrix, 5) @ right.T
    assert float((inside - torch.diag(inside.diag())).abs().max()) < 1e-4


def test_no_gradient_is_no_update() -> None:
    assert float(orthogonal(torch.zeros(4, 6), 3).abs().max()) == 0


@every_optimiser
def test_an_optimiser_lowers_the_loss(name: str) -> None:
    network, (images, labels) = small_network(), batch()
    optimiser = OPTIMISERS[name].build(OPTIMISERS[name].config(), network)
    losses = []
    for _ in range(25):
        loss = F.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@every_optimiser
def test_norms_and_biases_are_not_decayed_and_every_weight_is_trained_once(name: str) -> None:
    network = small_network()
    optimiser = OPTIMISERS[name].build(OPTIMISERS[name].config(weight_decay=0.3), network)
    groups = [(weight, group) for group in optimiser.param_groups for weight in group["params"]]
    assert sorted(id(weight) for weight, _ in groups) == sorted(id(weight) for weight in network.parameters())
    assert all(group["weight_decay"] == 0 for weight, group in groups if weight.ndim == 1)
    assert any(group["weight_decay"] == 0.3 for weight, group in groups if weight.ndim > 1)


@every_optimiser
def test_frozen_weights_are_left_out(name: str) -> None:
    network = small_network()
    frozen = next(network.parameters()).requires_grad_(False)
    optimiser = OPTIMISERS[name].build(OPTIMISERS[name].config(), network)
    assert all(weight is not frozen for group in optimiser.param_groups for weight in group["params"])


def test_weight_decay_shrinks_kernels_only() -> None:
    network = nn.Linear(3, 3)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    optimiser = Muon(decayed(network, 0.5), newton_steps=3)
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)
    optimiser.step()
    assert network.weight.norm().item() < before["weight"].norm().item()
    assert torch.equal(network.bias, before["bias"])


def test_muon_turns_kernels_and_keeps_their_norm() -> None:
    kernel = nn.Parameter(torch.randn(8, 4, 3, 3))
    optimiser = Muon([{"params": [kernel], "lr": 1e-4, "orthogonal": True}], newton_steps=3)
    kernel.grad = torch.randn_like(kernel)
    before = kernel.detach().clone()
    optimiser.step()
    assert kernel.norm().item() == pytest.approx(8**0.5, rel=1e-2)
    assert F.cosine_similarity(kernel.flatten(), before.flatten(), dim=0).item() > 0.99


def test_muon_steps_as_nesterov_sgd_where_nothing_is_orthogonal() -> None:
    ours, theirs = (nn.Parameter(torch.ones(5)) for _ in range(2))
    muon = Muon([{"params": [ours], "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}], newton_steps=3)
    sgd = torch.optim.SGD([theirs], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    for _ in range(4):
        for weight in (ours, theirs):
            weight.grad = weight.detach() * torch.arange(5)
        muon.step()
        sgd.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_muon_skips_weights_without_a_gradient_and_takes_a_closure() -> None:
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimiser = Muon([{"params": [used, unused], "lr": 0.1}], newton_steps=3)

    def closure() -> float:
        loss = used.sum()
        torch.autograd.backward(loss)
        return loss.item()

    assert optimiser.step(closure) == 2
    assert float(used[0].detach()) < 1
    assert unused.tolist() == [1, 1]


def turn(kernel: nn.Parameter, optimiser: Muon, steps: int) -> None:
    for _ in range(steps):
        kernel.grad = torch.linspace(-1, 2, kernel.numel()).view_as(kernel) * kernel.detach()
        optimiser.step()


def turning(start: Tensor) -> tuple[nn.Parameter, Muon]:
    kernel = nn.Parameter(start.clone())
    return kernel, Muon([{"params": [kernel], "lr": 0.1, "orthogonal": True}], newton_steps=3)


def test_muon_goes_on_from_its_state() -> None:
    whole, optimiser = turning(torch.ones(4, 4, 3, 3))
    turn(whole, optimiser, 4)
    half, optimiser = turning(torch.ones(4, 4, 3, 3))
    turn(half, optimiser, 2)
    resumed, again = turning(half.detach())
    again.load_state_dict(optimiser.state_dict())
    turn(resumed, again, 2)
    assert torch.equal(resumed, whole)
