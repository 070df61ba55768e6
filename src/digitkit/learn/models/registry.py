"""Networks by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from digitkit.core.registry import Registry


@dataclass(frozen=True)
class InputShape:
    """What a network is built for: images (N, `channels`, `size`, `size`), answers (N, `classes`)."""

    size: int
    channels: int
    classes: int


Build = Callable[[Any, InputShape], nn.Module]


@dataclass(frozen=True)
class ModelEntry:
    """A registered network: the record of its settings and the function that builds it.

    `smoke` holds the settings of a small network of the same kind, for tests in which the size does not matter.
    """

    config: type
    build: Build
    smoke: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The first line of the builder's docstring."""
        return (self.build.__doc__ or "").strip().splitlines()[0]


class Networks(Registry[ModelEntry]):
    """Our networks by name, and behind a prefix those of a whole family, made when they are asked for."""

    def __init__(self) -> None:
        super().__init__("model")
        self._families: dict[str, Callable[[str], ModelEntry]] = {}

    def __getitem__(self, name: str) -> ModelEntry:
        prefix, colon, _ = name.partition(":")
        family = self._families.get(prefix + colon)
        return family(name) if family else super().__getitem__(name)

    def add_family(self, prefix: str, entry: Callable[[str], ModelEntry]) -> None:
        """Leave all names that begin with a prefix, such as "timm:", to a function that gives or refuses them."""
        assert prefix.endswith(":"), prefix
        assert prefix not in self._families, f"{prefix} is registered twice"
        self._families[prefix] = entry


MODELS = Networks()


def register(name: str, config: type, smoke: Mapping[str, Any] | None = None) -> Callable[[Build], Build]:
    """Register a function `(config, shape) -> network` that gives logits (N,K) for images (N,C,S,S)."""

    def add(build: Build) -> Build:
        MODELS.add(name, ModelEntry(config, build, smoke or {}))
        return build

    return add
