"""Geometry of the hand on prepared images: shift, turn, size, slant and thickness, drawn anew for each image.

B images of one batch, C channels, S side in px.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.learn.augmenting import AfterConfig
from digitkit.learn.layers import channels_last
from digitkit.learn.sampling import highest


def augment(images: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """Move each image a little differently: uint8 (B,C,S,S) -> float (B,C,S,S), 0..1, channels last.

    Shifts alone are whole pixels, copied; with a turn, size or slant everything is one bilinear sampling.
    """
    bends = config.rotate_deg or config.scale or config.shear
    moved = _bend(images, config, rng) if bends else _shift(images, int(config.shift_px), rng)
    for share, change in ((config.thicken, _thicker), (config.thin, _thinner)):
        if share:
            chosen = (torch.rand(len(images), generator=rng) < share).nonzero().flatten().to(images.device)
            moved[chosen] = change(moved[chosen])
    return channels_last(moved)


def _thicker(images: Tensor) -> Tensor:
    """Strokes 1 px wider on each side: float (B,C,S,S)."""
    return highest(images, 3)


def _thinner(images: Tensor) -> Tensor:
    """Strokes 1 px less wide; more would leave nothing of a thin one: float (B,C,S,S)."""
    padded = F.pad(images, (1, 0, 1, 0), mode="replicate")  # what lies outside goes on as the border is
    lower = torch.minimum(padded[:, :, 1:], padded[:, :, :-1])
    return torch.minimum(lower[:, :, :, 1:], lower[:, :, :, :-1])


def _bend(images: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    draws = (torch.rand(len(images), 6, generator=rng) * 2 - 1).to(images.device)  # (B,6), -1..1
    turn = draws[:, 0] * math.radians(config.rotate_deg)
    wide, high = 1 + draws[:, 1] * config.scale, 1 + draws[:, 2] * config.scale
    slant = draws[:, 3] * config.shear
    shift = draws[:, 4:] * 2 * config.shift_px / images.shape[-1]  # (B,2) in half sides
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * wide, (slant - sin) * high, shift[:, 0], sin * wide, cos * high, shift[:, 1]]
    grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images.to(torch.float32).div_(255), grid, align_corners=False)


def _shift(images: Tensor, reach: int, rng: torch.Generator) -> Tensor:
    if not reach:
        return images.to(torch.float32).div_(255)
    count, _, side, _ = images.shape
    draws = torch.randint(0, 2 * reach + 1, (2, count), generator=rng).to(images.device)
    padded = F.pad(images, (reach, reach, reach, reach))
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)  # (B,C,2r+1,2r+1,S,S), a view
    which = torch.arange(count, device=images.device)
    return windows[which, :, draws[0], draws[1]].to(torch.float32).div_(255)
