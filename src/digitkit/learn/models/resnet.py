"""ResNet 18, 34 and 50, with ImageNet weights from a file when asked."""

from dataclasses import dataclass, field

from torch import nn

from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.models.residual import Plan, build

SMOKE = {"layers": [1, 1, 1, 1], "planes": 8}


@dataclass
class ResNet18Config:
    """Depth, channels and where to start from."""

    name: str = "resnet18"
    layers: list[int] = field(default_factory=lambda: [2, 2, 2, 2])  # blocks of each stage
    planes: int = 64  # channels of the first stage; each further one has twice as many and half the side
    stem: int = 7  # px: 7 leaves a quarter of the side; 3 leaves all of it, for images under 64 px
    drop_path: float = 0.0  # share of images whose last block is left out in training; falls to 0 towards the first
    weights: str = ""  # file (.safetensors) to start from; only its head is left out

    def __post_init__(self) -> None:
        """Check the ranges."""
        self.plan(bottleneck=False)

    def plan(self, bottleneck: bool) -> Plan:
        """The network in the words of `learn.models.residual`."""
        return Plan(self.layers, self.planes, bottleneck, self.stem, drop_path=self.drop_path)


@dataclass
class ResNet34Config(ResNet18Config):
    """Depth, channels and where to start from."""

    name: str = "resnet34"
    layers: list[int] = field(default_factory=lambda: [3, 4, 6, 3])


@dataclass
class ResNet50Config(ResNet34Config):
    """Depth, channels and where to start from."""

    name: str = "resnet50"


@register("resnet18", ResNet18Config, smoke=SMOKE)
def resnet18(config: ResNet18Config, shape: InputShape) -> nn.Module:
    """ResNet of 18 layers, 11 million parameters."""
    return build(config.plan(bottleneck=False), shape)


@register("resnet34", ResNet34Config, smoke=SMOKE)
def resnet34(config: ResNet34Config, shape: InputShape) -> nn.Module:
    """ResNet of 34 layers, 21 million parameters."""
    return build(config.plan(bottleneck=False), shape)


@register("resnet50", ResNet50Config, smoke=SMOKE)
def resnet50(config: ResNet50Config, shape: InputShape) -> nn.Module:
    """ResNet of 50 layers in bottlenecks, 24 million parameters."""
    return build(config.plan(bottleneck=True), shape)
