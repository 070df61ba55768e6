"""Resampling and sliding windows as separable tensor operations that export to a graph.

N batch, C channels, H and W in px, O output positions.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def triangle_weights(positions: Tensor, reach: Tensor, length: int) -> Tensor:
    """The matrix that samples a line of pixels at positions; widening the triangle is what antialiases.

    Shapes: `positions` (..., O) in px, pixel centres at whole numbers; `reach` (..., 1) in px, at least 1, the distance
    at which a pixel stops counting; returns (..., O, length), rows sum to 1.
    """
    pixels = torch.arange(length, dtype=positions.dtype, device=positions.device)
    weights = (1 - (positions.unsqueeze(-1) - pixels).abs() / reach.unsqueeze(-1)).clamp_min(0)
    return weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)


def as_scalar(side: int, like: Tensor) -> Tensor:
    """A size as a tensor; in the graph it stays an expression of the input's shape."""
    return torch.full((), 1.0, device=like.device) * side


def highest(x: Tensor, window: int) -> Tensor:
    """The maximum over a square window of odd side, borders repeated: (N,C,H,W) -> (N,C,H,W)."""
    return _slide(F.max_pool2d, x, window)


def lowest(x: Tensor, window: int) -> Tensor:
    """The minimum over a square window of odd side, borders repeated: (N,C,H,W) -> (N,C,H,W)."""
    return -_slide(F.max_pool2d, -x, window)


def mean(x: Tensor, window: int) -> Tensor:
    """The mean over a square window of odd side, borders repeated: (N,C,H,W) -> (N,C,H,W)."""
    return _slide(F.avg_pool2d, x, window)


def _slide(pool: Callable[..., Tensor], x: Tensor, window: int) -> Tensor:
    """Rows first, then columns: all three pools are separable."""
    reach = window // 2
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    return pool(pool(x, (window, 1), stride=1), (1, window), stride=1)
