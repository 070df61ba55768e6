"""Movements of images: one homography for each image, and one sampling for all of it.

B images of one batch, C channels, S side in px. Positions run from -1 to 1 over the image, borders included. A matrix
(B,3,3) takes a position in the moved image to the one in the image that is seen there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.learn.augmenting import AfterConfig, Outside

NEAREST = 0.05  # depth at which things are still drawn; the middle of a picture has 1
KNOTS = 5  # along a side, that are pulled each for itself; between them the pull is smooth


def move(images: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """Shift, turn, scale, slant, tilt, zoom and pull each image a little differently: uint8 -> float (B,C,S,S), 0..1.

    Shifts alone are whole pixels, copied; with anything else everything is one bilinear sampling.
    """
    if not config.bends:
        return _shift(images, int(config.shift_px), rng)
    matrices = movements(len(images), images.shape[-1], config, rng).to(images.device)
    pulled = _pulled(len(images), images.shape[-1], config, rng).to(images.device) if config.elastic else None
    return sample(images.to(torch.float32).div_(255), matrices, config, pulled)


def _pulled(count: int, side: int, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """How far each place of so many images is pulled right and down, in positions: float (B,2,S,S), on the CPU."""
    knots = (torch.rand(count, 2, KNOTS, KNOTS, generator=rng) * 2 - 1) * 2 * config.elastic / side
    return F.interpolate(knots, size=(side, side), mode="bilinear", align_corners=True)


def movements(count: int, side: int, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """The movements of so many images of a side in px: float (B,3,3), on the CPU."""
    draws = torch.rand(count, 6, generator=rng) * 2 - 1  # -1..1
    turn = draws[:, 0] * math.radians(config.rotate_deg)
    wide, high = 1 + draws[:, 1] * config.scale, 1 + draws[:, 2] * config.scale
    if config.zoom:
        size = (1 + config.zoom) ** (torch.rand(count, generator=rng) * 2 - 1)
        wide, high = wide * size, high * size
    slant = draws[:, 3] * config.shear
    shift = draws[:, 4:] * 2 * config.shift_px / side  # (B,2)
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * wide, (slant - sin) * high, shift[:, 0], sin * wide, cos * high, shift[:, 1]]
    flat = torch.stack(rows, 1).view(-1, 2, 3)
    depth = torch.tensor([[[0.0, 0, 1]]]).repeat(count, 1, 1)  # (B,1,3)
    if config.perspective:
        depth += (torch.rand(count, 1, 2, generator=rng) * 2 - 1) * config.perspective @ flat
    matrices = torch.cat([flat, depth], 1)
    return _keep(matrices, config.keep) if config.keep else matrices


def _keep(matrices: Tensor, keep: float) -> Tensor:
    """Make the moved image smaller and push it back, where a part of its middle would be out of sight.

    The middle is a square, straight lines stay straight, so it is in sight when its four corners are.
    """
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1]]) * torch.tensor([keep, keep, 1])
    moved = torch.linalg.inv(matrices) @ corners.T  # (B,3,4)
    places = moved[:, :2] / moved[:, 2:]
    low, high = places.amin(2), places.amax(2)  # (B,2)
    middle, reach = (high + low) / 2, (high - low) / 2
    size = (1 / reach.amax(1, keepdim=True)).clamp_max(1)  # (B,1)
    room = 1 - reach * size
    target = torch.minimum(torch.maximum(middle, -room), room)
    back = torch.diag_embed(torch.cat([1 / size, 1 / size, torch.ones_like(size)], 1))  # (B,3,3)
    back[:, :2, 2] = middle - target / size
    return matrices @ back


def sample(images: Tensor, matrices: Tensor, config: AfterConfig, pulled: Tensor | None = None) -> Tensor:
    """What each image shows once it has moved, bilinear: float (B,C,S,S), (B,3,3), (B,2,S,S) -> float (B,C,S,S)."""
    side = images.shape[-1]
    line = torch.linspace(-1, 1, side, device=images.device) * (side - 1) / side
    used = matrices if config.perspective else matrices[:, :2]
    along, down, offset = used[..., None, None].unbind(2)  # (B,3,1,1) each, or (B,2,1,1)
    # The sums of F.affine_grid, to the last bit, in a seventh of its time.
    grid = (along * line + down * line.unsqueeze(1)).add_(offset)  # (B,3,S,S)
    if config.perspective:  # what lies behind the horizon is far outside
        grid = grid[:, :2] / grid[:, 2:].clamp_min(NEAREST)
    if pulled is not None:
        grid = grid + pulled
    padding = "border" if config.outside is Outside.edge else "zeros"
    return F.grid_sample(images, grid.permute(0, 2, 3, 1), padding_mode=padding, align_corners=False)


def _shift(images: Tensor, reach: int, rng: torch.Generator) -> Tensor:
    if not reach:
        return images.to(torch.float32).div_(255)
    count, _, side, _ = images.shape
    draws = torch.randint(0, 2 * reach + 1, (2, count), generator=rng).to(images.device)
    padded = F.pad(images, (reach, reach, reach, reach))
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)  # (B,C,2r+1,2r+1,S,S), a view
    which = torch.arange(count, device=images.device)
    return windows[which, :, draws[0], draws[1]].to(torch.float32).div_(255)
