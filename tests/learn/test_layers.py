"""Layers that networks share."""

import pytest
import torch
from torch import Tensor, nn

from digitkit.learn.layers import DropPath, GhostBatchNorm2d, Residual, Standardise, Trim, channels_last, ghost_sizes


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


def trained_ghost(count: int, ghost: int = 4, steps: int = 3) -> GhostBatchNorm2d:
    """A ghost norm of 5 channels after some batches."""
    rng = torch.Generator().manual_seed(0)
    layer = GhostBatchNorm2d(5, ghost)
    nn.init.uniform_(layer.weight, generator=rng)
    nn.init.uniform_(layer.bias, generator=rng)
    for step in range(steps):
        layer(torch.randn(count, 5, 3, 3, generator=rng) * (step + 1) + step)
    return layer


def plain_of(layer: GhostBatchNorm2d) -> nn.BatchNorm2d:
    plain = nn.BatchNorm2d(5)
    plain.load_state_dict(layer.state_dict())
    return plain


@pytest.mark.parametrize(
    ("count", "ghost", "sizes"),
    [(64, 32, [32, 32]), (70, 32, [32, 32, 6]), (65, 32, [32, 33]), (7, 32, [7]), (1, 32, [1]), (5, 2, [2, 3])],
)
def test_a_batch_falls_into_ghosts_of_which_none_is_a_single_image(count: int, ghost: int, sizes: list[int]) -> None:
    assert ghost_sizes(count, ghost) == sizes


@pytest.mark.parametrize("count", [8, 11, 9, 3])
def test_in_training_each_ghost_is_normalised_by_itself(count: int) -> None:
    layer = trained_ghost(8)
    images = torch.randn(count, 5, 3, 3) * torch.arange(1, count + 1).view(-1, 1, 1, 1)
    alone = torch.cat([plain_of(layer)(ghost) for ghost in torch.split(images, ghost_sizes(count, 4))])
    assert torch.allclose(layer(images), alone, atol=1e-6)


def test_ghosts_do_change_what_a_large_batch_gives() -> None:
    layer, images = trained_ghost(8), torch.randn(8, 5, 3, 3) * torch.arange(1, 9).view(-1, 1, 1, 1)
    assert not torch.allclose(layer(images), plain_of(layer)(images), atol=0.1)


def test_the_gradients_of_a_ghost_norm_are_those_of_its_ghosts() -> None:
    layer = trained_ghost(8)
    gradients: list[Tensor] = []
    for ghosted in (True, False):
        images = torch.randn(10, 5, 3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        plain = plain_of(layer)
        made = layer(images) if ghosted else torch.cat([plain(ghost) for ghost in torch.split(images, [4, 4, 2])])
        made.pow(3).sum().backward()
        assert images.grad is not None
        gradients.append(images.grad)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-4)


def test_a_batch_of_one_ghost_leaves_the_statistics_of_a_plain_norm() -> None:
    layer, plain, images = GhostBatchNorm2d(5, 8), nn.BatchNorm2d(5), torch.randn(8, 5, 3, 3) * 3 + 1
    layer(images)
    plain(images)
    for name in ("running_mean", "running_var"):
        assert torch.allclose(layer.get_buffer(name), plain.get_buffer(name), atol=1e-6)


def test_the_statistics_of_a_ghost_norm_stay_exact_in_bf16() -> None:
    images = torch.randn(8, 5, 3, 3).bfloat16()
    exact, mixed = GhostBatchNorm2d(5, 4), GhostBatchNorm2d(5, 4)
    exact(images.float())
    with torch.autocast("cpu", torch.bfloat16):
        assert mixed(images).dtype == torch.bfloat16
    assert torch.allclose(mixed.running_mean, exact.running_mean, atol=1e-6)
    assert torch.allclose(mixed.running_var, exact.running_var, atol=1e-6)


def test_a_short_ghost_counts_by_its_images() -> None:
    layer = GhostBatchNorm2d(1, 4, momentum=1.0)
    images = torch.arange(6.0).view(6, 1, 1, 1)
    layer(images)
    assert layer.running_mean.item() == pytest.approx(2.5)
    assert layer.running_var.item() == pytest.approx((4 * 5 / 3 + 2 * 0.5) / 6)


def test_outside_training_a_ghost_norm_is_the_plain_norm_of_the_same_statistics() -> None:
    layer = trained_ghost(10).eval()
    images = torch.randn(7, 5, 3, 3)
    assert torch.equal(layer(images), plain_of(layer).eval()(images))


def test_the_exported_graph_of_a_ghost_norm_is_that_of_a_plain_norm() -> None:
    images, layer = (torch.randn(7, 5, 3, 3),), trained_ghost(10).eval()
    graphs = [torch.export.export(module, images).graph for module in (layer, plain_of(layer).eval())]
    ghost, plain = ([node.target for node in graph.nodes if node.op == "call_function"] for graph in graphs)
    assert ghost == plain
    assert len(plain) > 0


def test_a_dropped_path_is_left_out_for_whole_images_and_the_mean_is_kept() -> None:
    torch.manual_seed(0)
    made = DropPath(0.25)(torch.ones(4000, 2, 3, 3))
    assert all(len(image.unique()) == 1 for image in made)
    assert (made[:, 0, 0, 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert made.mean().item() == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True)])
def test_nothing_is_dropped_outside_training_or_at_rate_0(rate: float, training: bool) -> None:
    images = torch.rand(8, 2, 3, 3)
    assert torch.equal(DropPath(rate).train(training)(images), images)
