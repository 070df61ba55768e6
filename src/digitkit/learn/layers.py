"""Layers shared by networks.

N batch, C channels, S side of the image in px.
"""

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """The first layer of every network: takes images 0..1 to mean 0 and deviation 1 of the training part.

    It is part of the weights, so nobody can pass another mean. Shapes: (N,C,S,S) in and out.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C,S,S)."""
        return (images - self.mean) / self.std


class Trim(nn.Module):
    """Drop the outer px: (N,C,S,S) -> (N,C,S-2*border,S-2*border)."""

    def __init__(self, border: int) -> None:
        super().__init__()
        self.border = border

    def forward(self, images: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C,S-2*border,S-2*border)."""
        border = self.border
        return images[:, :, border:-border, border:-border] if border else images


class Residual(nn.Module):
    """A convolution, batch norm and activation added to what came in. Shapes: (N,C,S,S) in and out."""

    def __init__(self, channels: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels, momentum=momentum),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C,S,S)."""
        added: Tensor = x + self.branch(x)
        return added


def channels_last(images: Tensor) -> Tensor:
    """The same images with the strides of channels-last memory, for one channel too.

    `contiguous` leaves (N,1,S,S) as it is, since both orders are one; the backward pass of the first convolution is
    then 30 % slower. Shapes: (N,C,S,S) in and out.
    """
    _, channels, height, width = images.shape
    packed = images.contiguous(memory_format=torch.channels_last)
    return packed.as_strided(images.shape, (channels * height * width, 1, channels * width, channels))
