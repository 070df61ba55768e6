"""Layers shared by networks.

N batch, C channels, S side of the image in px.
"""

import torch
import torch.nn.functional as F
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


class DropPath(nn.Module):
    """In training, leave out the whole branch of some images; those that stay are scaled so that the mean is kept.

    Shapes: (N,C,S,S) in and out. Outside training nothing happens.
    Source: Huang et al. 2016, Deep networks with stochastic depth.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate  # share of the images, 0..1 without 1

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C,S,S)."""
        if not self.training or not self.rate:
            return x
        keep = 1 - self.rate
        return x * (x.new_empty(len(x), 1, 1, 1).bernoulli_(keep) / keep)


class GhostBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics in training are those of `ghost` images each, so that a large batch regularises too.

    The last ghost may be shorter; an image that would be alone joins the ghost before it, since one value per channel
    has no deviation. The running statistics take one step per batch, towards the mean of the ghosts' statistics, each
    counting by its images. Outside training, and so in an exported graph, it is a plain batch norm: its state is the
    state of `nn.BatchNorm2d`. Shapes: (N,C,S,S) in and out.
    Source: Hoffer et al. 2017, Train longer, generalize better.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, ghost: int, momentum: float = 0.1) -> None:
        super().__init__(channels, momentum=momentum)
        self.ghost, self.step = ghost, momentum

    def forward(self, input: Tensor) -> Tensor:
        """Shapes: (N,C,S,S) -> (N,C,S,S)."""
        if not self.training:
            return super().forward(input)
        sizes = ghost_sizes(len(input), self.ghost)
        means = self.running_mean.new_zeros(len(sizes), self.num_features)  # (G,C), filled by `batch_norm`
        variances = torch.zeros_like(means)
        # `split`, not slices: its backward is one concatenation, theirs a whole batch of zeros for each ghost.
        pieces = [
            F.batch_norm(piece, mean, variance, self.weight, self.bias, training=True, momentum=1.0, eps=self.eps)
            for piece, mean, variance in zip(torch.split(input, sizes), means, variances, strict=True)
        ]
        with torch.no_grad():
            shares = torch.tensor(sizes, device=means.device).unsqueeze(1) / len(input)  # (G,1)
            self.running_mean.lerp_((shares * means).sum(0), self.step)  # no matrix product: autocast would round it
            self.running_var.lerp_((shares * variances).sum(0), self.step)
        return torch.cat(pieces) if len(pieces) > 1 else pieces[0]


def ghost_sizes(count: int, ghost: int) -> list[int]:
    """How many images each ghost of a batch has: 70 by 32 are 32, 32 and 6; 65 are 32 and 33."""
    sizes = [ghost] * (count // ghost)
    rest = count % ghost
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def channels_last(images: Tensor) -> Tensor:
    """The same images with the strides of channels-last memory, for one channel too.

    `contiguous` leaves (N,1,S,S) as it is, since both orders are one; the backward pass of the first convolution is
    then 30 % slower. Shapes: (N,C,S,S) in and out.
    """
    _, channels, height, width = images.shape
    packed = images.contiguous(memory_format=torch.channels_last)
    return packed.as_strided(images.shape, (channels * height * width, 1, channels * width, channels))
