"""Resampling and sliding windows as separable tensor operations that export to a graph.

N batch, C channels, H and W in px, O output positions.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

FAR = 1e4  # beyond every value that is compared


def triangle_weights(positions: Tensor, reach: Tensor, length: int) -> Tensor:
    """The matrix that samples a line of pixels at positions; widening the triangle is what antialiases.

    Shapes: `positions` (..., O) in px, pixel centres at whole numbers; `reach` (..., 1) in px, at least 1, the distance
    at which a pixel stops counting; returns (..., O, length), rows sum to 1.
    """
    pixels = torch.arange(length, dtype=positions.dtype, device=positions.device)
    # Both are divided while they are small; the matrix has their product's size.
    weights = F.relu(1 - ((positions / reach).unsqueeze(-1) - (pixels / reach).unsqueeze(-2)).abs())
    return weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)


def as_scalar(side: int, like: Tensor) -> Tensor:
    """A size as a tensor; in the graph it stays an expression of the input's shape."""
    return torch.full((), 1.0, device=like.device) * side


def highest(x: Tensor, window: int) -> Tensor:
    """The maximum over a square window of odd side, cut off at the borders: (N,C,H,W) -> (N,C,H,W)."""
    return _pool(x, window) if torch.compiler.is_exporting() else _slide(torch.maximum, x, window, -FAR)


def lowest(x: Tensor, window: int) -> Tensor:
    """The minimum over a square window of odd side, cut off at the borders: (N,C,H,W) -> (N,C,H,W)."""
    return -_pool(-x, window) if torch.compiler.is_exporting() else _slide(torch.minimum, x, window, FAR)


def _slide(choose: Callable[[Tensor, Tensor], Tensor], x: Tensor, window: int, outside: float) -> Tensor:
    """Rows first, then columns; each step doubles what a value stands for, as far as the window allows."""
    reach = window // 2
    x = F.pad(x, (reach, reach, reach, reach), value=outside)
    for axis in (2, 3):
        stands_for = 1
        while stands_for < window:
            step = min(stands_for, window - stands_for)
            length = x.shape[axis] - step
            x = choose(x.narrow(axis, 0, length), x.narrow(axis, step, length))
            stands_for += step
    return x


def _pool(x: Tensor, window: int) -> Tensor:
    """The maximum over a square window as a graph has it: rows first, then columns."""
    reach = window // 2
    return F.max_pool2d(F.max_pool2d(x, (window, 1), 1, (reach, 0)), (1, window), 1, (0, reach))


def mean_weights(side: int, window: int, repeat_border: bool = True) -> Tensor:
    """The matrix whose product with a line of `side` px is its mean over a window of odd size, (side,side).

    Beyond the borders lies what the border shows, or with `repeat_border=False` nothing (0).
    """
    offsets = torch.arange(window) - window // 2
    places = torch.arange(side).unsqueeze(1) + offsets  # (side,window)
    inside = (places >= 0) & (places < side) | repeat_border
    weights = torch.zeros(side, side)
    return weights.scatter_add_(1, places.clamp(0, side - 1), inside.to(torch.float32) / window)


def mean(x: Tensor, weights: Tensor) -> Tensor:
    """The mean over a square window as two products: x (N,C,s,s), weights (s,s) of `mean_weights` -> (N,C,s,s)."""
    return weights @ x @ weights.transpose(0, 1)
