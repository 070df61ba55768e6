"""ResNeXt, of any depth, groups and width."""

from dataclasses import dataclass, field

from torch import nn

from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.models.residual import Plan, build


@dataclass
class ResNextConfig:
    """Depth, groups and width; as it stands, ResNeXt-101 64x4d."""

    name: str = "resnext"
    layers: list[int] = field(default_factory=lambda: [3, 4, 23, 3])  # blocks of each stage
    groups: int = 64  # of the 3x3 kernels
    width: int = 4  # channels of a group in the first stage; each further stage has twice as many
    planes: int = 64  # channels of the stem, from which those of the stages follow; with fewer, `width` must grow
    stem: int = 7  # px: 7 leaves a quarter of the side; 3 leaves all of it, for images under 64 px
    drop_path: float = 0.1  # share of images whose last block is left out in training; falls to 0 towards the first
    weights: str = ""  # file (.safetensors) to start from; only its head is left out

    def __post_init__(self) -> None:
        """Check the ranges."""
        self.plan()

    def plan(self) -> Plan:
        """The network in the words of `learn.models.residual`."""
        return Plan(
            self.layers, self.planes, bottleneck=True, stem=self.stem, groups=self.groups, width=self.width,
            drop_path=self.drop_path,
        )  # fmt: skip


@register("resnext", ResNextConfig, smoke={"layers": [1, 1, 1, 1], "groups": 4, "width": 16, "planes": 8})
def resnext(config: ResNextConfig, shape: InputShape) -> nn.Module:
    """Grouped bottlenecks with drop-path: ResNeXt-101 64x4d, 81 million parameters."""
    return build(config.plan(), shape)
