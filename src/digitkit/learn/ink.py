"""Mode ink of the one door: find the digit on its paper, then read it closely.

N batch, H and W of the picture, A side of the coarse canvas, B side of the close one, S side of the image, all in px.
The coarse canvas shows the whole picture, stretched to a square; the close one shows the digit with a margin, at one
scale whatever its size in the picture, and is sampled from the picture itself.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.profiles import extent, heavy_runs, inside_borders
from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.sampling import as_scalar, highest, lowest, mean, mean_weights, triangle_weights

INK_LEVEL = 0.5  # ink above this counts for the ink share
SOLID_LEVEL = 0.25  # mean ink of 3x3 px above this is a stroke, below it a speck
STROKE_WINDOW = 9  # px of the coarse canvas; strokes are thinner than this
DETAIL_WINDOW = 9  # px of the coarse canvas; colours are compared over this distance
PAPER_BLUR = 5  # px of the coarse canvas; takes the corners off the opening
SLOPE_DOUBT = 0.2  # share of the variance at which a slope of light is half believed (docs/log.md, 3)
TIE = 1e-3  # half bright, half dark: dark ink by decree, not by rounding
COLOUR_STEPS = 4  # of the power iteration; the colour of the ink is far from all others
CLEAR = 0.15  # share of the coarse canvas at each border that form lines are looked for in
MARGIN = 1.5  # px of the coarse canvas around the digit that its ends may reach into
STROKE_EDGE = 5  # px of the close canvas around solid ink that belong to the stroke


class Found(NamedTuple):
    """What the coarse look says.

    `grey` float (N,H,W), 0..1; `low` and `span` (N,1,1,1), 0..1, the darkest grey and how far the brightest is above
    it; `dark` (N,1,1,1), 1 for dark ink; `paper` (N,A,A), what is not ink; `ink` (N,1,A,A), 0..1; `top`, `bottom`,
    `left`, `right` (N,1), px of the picture.
    """

    grey: Tensor
    low: Tensor
    span: Tensor
    dark: Tensor
    paper: Tensor
    ink: Tensor
    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


class Close(NamedTuple):
    """What the close look says.

    `ink` (N,B,B), 0..1; `solid` (N,B,B), 1 on strokes; `contrast` (N,), of the ink before stretching.
    """

    ink: Tensor
    solid: Tensor
    contrast: Tensor


class Ink(nn.Module):
    """Paper becomes 0 and ink 1, whatever the light, the colour, the polarity, the place and the size."""

    coarse: Tensor
    close: Tensor
    out: Tensor
    ring: Tensor
    around: Tensor
    blur: Tensor
    near: Tensor
    near_close: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("coarse", torch.arange(config.coarse, dtype=torch.float32), persistent=False)
        self.register_buffer("close", torch.arange(config.close, dtype=torch.float32), persistent=False)
        self.register_buffer("out", torch.arange(config.size, dtype=torch.float32), persistent=False)
        ring = torch.ones(1, 1, config.coarse, config.coarse)
        ring[..., 1:-1, 1:-1] = 0
        self.register_buffer("ring", ring / ring.sum(), persistent=False)
        self.register_buffer("around", mean_weights(config.coarse, DETAIL_WINDOW), persistent=False)
        self.register_buffer("blur", mean_weights(config.coarse, PAPER_BLUR), persistent=False)
        self.register_buffer("near", mean_weights(config.coarse, 3, repeat_border=False), persistent=False)
        self.register_buffer("near_close", mean_weights(config.close, 3, repeat_border=False), persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes: uint8 (N,H,W,3) -> image float (N,1,S,S), ink share (N,), contrast (N,)."""
        height, width = as_scalar(pixels.shape[1], self.out), as_scalar(pixels.shape[2], self.out)
        found = self.find(pixels, height, width)
        close = self.look_close(found, height, width)
        share = (found.ink > INK_LEVEL).to(torch.float32).mean((1, 2, 3))
        # Noise, gradients and textures call most of the paper ink, a digit a small part of it (docs/log.md, 4).
        return self.place(close), share, close.contrast * (1 - share)

    def find(self, pixels: Tensor, height: Tensor, width: Tensor) -> Found:
        """Where the digit is and what tells it from the paper: uint8 (N,H,W,3)."""
        count, rows, columns = pixels.shape[:3]
        planes = pixels.permute(0, 3, 1, 2).to(torch.float32)  # (N,3,H,W)
        # Rows first: a large picture is touched once, the second product is small.
        small = self._whole(height, rows) @ planes @ self._whole(width, columns).transpose(0, 1)  # (N,3,A,A)
        colour = self._colour(small).transpose(1, 2) / 255  # (N,1,3)
        whole = (colour @ planes.flatten(2)).view(count, rows, columns)
        grey = (colour @ small.flatten(2)).view(count, 1, self.config.coarse, self.config.coarse)
        slope = self._slope(grey)
        grey = grey - slope
        low = grey.amin((2, 3), keepdim=True)
        span = (grey.amax((2, 3), keepdim=True) - low).clamp_min(1e-3)
        dark = self._dark((grey - low) / span)
        grey = _ink_bright((grey - low) / span, dark)
        paper = self._paper(grey)
        ink = self._stretch(F.relu(grey - paper), self.near)[0]
        paper = paper + (1 - 2 * dark) * slope / span  # what the close look takes off is paper and slope in one
        row_extent, column_extent = self._frame(ink)
        scale_y, scale_x = height / self.config.coarse, width / self.config.coarse
        return Found(
            whole, low, span, dark, paper.squeeze(1), ink,
            row_extent[0] * scale_y, (row_extent[1] + 1) * scale_y,
            column_extent[0] * scale_x, (column_extent[1] + 1) * scale_x,
        )  # fmt: skip

    def _whole(self, side: Tensor, length: int) -> Tensor:
        """The weights that show a whole side on the coarse canvas, (A,length)."""
        step = side / self.config.coarse
        positions = ((self.coarse + 0.5) * step - 0.5).clamp_min(0).minimum(side - 1)
        return triangle_weights(positions, step.clamp_min(1).view(1), length)

    def _colour(self, small: Tensor) -> Tensor:
        """The weights of the channels that show the ink best: (N,3,A,A), 0..255 -> (N,3,1), absolute sum 1.

        They are the direction in which pixels differ most from their surroundings; for a grey picture 1/3 each.
        """
        detail = (small - mean(small, self.around)).flatten(2) / 255  # (N,3,A*A)
        spread = detail @ detail.transpose(1, 2) + 1e-2  # (N,3,3); the constant makes grey the answer for blank paper
        weights = torch.ones_like(spread[:, :, :1])
        for _ in range(COLOUR_STEPS):
            weights = spread @ weights
            weights = weights / weights.abs().sum(1, keepdim=True).clamp_min(1e-9)
        return weights

    def _slope(self, grey: Tensor) -> Tensor:
        """Light that grows from one side to the other, as far as it explains the picture: (N,1,A,A) -> (N,1,A,A).

        The plane of least squares is right for a page with a digit on it and wrong for a digit that fills the frame;
        the share of the variance that it explains tells them apart.
        """
        ramp = (self.coarse + 0.5) / self.config.coarse - 0.5
        across, down = ramp.view(1, 1, 1, -1), ramp.view(1, 1, -1, 1)
        norm = (ramp * ramp).sum() * self.config.coarse
        plane = (grey * across).sum((2, 3), keepdim=True) / norm * across
        plane = plane + (grey * down).sum((2, 3), keepdim=True) / norm * down
        level = grey - grey.mean((2, 3), keepdim=True)
        explained = (plane * plane).mean((2, 3), keepdim=True) / (level * level).mean((2, 3), keepdim=True).clamp_min(
            1e-9
        )
        return plane * explained / (explained + SLOPE_DOUBT)

    def _dark(self, grey: Tensor) -> Tensor:
        """1 where ink is darker than paper, else 0: grey (N,1,A,A), 0..1 -> (N,1,1,1).

        Paper lies at the border and in every area wider than a stroke. Opening removes bright strokes and closing dark
        ones; with the right polarity one of them takes the ink away and the other leaves the paper as it was.
        """
        opened = highest(lowest(grey, STROKE_WINDOW), STROKE_WINDOW).mean((1, 2, 3), keepdim=True)
        closed = lowest(highest(grey, STROKE_WINDOW), STROKE_WINDOW).mean((1, 2, 3), keepdim=True)
        border = (grey * self.ring).sum((1, 2, 3), keepdim=True)
        return (2 * border + opened + closed > 2 - TIE).to(grey.dtype)

    def _paper(self, grey: Tensor) -> Tensor:
        """The paper under bright ink: an opening that no blob of ink survives, its corners taken off, (N,1,A,A)."""
        window = self.config.window
        return mean(highest(lowest(grey, window), window), self.blur)

    def _stretch(self, strength: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """Strength over the paper to ink 0..1, and the strongest 3x3 px before: (N,1,s,s) -> same, (N,1,1,1)."""
        peak = mean(strength, near).amax((2, 3), keepdim=True)
        share = strength / peak.clamp_min(1e-3)
        return ((share - self.config.floor) / self.config.knee).clamp(0, 1), peak

    def _frame(self, ink: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """First and last row and column of the digit, (N,1) each, without specks, form lines and neighbours."""
        stroke = (ink * _solid(ink, self.near)).squeeze(1)  # (N,A,A)
        clear = int(CLEAR * self.config.coarse)
        # Columns are judged by their middle rows, so that a line along the top or bottom does not join them.
        stroke = stroke * inside_borders(stroke[:, clear:-clear].sum(1), self.coarse).unsqueeze(1)
        stroke = stroke * inside_borders(stroke.sum(2), self.coarse).unsqueeze(2)
        stroke = stroke * heavy_runs(stroke.sum(1)).unsqueeze(1)
        rows = heavy_runs(stroke.sum(2))
        columns = ((stroke * rows.unsqueeze(2)).amax(1) > 0).to(ink.dtype)
        return extent(rows, self.coarse), extent(columns, self.coarse)

    def look_close(self, found: Found, height: Tensor, width: Tensor) -> Close:
        """The digit with a margin, sampled from the picture itself."""
        side = torch.maximum(found.bottom - found.top, found.right - found.left) / self.config.fill
        step = side / self.config.close  # (N,1) px of the picture per px of the close canvas
        steps = (self.close + 0.5 - self.config.close / 2) * step - 0.5
        down, across = (found.top + found.bottom) / 2 + steps, (found.left + found.right) / 2 + steps  # (N,B)
        grey = self._sample(found, down, across, step, height, width)
        paper = self._at(down, height) @ found.paper @ self._at(across, width).transpose(1, 2)
        rows = _within(down, height, found.top, found.bottom, MARGIN * height / self.config.coarse)
        columns = _within(across, width, found.left, found.right, MARGIN * width / self.config.coarse)
        strength = F.relu(grey - paper) * rows.unsqueeze(2) * columns.unsqueeze(1)
        ink, peak = self._stretch(strength.unsqueeze(1), self.near_close)
        solid = _solid(ink, self.near_close)
        ink = ink * highest(solid, STROKE_EDGE)  # off the strokes lie specks
        return Close(self._thickened(ink).squeeze(1), solid.squeeze(1), (peak * found.span).flatten())

    def _thickened(self, ink: Tensor) -> Tensor:
        """Thin strokes drawn as wide as a pen's: (N,1,B,B) -> same.

        A stroke of width w is w+2 px wide after taking the maximum of 3x3 px, which says how wide it was.
        """
        thick = highest(ink, 3)
        area = ink.sum((2, 3), keepdim=True)
        width = 2 * area / (thick.sum((2, 3), keepdim=True) - area).clamp_min(1e-3)
        lacking = ((self.config.stroke - width) / 2).clamp(0, 1)
        return ink + lacking * (thick - ink)

    def _sample(
        self, found: Found, down: Tensor, across: Tensor, step: Tensor, height: Tensor, width: Tensor
    ) -> Tensor:
        """The picture itself at positions in px: grey (N,B,B), 0..1, ink bright."""
        rows, columns = found.grey.shape[1:]
        reach = step.clamp_min(1)
        vertical = triangle_weights(down.clamp_min(0).minimum(height - 1), reach, rows)  # (N,B,H)
        horizontal = triangle_weights(across.clamp_min(0).minimum(width - 1), reach, columns)  # (N,B,W)
        grey = vertical @ found.grey @ horizontal.transpose(1, 2)
        return _ink_bright((grey - found.low.squeeze(1)) / found.span.squeeze(1), found.dark.squeeze(1))

    def _at(self, positions: Tensor, side: Tensor) -> Tensor:
        """The weights that sample the coarse canvas at positions in px of the picture: (N,B) -> (N,B,A)."""
        coarse = (positions + 0.5) * self.config.coarse / side - 0.5
        return triangle_weights(
            coarse.clamp(0, self.config.coarse - 1), torch.ones_like(positions[:, :1]), len(self.coarse)
        )

    def place(self, close: Close) -> Tensor:
        """The longer side to `box` px, the centre of mass to the middle: (N,1,S,S)."""
        ink = close.ink
        top, bottom = extent(close.solid.amax(2), self.close)
        left, right = extent(close.solid.amax(1), self.close)
        step = (torch.maximum(bottom - top, right - left).clamp_min(2) + 1) / self.config.box  # (N,1)
        down, across = self._centred(ink.sum(2), step), self._centred(ink.sum(1), step)  # (N,S,B)
        return (down @ ink @ across.transpose(1, 2)).unsqueeze(1)

    def _centred(self, profile: Tensor, step: Tensor) -> Tensor:
        """The weights that put the centre of mass of a profile into the middle; off the canvas is paper."""
        centre = (profile * self.close).sum(1, keepdim=True) / profile.sum(1, keepdim=True).clamp_min(1e-3)
        positions = (self.out + 0.5 - self.config.size / 2) * step + centre  # (N,S)
        inside = ((positions > -1) & (positions < self.config.close)).to(profile.dtype)
        return inside.unsqueeze(2) * triangle_weights(positions, step.clamp_min(1), self.config.close)


def _ink_bright(grey: Tensor, dark: Tensor) -> Tensor:
    """Grey 0..1 turned over where ink is dark; shapes as given."""
    return dark * (1 - grey) + (1 - dark) * grey


def _solid(ink: Tensor, near: Tensor) -> Tensor:
    """1 where there is a stroke, 0 on paper and specks: (N,1,s,s) -> (N,1,s,s)."""
    return (mean(ink, near) > SOLID_LEVEL).to(ink.dtype)


def _within(positions: Tensor, side: Tensor, first: Tensor, last: Tensor, margin: Tensor) -> Tensor:
    """1 for positions on the picture and near the digit: (N,B) -> (N,B)."""
    on_picture = (positions > -0.5) & (positions < side - 0.5)
    near = (positions > first - margin) & (positions < last + margin)
    return (on_picture & near).to(positions.dtype)
