"""Weights to start from: what a file gives, and what is wrong with it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.models.weights import load_start

ENTRY = MODELS["resnet18"]
COLOUR, GREY = InputShape(28, 3, 10), InputShape(28, 1, 10)


def config(weights: Path | str = "", **settings: Any) -> Any:
    return ENTRY.config(**{**ENTRY.smoke, "weights": str(weights), **settings})


def build(channels: int = 3, classes: int = 10, seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    return ENTRY.build(config(**settings), InputShape(28, channels, classes)).eval()


def stored(path: Path, **changes: Tensor | None) -> Path:
    """The weights of a network of 1,000 classes in a file, some of them changed or left out."""
    state: dict[str, Tensor | None] = {**build(classes=1000, seed=1).state_dict(), **changes}
    save_file({name: value for name, value in state.items() if value is not None}, path / "imagenet.safetensors")
    return path / "imagenet.safetensors"


def test_a_network_starts_with_the_weights_of_the_file_and_a_head_of_its_own(tmp_path: Path) -> None:
    network, theirs = build(), build(classes=1000, seed=1)
    head = network.get_parameter("fc.weight").clone()
    load_start(config(stored(tmp_path)), network, COLOUR)
    assert torch.equal(network.get_parameter("conv1.weight"), theirs.get_parameter("conv1.weight"))
    assert torch.equal(network.get_buffer("bn1.running_var"), theirs.get_buffer("bn1.running_var"))
    assert torch.equal(network.get_parameter("fc.weight"), head)


def test_a_grey_image_is_read_as_the_same_grey_in_three_channels(tmp_path: Path) -> None:
    file, grey = stored(tmp_path), torch.rand(4, 1, 28, 28)
    ours, theirs = build(channels=1), build(channels=3)
    load_start(config(file), ours, GREY)
    load_start(config(file), theirs, COLOUR)
    theirs.get_submodule("fc").load_state_dict(ours.get_submodule("fc").state_dict())
    assert torch.allclose(ours(grey), theirs(grey.expand(4, 3, 28, 28)), atol=1e-5)


def test_without_a_file_a_network_stays_as_it_was_drawn() -> None:
    network = build()
    load_start(config(), network, COLOUR)
    load_start(MODELS["tiny_cnn"].config(), network, COLOUR)
    assert torch.equal(network.get_parameter("conv1.weight"), build().get_parameter("conv1.weight"))


def test_half_precision_and_a_file_without_counters_are_taken(tmp_path: Path) -> None:
    network = build()
    half = build(seed=1).get_parameter("conv1.weight").detach().half()
    load_start(config(stored(tmp_path, **{"conv1.weight": half, "bn1.num_batches_tracked": None})), network, COLOUR)
    assert torch.equal(network.get_parameter("conv1.weight"), half.float())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer4.0.bn2.bias": None}, "1 of 60 are absent, such as layer4.0.bn2.bias."),
        (
            {"layer1.1.conv1.weight": torch.zeros(8, 8, 3, 3)},
            "1 of the file are unknown to it, such as layer1.1",
        ),
        ({"layer1.0.conv1.weight": torch.zeros(8, 4, 3, 3)}, "layer1.0.conv1.weight must be 8x8x3x3, got 8x4x3x3."),
        ({"bn1.bias": torch.full((8,), torch.nan)}, "bn1.bias must hold finite floating-point numbers."),
        ({"bn1.bias": torch.zeros(8, dtype=torch.long)}, "bn1.bias must hold finite floating-point numbers."),
    ],
)
def test_a_file_of_another_network_is_refused_and_nothing_is_taken(
    tmp_path: Path, changes: dict[str, Tensor | None], message: str
) -> None:
    file, network = stored(tmp_path, **changes), build()
    with pytest.raises(ConfigError) as caught:
        load_start(config(file), network, COLOUR)
    assert f"{file}: these are not the weights of resnet18: {message}" in str(caught.value)
    assert torch.equal(network.get_parameter("conv1.weight"), build().get_parameter("conv1.weight"))


def test_a_file_that_is_absent_or_of_another_format_is_named_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "resnet18.pth").write_bytes(b"PK\x03\x04 not what it should be")
    for name, message in (("none.safetensors", "there is no such file"), ("resnet18.pth", "cannot be read as .safe")):
        with pytest.raises(ConfigError) as caught:
            load_start(config(tmp_path / name), build(), COLOUR)
        assert message in str(caught.value)
        assert "Give a .safetensors file" in str(caught.value)
