"""The smallest network worth serving."""

from dataclasses import dataclass

from torch import nn

from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.recipe import check_range


@dataclass
class TinyCnnConfig:
    """Channels of the two convolutions and of the dense layer."""

    name: str = "tiny_cnn"
    first: int = 8
    second: int = 16
    dense: int = 64

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key in ("first", "second", "dense"):
            check_range(f"model.{key}", getattr(self, key), 1, 4096)


@register("tiny_cnn", TinyCnnConfig)
def tiny_cnn(config: TinyCnnConfig, shape: InputShape) -> nn.Module:
    """Two convolutions with pooling and two dense layers: 38,826 parameters at 32 px."""
    check_range("prepare.size", shape.size, 10, 1024)  # less leaves nothing after the second pooling
    side = ((shape.size - 2) // 2 - 2) // 2
    return nn.Sequential(
        nn.Conv2d(shape.channels, config.first, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(config.first, config.second, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(config.second * side * side, config.dense), nn.ReLU(),
        nn.Linear(config.dense, shape.classes),                                        # (N, K)
    )  # fmt: skip
