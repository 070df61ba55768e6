"""What all residual networks are made of: blocks, stages, stem and head.

N batch, C channels, S side in px, K classes. The names of the weights are those that torchvision and timm give them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.layers import DropPath
from digitkit.learn.models.registry import InputShape
from digitkit.learn.recipe import check_range

EXPANSION = 4  # of the channels at the end of a bottleneck
FULL = 64  # channels of the first stage for which `width` is meant


@dataclass(frozen=True)
class Plan:
    """A residual network: how many blocks its stages have, and what they are like."""

    layers: list[int]  # blocks of each stage; from the second on, each halves the side and doubles the channels
    planes: int  # channels of the first stage
    bottleneck: bool  # blocks of 1x1, 3x3 and 1x1 kernels that end with four times the channels; else of two 3x3
    stem: int  # 7: 7x7 of stride 2 and pooling, a quarter of the side is left; 3: 3x3, the whole side
    groups: int = 1  # of the 3x3 kernels in a bottleneck
    width: int = FULL  # channels of a group, in a first stage of 64
    drop_path: float = 0.0  # share of images whose branch is left out: 0 in the first block, this in the last
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 1 <= len(self.layers) <= 8:
            raise ConfigError(f"model.layers needs 1 to 8 stages, as in [2,2,2,2], got {self.layers}")
        for count in self.layers:
            check_range("model.layers", count, 1, 1000)
        if self.stem not in (3, 7):
            raise ConfigError(f"model.stem must be 3 or 7, got {self.stem}")
        check_range("model.drop_path", self.drop_path, 0, 0.95)
        check_range("model.groups", self.groups, 1, 4096)
        check_range("model.width", self.width, 1, 4096)
        check_range("model.planes", self.planes, 1, 4096)
        if self.bottleneck and not self.inner(0):
            raise ConfigError(f"model.width={self.width} leaves no channel in a group; {-(-FULL // self.planes)} does")

    def inner(self, stage: int) -> int:
        """Channels between the 1x1 kernels of a bottleneck."""
        return (self.planes << stage) * self.width // FULL * self.groups

    def outer(self, stage: int) -> int:
        """Channels that a stage hands on."""
        return (self.planes << stage) * (EXPANSION if self.bottleneck else 1)


class Basic(nn.Module):
    """Two 3x3 kernels added to what came in. Shapes: (N,C,S,S) -> (N,C',S/stride,S/stride)."""

    def __init__(self, plan: Plan, stage: int, channels_in: int, stride: int, rate: float) -> None:
        super().__init__()
        channels = plan.outer(stage)
        self.conv1, self.bn1 = _conv(channels_in, channels, 3, stride), plan.norm(channels)
        self.conv2, self.bn2 = _conv(channels, channels, 3), plan.norm(channels)
        self.downsample = _shortcut(plan, channels_in, channels, stride)
        self.drop = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C',S/stride,S/stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(self.drop(y) + self.downsample(x), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 in groups, 1x1 kernels added to what came in. Shapes: (N,C,S,S) -> (N,C',S/stride,S/stride)."""

    def __init__(self, plan: Plan, stage: int, channels_in: int, stride: int, rate: float) -> None:
        super().__init__()
        inner, channels = plan.inner(stage), plan.outer(stage)
        self.conv1, self.bn1 = _conv(channels_in, inner, 1), plan.norm(inner)
        self.conv2, self.bn2 = _conv(inner, inner, 3, stride, plan.groups), plan.norm(inner)
        self.conv3, self.bn3 = _conv(inner, channels, 1), plan.norm(channels)
        self.downsample = _shortcut(plan, channels_in, channels, stride)
        self.drop = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C',S/stride,S/stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(self.drop(y) + self.downsample(x), inplace=True)


def build(plan: Plan, shape: InputShape) -> nn.Module:
    """The network of a plan: images (N,C,S,S) -> logits (N,K), for any S."""
    stride = 2 if plan.stem == 7 else 1
    pool = nn.MaxPool2d(3, stride=2, padding=1) if plan.stem == 7 else nn.Identity()
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=_conv(shape.channels, plan.planes, plan.stem, stride), bn1=plan.norm(plan.planes),
        relu=nn.ReLU(inplace=True), maxpool=pool,
    )  # fmt: skip
    parts.update(_stages(plan))
    parts.update(
        avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),                         # (N,C')
        fc=nn.Linear(plan.outer(len(plan.layers) - 1), shape.classes),                 # (N,K)
    )  # fmt: skip
    network = nn.Sequential(parts)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _stages(plan: Plan) -> Iterator[tuple[str, nn.Module]]:
    block = Bottleneck if plan.bottleneck else Basic
    rates = iter(torch.linspace(0, plan.drop_path, sum(plan.layers), device="cpu").tolist())
    channels = plan.planes
    for stage, count in enumerate(plan.layers):
        blocks = []
        for order in range(count):
            stride = 2 if stage and not order else 1
            blocks.append(block(plan, stage, channels, stride, next(rates)))
            channels = plan.outer(stage)
        yield f"layer{stage + 1}", nn.Sequential(*blocks)


def _conv(channels_in: int, channels: int, side: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, side, stride, padding=side // 2, groups=groups, bias=False)


def _shortcut(plan: Plan, channels_in: int, channels: int, stride: int) -> nn.Module:
    """What came in, brought to the shape of the branch."""
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return nn.Sequential(_conv(channels_in, channels, 1, stride), plan.norm(channels))
