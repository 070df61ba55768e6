"""The one door: any picture to what the network sees, the same in training and inside the bundle.

N batch, H height and W width of the picture in px, G side of the canvas, S side of the image, C channels of the image.
No branch depends on the values or the sizes of pictures, so one module serves training batches and the exported graph.
Crop, scaling and centring have no rotation: they are separable, two matrix products with triangle weights, antialiased
by widening the triangle.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.recipe import Mode, PrepareConfig

RING_PX = 2  # px on the canvas, width of the border that votes on the polarity
INK_LEVEL = 0.5  # ink above this counts for `ink_share`
SOLID_LEVEL = 0.25  # mean ink of 3x3 px above this is a stroke, below it a speck


class Prepared(NamedTuple):
    """What comes out: `image` float (N,C,S,S) in steps of 1/255, 0..1; `ink_share` (N,) 0..1; `contrast` (N,) 0..1."""

    image: Tensor
    ink_share: Tensor
    contrast: Tensor


def triangle_weights(positions: Tensor, reach: Tensor, length: int) -> Tensor:
    """The matrix that samples a line of pixels at positions, antialiased.

    Shapes: `positions` (..., O) in px, pixel centres at whole numbers; `reach` (..., 1) in px, at least 1, the distance
    at which a pixel stops counting; returns (..., O, length), rows sum to 1.
    """
    pixels = torch.arange(length, dtype=positions.dtype, device=positions.device)
    weights = (1 - (positions.unsqueeze(-1) - pixels).abs() / reach.unsqueeze(-1)).clamp_min(0)
    return weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)


class Prepare(nn.Module):
    """Pictures of one size, uint8 (N,H,W,3), to images; see `Prepared`."""

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.config = config
        self.door: nn.Module = Ink(config) if config.mode is Mode.ink else Photo(config)

    def forward(self, pixels: Tensor) -> Prepared:
        """Shapes: uint8 (N,H,W,3) -> image float (N,C,S,S), ink share (N,), contrast (N,)."""
        image, ink_share, contrast = self.door(pixels)
        return Prepared(torch.round(image.clamp(0, 1) * 255) / 255, ink_share, contrast)


class Photo(nn.Module):
    """Mode photo: the short side is resized, the middle is cut out, colour is kept when asked."""

    luma: Tensor
    ramp: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.size, self.channels = config.size, config.channels
        self.register_buffer("luma", torch.tensor([0.299, 0.587, 0.114]), persistent=False)
        self.register_buffer("ramp", torch.arange(config.size, dtype=torch.float32), persistent=False)

    def forward(self, pixels: Tensor) -> Prepared:
        """Shapes: uint8 (N,H,W,3) -> image float (N,C,S,S); ink share and contrast are 1."""
        x = pixels.to(torch.float32).permute(0, 3, 1, 2) / 255  # (N,3,H,W)
        if self.channels == 1:
            x = (x * self.luma.view(1, 3, 1, 1)).sum(1, keepdim=True)  # (N,1,H,W)
        height, width = x.shape[-2], x.shape[-1]
        sides = torch.stack([_as_float(height, x), _as_float(width, x)])
        step = sides.amin(0) / self.size
        rows = self._weights(sides[0], step, height)  # (S,H)
        columns = self._weights(sides[1], step, width)  # (S,W)
        image = rows @ x @ columns.transpose(0, 1)  # (N,C,S,S)
        ones = torch.ones_like(image[:, 0, 0, 0])
        return Prepared(image, ones, ones)

    def _weights(self, side: Tensor, step: Tensor, length: int) -> Tensor:
        positions = (self.ramp + 0.5 - self.size / 2) * step + side / 2 - 0.5
        return triangle_weights(positions.clamp_min(0).minimum(side - 1), step.clamp_min(1).view(1), length)


class Ink(nn.Module):
    """Mode ink: paper becomes 0 and ink 1, whatever the light, the polarity, the place and the size."""

    luma: Tensor
    ramp: Tensor
    out: Tensor
    ring: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.config = config
        side = config.canvas
        self.register_buffer("luma", torch.tensor([0.299, 0.587, 0.114]) / 255, persistent=False)
        self.register_buffer("ramp", torch.arange(side, dtype=torch.float32), persistent=False)
        self.register_buffer("out", torch.arange(config.size, dtype=torch.float32), persistent=False)
        self.register_buffer("ring", _ring(side), persistent=False)

    def forward(self, pixels: Tensor) -> Prepared:
        """Shapes: uint8 (N,H,W,3) -> image float (N,1,S,S), ink share (N,), contrast (N,)."""
        ink, contrast = self.ink(self.canvas(pixels))
        share = (ink > INK_LEVEL).to(torch.float32).mean((1, 2, 3))
        return Prepared(self.place(ink), share, contrast)

    def canvas(self, pixels: Tensor) -> Tensor:
        """Grey on a square canvas, aspect kept, the border repeated: uint8 (N,H,W,3) -> float (N,1,G,G), 0..1."""
        count, height, width = pixels.shape[:3]
        sides = torch.stack([_as_float(height, self.ramp), _as_float(width, self.ramp)])
        step = sides.amax(0) / self.config.canvas  # px of the picture per px of the canvas
        rows = self._spread(sides[0], step, height)  # (G,H)
        columns = self._spread(sides[1], step, width)  # (G,W)
        # Rows first, grey after: a large picture is touched once, and all three steps are linear.
        lines = rows @ pixels.reshape(count, height, width * 3).to(torch.float32)  # (N,G,W*3)
        grey = lines.reshape(count, self.config.canvas, width, 3) @ self.luma  # (N,G,W)
        return (grey @ columns.transpose(0, 1)).unsqueeze(1)  # (N,1,G,G)

    def _spread(self, side: Tensor, step: Tensor, length: int) -> Tensor:
        positions = (self.ramp + 0.5 - self.config.canvas / 2) * step + side / 2 - 0.5
        return triangle_weights(positions.clamp_min(0).minimum(side - 1), step.clamp_min(1).view(1), length)

    def ink(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Polarity settled, paper flattened: (N,1,G,G) -> ink (N,1,G,G) 0..1, contrast before stretching (N,)."""
        border = (x * self.ring).sum((1, 2, 3), keepdim=True)
        dark = (border > x.mean((1, 2, 3), keepdim=True)).to(x.dtype)  # paper brighter than the mean: dark ink
        x = dark * (1 - x) + (1 - dark) * x
        y = F.relu(x - self._paper(x))
        peak = F.avg_pool2d(y, 3, stride=1).amax((2, 3), keepdim=True)  # the strongest 3x3 px
        strength = y / peak.clamp_min(1e-3)
        return ((strength - self.config.floor) / self.config.knee).clamp(0, 1), peak.flatten()

    def _paper(self, x: Tensor) -> Tensor:
        """The brightness of the paper under the ink: the wide minimum, smoothed, (N,1,G,G)."""
        small = F.avg_pool2d(x, 2)  # (N,1,G/2,G/2): the window is wide, half the resolution will do
        reach = self.config.window // 4
        low = -_slide(F.max_pool2d, -small, reach)
        return F.interpolate(_slide(F.avg_pool2d, low, reach), size=x.shape[-2:], mode="bilinear", align_corners=False)

    def place(self, ink: Tensor) -> Tensor:
        """Crop to the ink, keep the aspect, centre of mass to the middle: (N,1,G,G) -> (N,1,S,S)."""
        solid = F.avg_pool2d(ink, 3, stride=1, padding=1) > SOLID_LEVEL
        top, bottom = self._extent(solid.amax(3).squeeze(1))
        left, right = self._extent(solid.amax(2).squeeze(1))
        rows = ((self.ramp >= top - 1) & (self.ramp <= bottom + 1)).to(ink.dtype)  # (N,G)
        columns = ((self.ramp >= left - 1) & (self.ramp <= right + 1)).to(ink.dtype)
        ink = ink.squeeze(1) * rows.unsqueeze(2) * columns.unsqueeze(1)  # (N,G,G)
        step = (torch.maximum(bottom - top, right - left).clamp_min(2) + 1) / self.config.box  # (N,1)
        down = self._sample(ink.sum(2), step)  # (N,S,G)
        across = self._sample(ink.sum(1), step)
        return (down @ ink @ across.transpose(1, 2)).unsqueeze(1)  # (N,1,S,S)

    def _extent(self, inked: Tensor) -> tuple[Tensor, Tensor]:
        """First and last inked px of a profile: bool (N,G) -> (N,1) and (N,1)."""
        empty = (~inked).to(torch.float32) * 1e4
        return (self.ramp + empty).amin(1, keepdim=True), (self.ramp - empty).amax(1, keepdim=True)

    def _sample(self, profile: Tensor, step: Tensor) -> Tensor:
        """The weights that put the centre of mass of a profile into the middle: (N,G) -> (N,S,G)."""
        mass = profile.sum(1, keepdim=True)
        centre = (profile * self.ramp).sum(1, keepdim=True) / mass.clamp_min(1e-3)
        positions = (self.out + 0.5 - self.config.size / 2) * step + centre  # (N,S)
        return self._inside(positions) * triangle_weights(positions, step.clamp_min(1), self.config.canvas)

    def _inside(self, positions: Tensor) -> Tensor:
        """0 where a position lies off the canvas: there is paper, not the last pixel: (N,S) -> (N,S,1)."""
        return ((positions > -1) & (positions < self.config.canvas)).to(positions.dtype).unsqueeze(-1)


def _slide(pool: Callable[..., Tensor], x: Tensor, reach: int) -> Tensor:
    """A pool over `reach` px in every direction, same size out; rows first, then columns: both pools are separable."""
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    return pool(pool(x, (2 * reach + 1, 1), stride=1), (1, 2 * reach + 1), stride=1)


def _as_float(side: int, like: Tensor) -> Tensor:
    """A size as a tensor; in the graph it stays an expression of the input's shape."""
    return torch.full((), 1.0, device=like.device) * side


def _ring(side: int) -> Tensor:
    """Where paper is likely: the border, the corners four times, weights sum to 1, (1,1,G,G)."""
    ring = torch.zeros(1, 1, side, side)
    ring[..., :RING_PX, :] = ring[..., -RING_PX:, :] = ring[..., :RING_PX] = ring[..., -RING_PX:] = 1
    corner = side // 8
    for rows in (slice(0, corner), slice(side - corner, side)):
        for columns in (slice(0, corner), slice(side - corner, side)):
            ring[..., rows, columns] = 4  # ink rarely sits in a corner
    return ring / ring.sum()
