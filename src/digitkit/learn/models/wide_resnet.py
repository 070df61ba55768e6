"""A small wide residual network whose batch norms see ghost batches."""

from dataclasses import dataclass, field
from functools import partial

from torch import nn

from digitkit.learn.layers import GhostBatchNorm2d
from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.models.residual import Plan, build
from digitkit.learn.recipe import check_range


@dataclass
class WideResNetConfig:
    """Blocks, channels and the size of a ghost batch."""

    name: str = "wide_resnet"
    layers: list[int] = field(default_factory=lambda: [3, 3, 3])  # blocks of each stage
    width: int = 32  # channels of the first stage; each further one has twice as many and half the side
    ghost: int = 32  # images whose statistics one norm uses in training; 0 = the whole batch
    drop_path: float = 0.0  # share of images whose last block is left out in training; falls to 0 towards the first

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("model.width", self.width, 1, 4096)
        if self.ghost:
            check_range("model.ghost", self.ghost, 2, 1e6)
        self.plan()

    def plan(self) -> Plan:
        """The network in the words of `learn.models.residual`."""
        norm = partial(GhostBatchNorm2d, ghost=self.ghost) if self.ghost else nn.BatchNorm2d
        return Plan(self.layers, self.width, bottleneck=False, stem=3, drop_path=self.drop_path, norm=norm)


@register("wide_resnet", WideResNetConfig, smoke={"layers": [1, 1, 1], "width": 4, "ghost": 4})
def wide_resnet(config: WideResNetConfig, shape: InputShape) -> nn.Module:
    """Three stages of residual blocks with ghost batch norm: 1,084,010 parameters."""
    return build(config.plan(), shape)
