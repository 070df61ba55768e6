"""The classic network for MNIST, of any width."""

from dataclasses import dataclass

from torch import nn

from digitkit.learn.models.registry import InputShape, register
from digitkit.learn.recipe import check_range


@dataclass
class MnistCnnConfig:
    """Channels of the first convolution, from which all others follow, and dropout."""

    name: str = "mnist_cnn"
    width: int = 16  # the second convolution has twice as many channels, the dense layer four times
    dropout: float = 0.25  # share of the dense layer's answers left out in training

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("model.width", self.width, 1, 4096)
        check_range("model.dropout", self.dropout, 0, 0.95)


@register("mnist_cnn", MnistCnnConfig)
def mnist_cnn(config: MnistCnnConfig, shape: InputShape) -> nn.Module:
    """Two convolutions with batch norm and pooling, two dense layers, dropout: 105,962 parameters at width 16."""
    width, side = config.width, shape.size // 4
    return nn.Sequential(
        *_block(shape.channels, width),                                                # (N,w,S/2,S/2)
        *_block(width, 2 * width),                                                     # (N,2w,S/4,S/4)
        nn.Flatten(), nn.Linear(2 * width * side * side, 4 * width), nn.ReLU(), nn.Dropout(config.dropout),
        nn.Linear(4 * width, shape.classes),                                           # (N,K)
    )  # fmt: skip


def _block(channels_in: int, channels: int) -> list[nn.Module]:
    """Convolve, activate, normalise, halve; the norm comes last, for before it the bias would do nothing."""
    conv = nn.Conv2d(channels_in, channels, 3, padding=1)
    return [conv, nn.ReLU(), nn.BatchNorm2d(channels), nn.MaxPool2d(2)]
