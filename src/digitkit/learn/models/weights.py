"""Weights to start from, out of a file or from the hub: what somebody else trained."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.models.foreign import TimmConfig, heads, pretrained_state
from digitkit.learn.models.registry import InputShape

COUNTER = "num_batches_tracked"  # of a batch norm; some files leave it out, and nothing depends on it


def load_start(config: Any, network: nn.Module, shape: InputShape) -> None:
    """Put the weights that `model.weights` or `model.pretrained` ask for into a network, its head apart.

    Nothing happens where neither asks for any. The stem of colour weights is summed over its channels for a network of
    grey images, which answers as if the grey stood in all three. Kernels and norms of other names or shapes are
    refused: the file is of another network.
    Raises: ConfigError naming the file and what is wrong with it, HubError when the hub gives none; then the network
    is as it was.
    """
    origin = _origin(config)
    if not origin:
        return
    found = (
        pretrained_state(config, shape)
        if isinstance(config, TimmConfig) and config.pretrained
        else _read(Path(config.weights).expanduser(), config.name)
    )
    ends = tuple(f"{head}." for head in heads(network))
    found = {name: value for name, value in found.items() if _is_taken(name, ends)}
    wanted = {name: value for name, value in network.state_dict().items() if _is_taken(name, ends)}
    for name, value in found.items():
        if name in wanted and value.ndim == 4 and (value.shape[1], wanted[name].shape[1]) == (3, 1):  # the stem
            found[name] = value.float().sum(1, keepdim=True)
    _check(wanted, found, f"{origin}: these are not the weights of {config.name}")
    with torch.no_grad():
        for name, value in found.items():
            wanted[name].copy_(value)  # the tensors of a state are those of the network


def describe_start(config: Any) -> str:
    """A line for people on the weights that a training starts from; empty where they are drawn."""
    origin = _origin(config)
    return f"{origin}: all weights start from there but those of the head, which is new" if origin else ""


def _origin(config: Any) -> str:
    """The key and value that ask for weights to start from; empty where none does."""
    if getattr(config, "pretrained", False):
        return "model.pretrained=true"
    weights = getattr(config, "weights", "")
    return f"model.weights={Path(weights).expanduser()}" if weights else ""


def _is_taken(name: str, ends: tuple[str, ...]) -> bool:
    return not name.startswith(ends) and not name.endswith(COUNTER)


def _read(path: Path, name: str) -> dict[str, Tensor]:
    cure = f"Give a .safetensors file with ImageNet weights of {name}, named as torchvision and timm name them."
    if not path.is_file():
        raise ConfigError(f"model.weights={path}: there is no such file. {cure}")
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, no mapping
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"model.weights={path}: cannot be read as .safetensors ({error}). {cure}") from error


def _check(wanted: dict[str, Tensor], found: dict[str, Tensor], start: str) -> None:
    """Stop where names, shapes or values are not those of the network."""
    if missing := wanted.keys() - found.keys():
        raise ConfigError(f"{start}: {len(missing)} of {len(wanted)} are absent, such as {min(missing)}.")
    if unknown := found.keys() - wanted.keys():
        raise ConfigError(f"{start}: {len(unknown)} of the file are unknown to it, such as {min(unknown)}.")
    for name, value in found.items():
        if value.shape != wanted[name].shape:
            raise ConfigError(f"{start}: {name} must be {_shape(wanted[name])}, got {_shape(value)}.")
        if not value.is_floating_point() or not value.isfinite().all():
            raise ConfigError(f"{start}: {name} must hold finite floating-point numbers.")


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape))
