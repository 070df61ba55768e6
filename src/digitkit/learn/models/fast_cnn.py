"""The network of the fastest training and of the bundle that ships."""

from dataclasses import dataclass

from torch import Tensor, nn

from digitkit.learn.layers import Residual, Trim
from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.recipe import check_range


@dataclass
class FastCnnConfig:
    """Channels after the stem and after the two blocks."""

    name: str = "fast_cnn"
    stem: int = 16
    first: int = 32
    second: int = 64
    scale: float = 0.2  # of the logits; keeps the first steps of a hot start small
    momentum: float = 0.3  # of the batch norms' statistics; in a short training they must follow quickly

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key in ("stem", "first", "second"):
            check_range(f"model.{key}", getattr(self, key), 1, 4096)
        check_range("model.scale", self.scale, 0.001, 1000)
        check_range("model.momentum", self.momentum, 0, 1)


class MaxHead(nn.Module):
    """The strongest answer of each channel anywhere, then one dense layer: (N,C,s,s) -> (N,K)."""

    def __init__(self, channels: int, classes: int, scale: float) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, classes)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,s,s) -> (N,K)."""
        logits: Tensor = self.dense(x.amax((2, 3)))
        return logits * self.scale


@register("fast_cnn", FastCnnConfig)
def fast_cnn(config: FastCnnConfig, shape: InputShape) -> nn.Module:
    """A 6x6 stem of stride 2 and two pooled blocks with a residual convolution each: 71 thousand parameters."""
    border = shape.size // 14  # prepared ink leaves this much free; dropping it saves a quarter of all products
    return nn.Sequential(
        Trim(border),                                                                  # (N,C,24,24) at 28 px
        nn.Conv2d(shape.channels, config.stem, 6, stride=2, bias=False),               # (N,stem,10,10)
        nn.BatchNorm2d(config.stem, momentum=config.momentum), nn.ReLU(),
        *_block(config.stem, config.first, config.momentum),                           # (N,first,5,5)
        *_block(config.first, config.second, config.momentum),                         # (N,second,3,3)
        MaxHead(config.second, shape.classes, config.scale),                           # (N,K)
    )  # fmt: skip


def _block(channels_in: int, channels: int, momentum: float) -> list[nn.Module]:
    """Convolve, halve, normalise, refine: (N,C,s,s) -> (N,channels,s/2,s/2), rounded up."""
    conv = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
    norm = nn.BatchNorm2d(channels, momentum=momentum)
    return [conv, nn.MaxPool2d(2, ceil_mode=True), norm, nn.ReLU(), Residual(channels, momentum)]
