"""Mode ink of the one door: find the digit on its paper, then read it closely.

N batch, H and W of the picture, A side of the coarse canvas, B side of the close one, S side of the image, all in px.
The coarse canvas shows the whole picture, stretched to a square; the close one shows the digit with a margin, at one
scale whatever its size in the picture, and is sampled from the picture itself.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.paper import Paper, folded
from digitkit.learn.profiles import extent, heavy_runs, inside_borders
from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.sampling import FAR, Mean, between_weights, highest, sides_of, triangle_weights

INK_LEVEL = 0.5  # ink above this counts for the ink share
SOLID_LEVEL = 0.25  # mean ink of 3x3 px above this is a stroke, below it a speck
DETAIL_WINDOW = 5  # px of half the coarse canvas; colours are compared over this distance
COLOUR_SQUARES = 2  # of the power iteration, four steps; the colour of the ink is far from all others
CLEAR = 0.15  # share of the coarse canvas at each border that form lines are looked for in
MARGIN = 1.5  # px of the coarse canvas around the digit that its ends may reach into
CLOUDY_GAIN = 0.6  # by so much more counts contrast on cloudy paper: what follows clouds takes ink too
STROKE_EDGE = 5  # px of the close canvas around solid ink that belong to the stroke


class Found(NamedTuple):
    """What the coarse look says.

    `sides` float (2,1), height and width of the picture in px; `grey` (N,H,W), 0..1; `columns` (N,W), `rows` (N,H) and
    `fold` (N,1,1), its bands of paper, see `Bands`; `scale` (N,1,1), ink per grey, below 0 for dark ink; `paper`
    (N,A,A), `scale` times the grey of the paper off the bands; `span` (N,1,1,1), the grey between the darkest and the
    brightest, more on cloudy paper, which takes part of the ink with it; `ink` (N,1,A,A), 0..1; `first`, `last` (2,N),
    the edges of the digit down and across, px of the picture.
    """

    sides: Tensor
    grey: Tensor
    columns: Tensor
    rows: Tensor
    fold: Tensor
    scale: Tensor
    paper: Tensor
    span: Tensor
    ink: Tensor
    first: Tensor
    last: Tensor


class Close(NamedTuple):
    """What the close look says.

    `ink` (N,B,B), 0..1; `solid` (N,B,B), 1 on strokes; `contrast` (N,), of the ink before stretching.
    """

    ink: Tensor
    solid: Tensor
    contrast: Tensor


class Ink(nn.Module):
    """Paper becomes 0 and ink 1, whatever the light, the colour, the polarity, the place and the size."""

    halves: Tensor
    coarse: Tensor
    close: Tensor
    out: Tensor
    middle: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.config = config
        coarse = config.coarse
        halves = torch.arange(coarse) // 2 == torch.arange(coarse // 2).unsqueeze(1)
        self._keep("halves", halves / halves.sum(1, keepdim=True))
        self._keep("coarse", torch.arange(coarse, dtype=torch.float32))
        self._keep("close", torch.arange(config.close, dtype=torch.float32))
        self._keep("out", torch.arange(config.size, dtype=torch.float32))
        middle = torch.ones(coarse)
        middle[: int(CLEAR * coarse)] = middle[-int(CLEAR * coarse) :] = 0
        self._keep("middle", middle)
        self.around = Mean(coarse // 2, DETAIL_WINDOW)
        self.paper = Paper(config)
        self.near = Mean(coarse, 3, empty=True)
        self.near_close = Mean(config.close, 3, empty=True)

    def _keep(self, name: str, constant: Tensor) -> None:
        self.register_buffer(name, constant, persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes: uint8 (N,H,W,3) -> image float (N,1,S,S), ink share (N,), contrast (N,)."""
        found = self.find(pixels)
        close = self.look_close(found)
        share = (found.ink > INK_LEVEL).to(torch.float32).mean((1, 2, 3))
        # Noise, gradients and textures call most of the paper ink, a digit a small part of it (docs/log.md, 4).
        return self.place(close), share, close.contrast * (1 - share)

    def find(self, pixels: Tensor) -> Found:
        """Where the digit is and what tells it from the paper: uint8 (N,H,W,3)."""
        rows, columns = pixels.shape[1:3]
        sides = sides_of(pixels).unsqueeze(1)  # (2,1)
        planes = pixels.permute(0, 3, 1, 2).to(torch.float32)  # (N,3,H,W)
        down, across = self._whole(sides[0], rows), self._whole(sides[1], columns)
        # Columns first: a large picture is touched once, the second product is small.
        tinted = (self.halves @ down) @ (planes @ (self.halves @ across).transpose(0, 1))  # (N,3,A/2,A/2)
        whole = ((self._colour(tinted) / 255) @ planes.flatten(2)).view(-1, 1, rows, columns)
        grey = down @ (whole @ across.transpose(0, 1))
        bands = self.paper.bands(grey, (_ends(down) @ whole, (whole @ _ends(across).mT).mT))
        grey = folded(grey - (bands.columns @ across.mT + down @ bands.rows.mT), bands.fold)
        slope = self.paper.slope(grey)
        grey = grey - slope
        low = grey.amin((2, 3), keepdim=True)
        span = (grey.amax((2, 3), keepdim=True) - low).clamp_min(1e-3)
        grey = (grey - low) / span
        paper, dark, clouded = self.paper(grey, bands.fold)
        sign = 1 - 2 * dark
        ink = self._stretch(F.relu(sign * (grey - paper)), self.near)[0]
        first, last = self._frame((ink * _solid(ink, self.near)).squeeze(1))
        scale = sign / span
        # What the close look takes off is paper and slope in one, undone as far as it is linear.
        paper = sign * paper + scale * (low + slope)
        step = sides / self.config.coarse
        span = span * (1 + CLOUDY_GAIN * clouded)
        return Found(
            sides, whole.squeeze(1), bands.columns.flatten(1), bands.rows.flatten(1), bands.fold.squeeze(1),
            scale.squeeze(1), paper.squeeze(1), span, ink, first * step, (last + 1) * step,
        )  # fmt: skip

    def _whole(self, side: Tensor, length: int) -> Tensor:
        """The weights that show a whole side, (1,) px, on the coarse canvas, (A,length)."""
        step = side / self.config.coarse
        return triangle_weights((self.coarse + 0.5) * step - 0.5, step.clamp_min(1), length)

    def _colour(self, small: Tensor) -> Tensor:
        """The weights of the channels that show the ink best: (N,3,s,s), 0..255 -> (N,1,3), absolute sum 1.

        They are the direction in which pixels differ most from their surroundings; for a grey picture 1/3 each.
        """
        detail: Tensor = (small - self.around(small)).flatten(2) / 255  # (N,3,s*s)
        spread = detail @ detail.transpose(1, 2) + 1e-2  # (N,3,3); the constant makes grey the answer for blank paper
        for _ in range(COLOUR_SQUARES):
            spread = spread @ spread
        weights = spread.sum(1, keepdim=True)
        return weights / weights.abs().sum(2, keepdim=True).clamp_min(1e-9)

    def _stretch(self, strength: Tensor, near: Mean) -> tuple[Tensor, Tensor]:
        """Strength over the paper to ink 0..1, and the strongest 3x3 px before: (N,1,s,s) -> same, (N,1,1,1)."""
        peak = near(strength).amax((2, 3), keepdim=True)
        scale = 1 / (self.config.knee * peak.clamp_min(1e-3))
        return (strength * scale - self.config.floor / self.config.knee).clamp(0, 1), peak

    def _frame(self, stroke: Tensor) -> tuple[Tensor, Tensor]:
        """First and last row and column of the digit, (2,N) each, without specks, form lines and neighbours.

        `stroke` (N,A,A), ink of strokes only. Rows and columns that are cut away are left out of the sums that follow.
        """
        # Columns are judged by their middle rows, so that a line along the top or bottom does not join them.
        columns = inside_borders(self.middle @ stroke, self.coarse)
        rows = inside_borders(_along_rows(stroke, columns), self.coarse)
        columns = columns * heavy_runs(_along_columns(stroke, rows) * columns)
        rows = heavy_runs(_along_rows(stroke, columns) * rows)
        columns = columns * (_along_columns(stroke, rows) > 0)
        return extent(torch.stack([rows, columns]), self.coarse)

    def look_close(self, found: Found) -> Close:
        """The digit with a margin, sampled from the picture itself."""
        step = (found.last - found.first).amax(0).unsqueeze(1) / (self.config.fill * self.config.close)  # (N,1)
        steps = (self.close + 0.5 - self.config.close / 2) * step - 0.5  # (N,B) px of the picture
        places = ((found.first + found.last) / 2).unsqueeze(2) + steps  # (2,N,B)
        within = _within(places, found, MARGIN / self.config.coarse)
        strength = F.relu(self._sample(found, places, within, step) - self._lit(found, places, within))
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

    def _sample(self, found: Found, places: Tensor, within: Tensor, step: Tensor) -> Tensor:
        """The picture itself at places off its bands, `scale` times grey, 0 where they are not within: (N,B,B)."""
        reach = step.clamp_min(1)
        rows, columns = found.grey.shape[1:]
        high = within[0] * found.scale.squeeze(2)
        vertical = triangle_weights(places[0], reach, rows, high)  # (N,B,H)
        horizontal = triangle_weights(places[1], reach, columns, within[1])  # (N,B,W)
        # The bands are two more terms of the product.
        left = torch.cat([vertical @ found.grey, vertical @ found.rows.unsqueeze(2), high.unsqueeze(2)], 2)
        right = torch.cat([horizontal, -within[1].unsqueeze(2), -(horizontal @ found.columns.unsqueeze(2))], 2)
        return folded(left @ right.mT, found.fold)

    def _lit(self, found: Found, places: Tensor, within: Tensor) -> Tensor:
        """The paper at places, in the same measure: (N,B,B)."""
        coarse = (places + 0.5) * (self.config.coarse / found.sides).unsqueeze(2) - 0.5
        down, across = (coarse.clamp(0, self.config.coarse - 1) + FAR * (1 - within)).unbind()
        length = len(self.coarse)
        return between_weights(down, length) @ found.paper @ between_weights(across, length).mT

    def place(self, close: Close) -> Tensor:
        """The longer side to `box` px, the centre of mass to the middle: (N,1,S,S)."""
        first, last = extent(torch.stack([close.solid.amax(2), close.solid.amax(1)]), self.close)  # (2,N)
        step = ((last - first).amax(0).clamp_min(2) + 1).unsqueeze(1) / self.config.box  # (N,1)
        profiles = torch.stack([close.ink.sum(2), close.ink.sum(1)])  # (2,N,B)
        centre = (profiles * self.close).sum(2) / profiles.sum(2).clamp_min(1e-3)
        places = (self.out + 0.5 - self.config.size / 2) * step + centre.unsqueeze(2)  # (2,N,S)
        inside = ((places > -1) & (places < self.config.close)).to(step.dtype)  # off the canvas is paper
        reach = step.clamp_min(1)
        down, across = (
            triangle_weights(line, reach, self.config.close, share)
            for line, share in zip(places.unbind(), inside.unbind(), strict=True)
        )
        return (down @ close.ink @ across.transpose(1, 2)).unsqueeze(1)


def _ends(weights: Tensor) -> Tensor:
    """The mean of what the first and the last place of the canvas show: (A,length) -> (1,length)."""
    return (weights[:1] + weights[-1:]) / 2


def _along_rows(stroke: Tensor, columns: Tensor) -> Tensor:
    """The ink of each row in the columns that count: (N,A,A), (N,A) -> (N,A)."""
    return (stroke @ columns.unsqueeze(2)).squeeze(2)


def _along_columns(stroke: Tensor, rows: Tensor) -> Tensor:
    """The ink of each column in the rows that count: (N,A,A), (N,A) -> (N,A)."""
    return (rows.unsqueeze(1) @ stroke).squeeze(1)


def _solid(ink: Tensor, near: Mean) -> Tensor:
    """1 where there is a stroke, 0 on paper and specks: (N,1,s,s) -> (N,1,s,s)."""
    strokes: Tensor = near(ink) > SOLID_LEVEL
    return strokes.to(ink.dtype)


def _within(places: Tensor, found: Found, margin: float) -> Tensor:
    """1 for places on the picture and near the digit: (2,N,B) -> (2,N,B)."""
    sides = found.sides.unsqueeze(2)
    least = (found.first.unsqueeze(2) - margin * sides).clamp_min(-0.5)
    most = torch.minimum(found.last.unsqueeze(2) + margin * sides, sides - 0.5)
    return ((places > least) & (places < most)).to(places.dtype)
