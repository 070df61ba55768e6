"""Layers that know of the whole batch while each process of a team sees a part of it.

B images of the batch, b of this process' part, C channels, S side in px.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from digitkit.core.errors import ConfigError
from digitkit.learn.layers import DropPath, GhostBatchNorm2d
from digitkit.learn.team import Team

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
DROPS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, DropPath)


def share_layers(network: nn.Module, team: Team) -> None:
    """Replace, in place, what would compute or draw something else from a part of a batch than from all of it.

    Weights, buffers and their names stay; outside training nothing changes.
    Raises: ConfigError when a layer cannot be shared.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and type(child) in NORMS and child.affine and child.track_running_stats:
                setattr(parent, name, SharedNorm(child, team).train(child.training))
            elif type(child) in DROPS:
                setattr(parent, name, SharedDrop(child, team).train(child.training))
            elif isinstance(child, GhostBatchNorm2d):
                child.register_forward_hook(_Agreement(team))
                team.ghost = max(team.ghost, child.ghost)
            elif isinstance(child, _BatchNorm):
                raise ConfigError(
                    f"run.devices: this network's {type(child).__name__} cannot be shared between {team.count}"
                    f" processes. Use run.devices=1, or another network."
                )


class SharedNorm(_BatchNorm):
    """A batch norm whose statistics in training are those of the parts of all processes. Shapes: (b,C,...) in and out.

    torch's SyncBatchNorm does the same on GPUs only.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: _BatchNorm, team: Team) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.weight, self.bias, self.team = norm.weight, norm.bias, team
        for name, values in norm.named_buffers():
            self.register_buffer(name, values)

    def _check_input_dim(self, input: Tensor) -> None:
        """What came in has passed the check of the norm that this one replaces; both take what has channels."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, input: Tensor) -> Tensor:
        """Shapes: (b,C,...) -> (b,C,...)."""
        if not self.training:
            return super().forward(input)
        out, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps, self.team)
        count = input[0, 0].numel() * self.team.batch
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            step = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, step)
            self.running_var.lerp_(variance * (count / max(1, count - 1)), step)
        return out  # type: ignore[no-any-return]


class _Normalise(torch.autograd.Function):
    """Batch norm over all processes, forwards and backwards; statistics in double precision, as they are sums."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, team: Team) -> tuple[Tensor, ...]:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        count = x[0, 0].numel() * team.batch
        variance, mean = torch.var_mean(x.to(weight.dtype), axes, correction=0)
        here = x.numel() / x.shape[1]
        sums = team.add_up(torch.stack([mean.double() * here, (variance.double() + mean.double() ** 2) * here]))
        middle = sums[0] / count
        variance = (sums[1] / count - middle**2).clamp_min(0).to(weight.dtype)
        mean = middle.to(weight.dtype)
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps))
        ctx.team, ctx.axes, ctx.count = team, axes, count
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        shape = (1, -1, *[1] * (x.ndim - 2))
        slope = gradients[0].to(weight.dtype)
        centred = (x.to(weight.dtype) - mean.view(shape)) * scale.view(shape)
        own = torch.stack([slope.sum(ctx.axes), (slope * centred).sum(ctx.axes)])  # (2,C)
        means = (ctx.team.add_up(own.to(torch.float64, copy=True)) / ctx.count).to(weight.dtype)
        back = (slope - means[0].view(shape) - centred * means[1].view(shape)) * (weight * scale).view(shape)
        return back.to(x.dtype), own[1], own[0], None, None


class SharedDrop(nn.Module):
    """Draws for the whole batch what is left out, and uses the part that is ours. Shapes: (b,C,...) in and out."""

    def __init__(self, layer: nn.Module, team: Team) -> None:
        super().__init__()
        self.layer, self.team = layer, team

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (b,C,...) -> (b,C,...)."""
        if not self.training:
            return x
        # What is kept of ones is the factor of everything else, if it is drawn in the same order of memory.
        ones = x.new_ones(self.team.batch, *x.shape[1:])
        if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
            ones = ones.contiguous(memory_format=torch.channels_last)
        kept: Tensor = self.layer(ones)[self.team.part]
        return x * kept


class _Agreement:
    """After each batch, gives a ghost norm the running statistics of all ghosts, each counting by its images."""

    def __init__(self, team: Team) -> None:
        self.team = team

    @torch.no_grad()
    def __call__(self, norm: GhostBatchNorm2d, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if norm.training:
            own = torch.stack([norm.running_mean, norm.running_var]).double() * (len(inputs[0]) / self.team.batch)
            both = self.team.add_up(own)
            norm.running_mean.copy_(both[0])
            norm.running_var.copy_(both[1])
