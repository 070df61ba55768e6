"""Resampling and sliding windows as separable tensor operations that export to a graph.

N batch, C channels, H and W in px, O output positions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FAR = 1e4  # beyond every value that is compared
SMALL_WINDOW = 5  # px; up to it onnxruntime takes the maximum of a square faster than of rows and then of columns


def triangle_weights(positions: Tensor, reach: Tensor, length: int, share: Tensor | None = None) -> Tensor:
    """The matrix that samples a line of pixels at positions; widening the triangle is what antialiases.

    Shapes: `positions` (..., O) in px, pixel centres at whole numbers; `reach` (..., 1) in px, at least 1, the distance
    at which a pixel stops counting; `share` (..., O), what each row sums to, 1 when not given; returns
    (..., O, length).
    """
    # Both are divided while they are small; the matrix has their product's size.
    weights = _triangles(positions / reach, _pixels(positions, length) / reach)
    total = weights.sum(-1, keepdim=True).clamp_min(1e-6)
    return weights / total if share is None else weights * (share.unsqueeze(-1) / total)


def between_weights(positions: Tensor, length: int) -> Tensor:
    """The matrix that samples a line between its pixels, nothing far off it: (..., O) in px -> (..., O, length)."""
    return _triangles(positions, _pixels(positions, length))


def stretched(length: int, canvas: Tensor) -> Tensor:
    """The matrix that shows a side of a canvas, the last axis of (..., count), with so many px: (length, count)."""
    count = canvas.shape[-1]
    places = ((torch.arange(length, device=canvas.device) + 0.5) * count / length - 0.5).clamp(0, count - 1)
    return between_weights(places, count)


def _pixels(like: Tensor, length: int) -> Tensor:
    return torch.arange(length, dtype=like.dtype, device=like.device)


def _triangles(positions: Tensor, pixels: Tensor) -> Tensor:
    """1 where a position meets a pixel, down to 0 one step further: (..., O), (..., L) -> (..., O, L)."""
    return F.relu(1 - (positions.unsqueeze(-1) - pixels.unsqueeze(-2)).abs())


def sides_of(pixels: Tensor) -> Tensor:
    """Height and width of pictures (N,H,W,3) in px, float (2,); in the graph they stay expressions of its input."""
    one = torch.full((), 1.0, device=pixels.device)
    return torch.stack([one * pixels.shape[1], one * pixels.shape[2]])


def highest(x: Tensor, window: int, step: int = 1) -> Tensor:
    """The maximum over a window of odd side, cut off at the borders, at every `step`-th place: (N,C,L) or (N,C,H,W)."""
    return _pool(x, window, step) if torch.compiler.is_exporting() else _slide(x, window, step)


def lowest(x: Tensor, window: int, step: int = 1) -> Tensor:
    """The minimum over a window of odd side, cut off at the borders, at every `step`-th place: (N,C,L) or (N,C,H,W)."""
    return -highest(-x, window, step)


def _slide(x: Tensor, window: int, step: int) -> Tensor:
    """One axis after the other; each round doubles what a value stands for, as far as the window allows."""
    reach = window // 2
    for axis in range(2, x.dim()):
        x = F.pad(x, (0, 0) * (x.dim() - 1 - axis) + (reach, reach), value=-FAR)
        stands_for = 1
        while stands_for < window:
            more = min(stands_for, window - stands_for)
            length = x.shape[axis] - more
            x = torch.maximum(x.narrow(axis, 0, length), x.narrow(axis, more, length))
            stands_for += more
        x = x[(slice(None),) * axis + (slice(None, None, step),)]
    return x


def _pool(x: Tensor, window: int, step: int) -> Tensor:
    """The same as a graph has it: rows first, then columns, unless a small window goes everywhere."""
    reach = window // 2
    if x.dim() == 3:
        return F.max_pool1d(x, window, step, reach)
    if window <= SMALL_WINDOW and step == 1:
        return F.max_pool2d(x, window, step, reach)
    return F.max_pool2d(F.max_pool2d(x, (window, 1), (step, 1), (reach, 0)), (1, window), (1, step), (0, reach))


class Mean(nn.Module):
    """The mean over a square window of odd side: (N,C,s,s) -> (N,C,s,s).

    Beyond the borders nothing counts, or with `empty` zeros do. Two products are fastest in torch, a pool in the graph.
    """

    weights: Tensor

    def __init__(self, side: int, window: int, empty: bool = False) -> None:
        super().__init__()
        self.window, self.empty = window, empty
        places = torch.arange(side)
        inside = ((places.unsqueeze(1) - places).abs() <= window // 2).to(torch.float32)
        count = window if empty else inside.sum(1, keepdim=True)
        self.register_buffer("weights", inside / count, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N,C,s,s) -> (N,C,s,s)."""
        if torch.compiler.is_exporting():
            return F.avg_pool2d(x, self.window, 1, self.window // 2, count_include_pad=self.empty)
        averaged: Tensor = self.weights @ x @ self.weights.transpose(0, 1)
        return averaged
