"""Each network has the parameters of the one it follows."""

from typing import Any

import pytest
import torch
from torch import nn

from digitkit.core.errors import ConfigError
from digitkit.learn.layers import DropPath
from digitkit.learn.models import MODELS, InputShape


def build(name: str, shape: InputShape, **settings: Any) -> nn.Module:
    return MODELS[name].build(MODELS[name].config(**settings), shape)


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("name", "settings", "shape", "count"),
    [
        ("tiny_cnn", {}, InputShape(32, 1, 10), 38_826),
        ("mnist_cnn", {"width": 16}, InputShape(28, 1, 10), 105_962),
        ("mnist_cnn", {"width": 32}, InputShape(28, 1, 10), 421_834),
        ("wide_resnet", {}, InputShape(28, 1, 10), 1_084_010),
        ("resnet18", {}, InputShape(224, 3, 1000), 11_689_512),
        ("resnet34", {}, InputShape(224, 3, 1000), 21_797_672),
        ("resnet50", {}, InputShape(224, 3, 1000), 25_557_032),
        ("resnext", {}, InputShape(224, 3, 10), 81_426_762),
        ("resnext", {"layers": [3, 4, 6, 3], "groups": 32}, InputShape(224, 3, 1000), 25_028_904),
        ("resnext", {"layers": [3, 4, 23, 3], "groups": 32, "width": 8}, InputShape(224, 3, 1000), 88_791_336),
    ],
)
def test_a_network_has_as_many_parameters_as_the_one_it_follows(
    name: str, settings: dict[str, Any], shape: InputShape, count: int
) -> None:
    with torch.device("meta"):  # where numbers are counted and not kept
        assert parameters(build(name, shape, **settings)) == count


def test_the_share_of_left_out_branches_grows_from_block_to_block() -> None:
    network = build("resnext", InputShape(28, 1, 10), **{**MODELS["resnext"].smoke, "layers": [1, 2, 2, 1]})
    rates = [module.rate for module in network.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0, 0.02, 0.04, 0.06, 0.08, 0.1])


@pytest.mark.parametrize(("stem", "side"), [(3, 8), (7, 2)])
def test_the_stem_decides_how_much_of_a_small_image_is_left(stem: int, side: int) -> None:
    network = build("resnet18", InputShape(64, 1, 10), stem=stem, layers=[1, 1, 1, 1], planes=4)
    seen: list[int] = []
    network.get_submodule("layer4").register_forward_hook(lambda module, given, made: seen.append(made.shape[-1]))
    network.eval()(torch.zeros(1, 1, 64, 64))
    assert seen == [side]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resnet18", {"layers": []}, "model.layers needs 1 to 8 stages"),
        ("resnet18", {"layers": [2, 0]}, "model.layers must lie in 1..1000, got 0"),
        ("resnet50", {"stem": 5}, "model.stem must be 3 or 7, got 5"),
        ("resnext", {"planes": 8}, "model.width=4 leaves no channel in a group; 8 does"),
        ("resnext", {"drop_path": 1.0}, "model.drop_path must lie in 0..0.95, got 1"),
        ("wide_resnet", {"ghost": 1}, "model.ghost must lie in 2..1e+06, got 1"),
        ("mnist_cnn", {"dropout": -0.1}, "model.dropout must lie in 0..0.95"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        MODELS[name].config(**settings)
    assert message in str(caught.value)
