"""Networks of timm, by the names that they have there: `model=timm:resnet18d`.

timm is loaded only when one of them is asked for.
"""

import os
from dataclasses import dataclass, make_dataclass
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from digitkit.core.errors import ConfigError, HubError
from digitkit.core.registry import nearest
from digitkit.hub.access import SETTINGS, open_access
from digitkit.hub.failures import explained
from digitkit.learn.models.registry import MODELS, InputShape, ModelEntry
from digitkit.learn.recipe import check_range

PREFIX = "timm:"
# What their code raises for images that are too small, or no multiple of what it cuts them into.
UNFIT = (RuntimeError, ValueError, AssertionError, ArithmeticError, IndexError)


@dataclass
class TimmConfig:
    """Where to start from, and what is left out in training; all else is as timm defines it."""

    name: str = ""
    pretrained: bool = False  # start from the weights that timm has of it on the hub; only its head is left out
    weights: str = ""  # file (.safetensors) to start from; only its head is left out
    drop_path: float = 0.0  # share of images whose last block is left out in training, where it has blocks
    dropout: float = 0.0  # share of what the head sees that is left out in training

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("model.drop_path", self.drop_path, 0, 0.95)
        check_range("model.dropout", self.dropout, 0, 0.95)
        if self.pretrained and self.weights:
            raise ConfigError("model.pretrained and model.weights both name weights to start from; leave one out.")


def _timm() -> ModuleType:
    os.environ.update(SETTINGS)  # read when huggingface_hub is loaded, which timm does
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{PREFIX}NAME needs {error.name}, which is not installed: pip install 'digitkit[timm]'"
        ) from error
    module: ModuleType = timm
    return module


@cache
def entry(name: str) -> ModelEntry:
    """The entry of one of timm's networks, with the tag of its weights where one is given.

    Raises: ConfigError naming the nearest names when timm has no such network or tag, or is not installed.
    """
    timm, asked = _timm(), name.removeprefix(PREFIX)
    plain, _, tag = asked.partition(".")
    if not timm.is_model(plain):
        known = [PREFIX + model for model in timm.list_models()]
        raise ConfigError(f"Unknown model {name!r}. {nearest(PREFIX + plain, known)}")
    tags = weights_of(plain)
    if tag and tag not in tags:
        raise ConfigError(f"Unknown weights {tag!r} in model={name}. {nearest(tag, tags or ['none'])}")
    config = make_dataclass("TimmConfig", [("name", str, name)], bases=(TimmConfig,))
    return ModelEntry(config, build)


MODELS.add_family(PREFIX, entry)


def names(pattern: str = "*") -> list[str]:
    """timm's networks whose names match a pattern such as "resnet*".

    Raises: ConfigError when timm is not installed.
    """
    return [str(name) for name in _timm().list_models(pattern)]


def weights_of(name: str) -> list[str]:
    """The tags of the weights that timm has of a network on the hub."""
    return [str(found).partition(".")[2] for found in _timm().list_pretrained(f"{name}.*")]


def build(config: TimmConfig, shape: InputShape) -> nn.Module:
    """A network of timm."""
    network = _create(config, shape, pretrained=False).eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, shape.channels, shape.size, shape.size))  # some break only when they are used
    except UNFIT as error:
        raise _unfit(config, shape, error) from error
    return network.train()


def _create(config: TimmConfig, shape: InputShape, pretrained: bool) -> nn.Module:
    timm, name = _timm(), config.name.removeprefix(PREFIX)
    options: dict[str, Any] = {"in_chans": shape.channels, "num_classes": shape.classes}
    if timm.get_pretrained_cfg(name).fixed_input_size:
        options["img_size"] = shape.size
    for key, share in (("drop_path_rate", config.drop_path), ("drop_rate", config.dropout)):
        if share:  # not all of them know both
            options[key] = share
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained, **options)
    except TypeError as error:
        raise ConfigError(
            f"model={config.name} cannot be built like this: {error}. Try model.drop_path=0 and model.dropout=0."
        ) from error
    except UNFIT as error:
        raise _unfit(config, shape, error) from error
    return network


def _unfit(config: TimmConfig, shape: InputShape, error: Exception) -> ConfigError:
    usual = _timm().get_pretrained_cfg(config.name.removeprefix(PREFIX)).input_size[-1]
    return ConfigError(
        f"model={config.name} cannot read images of prepare.size={shape.size}: {error}."
        f" Choose another prepare.size, such as {usual}, for which it was made, or another network."
    )


def pretrained_state(config: TimmConfig, shape: InputShape) -> dict[str, Tensor]:
    """The weights that timm has of a network on the hub, fitted to the images by timm: colour stems summed for grey.

    Raises: HubError when they are neither here nor can be fetched, ConfigError when there are none.
    """
    if not weights_of(config.name.removeprefix(PREFIX).partition(".")[0]):
        raise ConfigError(f"model.pretrained=true: timm has no weights of {config.name}. Leave it out.")
    access = open_access()
    with explained(access, config.name, "model"):
        try:
            return _create(config, shape, pretrained=True).state_dict()
        except FileNotFoundError as error:  # neither in the hub's cache nor to be fetched
            raise HubError(
                f"model.pretrained=true: the weights of {config.name} are not on this machine, and {access.host} cannot"
                " be asked. Check the network (is HF_HUB_OFFLINE set?), or give a file: model.weights=FILE.safetensors."
            ) from error


def heads(network: nn.Module) -> tuple[str, ...]:
    """The names of a network's last layers, which know the classes: timm says them of its own, ours are called fc."""
    named = getattr(network, "pretrained_cfg", {}).get("classifier") or "fc"
    return (named,) if isinstance(named, str) else tuple(named)
