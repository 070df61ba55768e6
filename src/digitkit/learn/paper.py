"""The paper that a digit stands on: its light, its bands, and whether the ink on it is dark or bright.

N batch, A side of the coarse canvas in px.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.sampling import Mean, between_weights, highest, lowest, stretched

THIN_WINDOW = 5  # px of the coarse canvas; most strokes are thinner than this
STROKE_WINDOW = 9  # ... and all strokes than this
WIDE_STEP = 3  # px of the coarse canvas; wide windows are looked at in steps
PAPER_BLUR = 5  # px of the coarse canvas; takes the corners off the opening
SLOPE_DOUBT = 0.2  # share of the variance at which a slope of light is half believed (docs/log.md, 3)
BANDS_SHARE = 0.08  # of the variance that bands have to explain (docs/log.md, 13)
BANDS_GAP = 0.01  # of the bands' variance by which their two ends may differ
BANDS_EDGE = 0.7  # of their range that they have to change by within 3 px; what changes slowly is light
EVEN, UNEVEN = 0.03, 0.13  # share of the variance without ink: paper is plain up to one, cloudy from the other on
VARIED, FLAT = 0.05, 0.07  # variance of grey 0..1: up to one clouds have all tones, from the other on paper is flat
TIE = 1e-3  # half bright, half dark: dark ink by decree, not by rounding


class Bands(NamedTuple):
    """What bands of paper take off the grey of each column (N,1,1,W) and row (N,1,1,H), 0 where there are none.

    `fold` (N,1,1,1) is -1 where there are some, else 1; see `folded`.
    """

    columns: Tensor
    rows: Tensor
    fold: Tensor


class Paper(nn.Module):
    """What is paper in a grey picture on the coarse canvas, and which ink stands on it."""

    ramp: Tensor
    ring: Tensor
    between: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.side, self.window = config.coarse, config.window
        ramp = (torch.arange(self.side, dtype=torch.float32) + 0.5) / self.side - 0.5
        self.register_buffer("ramp", ramp, persistent=False)
        ring = torch.ones(1, 1, self.side, self.side)
        ring[..., 1:-1, 1:-1] = 0
        self.register_buffer("ring", ring / ring.sum(), persistent=False)
        self.blur = Mean(self.side, PAPER_BLUR)
        steps = torch.arange(self.side, dtype=torch.float32) / WIDE_STEP
        count = (self.side - 1) // WIDE_STEP + 1
        self.register_buffer("between", between_weights(steps.clamp_max(count - 1), count), persistent=False)

    def forward(self, grey: Tensor, fold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The grey of the paper (N,1,A,A), 1 where ink is darker, else 0, and how cloudy the paper is, 0..1, (N,1,1,1).

        Takes grey (N,1,A,A), 0..1, and the `fold` of its bands: on what is folded ink is bright. Opening removes bright
        strokes and closing dark ones; what is left is paper. A wide window leaves no blob of ink; where it leaves
        clouds, as on crumpled paper or in fog, only a narrow one follows them.
        """
        other = torch.cat([-grey, grey], 1)  # closing is opening turned over
        thin, stroke, wide = self._opened(other)
        clouded = self._clouded(grey, wide)
        border = (grey * self.ring).sum((1, 2, 3), keepdim=True)
        bright, dark = _halves(stroke.mean((2, 3), keepdim=True))
        # With the right polarity one of them takes the ink away and the other leaves the paper as it was.
        level = 2 * border + bright - dark - 2
        bright, dark = _halves(_power(other + thin))
        # The border of cloudy paper says little: there most of what is thin is ink.
        thinner = (dark - bright) / (dark + bright).clamp_min(1e-9)
        is_dark = ((level + clouded * (thinner - level) > -TIE) & (fold > 0)).to(grey.dtype)
        smooth = self.between @ _chosen(wide, is_dark) @ self.between.mT
        paper: Tensor = self.blur(smooth + clouded * (_chosen(thin, is_dark) - smooth))
        return paper, is_dark, clouded

    def _opened(self, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Without what is bright and narrower than each window, the wider two at every few px; `other` is turned over.

        Shapes: (N,2,A,A) -> (N,2,A,A), (N,2,a,a), (N,2,a,a). Minima of windows that follow each other add up.
        The widest is an opening to the pixel where it is 6 k + 1 px wide; else it reaches up to 2 px less far back.
        """
        # The maximum of what is turned over is the minimum, turned over; so each is turned back once.
        thin = highest(other, THIN_WINDOW)
        stroke = highest(thin, 1 + STROKE_WINDOW - THIN_WINDOW)
        wide = highest(stroke, 1 + self.window - STROKE_WINDOW, WIDE_STEP)
        reach = self.window // 2 // WIDE_STEP
        return (
            highest(-thin, THIN_WINDOW),
            highest(-stroke, STROKE_WINDOW, WIDE_STEP),
            highest(-wide, 1 + 2 * reach),
        )

    def _clouded(self, grey: Tensor, wide: Tensor) -> Tensor:
        """How far the paper is cloudy, 0..1: grey (N,1,A,A), both papers that it may have (N,2,a,a) -> (N,1,1,1)."""
        whole = _variance(grey)
        left = _variance(wide).amin(1, keepdim=True) / whole.clamp_min(1e-9)
        return ((left - EVEN) / (UNEVEN - EVEN)).clamp(0, 1) * ((FLAT - whole) / (FLAT - VARIED)).clamp(0, 1)

    def slope(self, grey: Tensor) -> Tensor:
        """Light that grows from one side to the other, as far as it explains the picture: (N,1,A,A) -> (N,1,A,A).

        The plane of least squares is right for a page with a digit on it and wrong for a digit that fills the frame;
        the share of the variance that it explains tells them apart.
        """
        spread = (self.ramp * self.ramp).sum()
        across = (grey.mean(2, keepdim=True) * self.ramp).sum(3, keepdim=True) / spread
        down = (grey.mean(3, keepdim=True) * self.ramp.unsqueeze(1)).sum(2, keepdim=True) / spread
        plane = (across * across + down * down) * spread / self.side  # its variance
        explained = plane / _variance(grey).clamp_min(1e-9)
        believed = explained / (explained + SLOPE_DOUBT)
        return believed * across * self.ramp + believed * down * self.ramp.unsqueeze(1)

    def bands(self, grey: Tensor, ends: tuple[Tensor, Tensor]) -> Bands:
        """Papers of different tone side by side, each from border to border: grey (N,1,A,A).

        `ends` are the grey of the picture at the ends of its columns (N,1,1,W) and rows (N,1,1,H). What lies at both
        ends and is wider than any stroke is paper. It is believed when it changes alike at both, at edges, and when it
        explains a share of the variance.
        """
        lines = torch.cat([grey[:, :, 0], grey[:, :, -1], grey[..., 0], grey[..., -1]], 1)  # (N,4,A)
        lines = highest(lowest(lines, STROKE_WINDOW), 2 * STROKE_WINDOW - 1)  # opened and already widened for closing
        lines = lowest(lines, STROKE_WINDOW).unsqueeze(2)
        differ = _variance(lines[:, ::2] - lines[:, 1::2]).mean(1, keepdim=True)
        tones = (lines[:, ::2] + lines[:, 1::2]) / 2  # (N,2,1,A), of columns and of rows
        varied = tones - tones.mean(3, keepdim=True)
        spread = _power(varied).mean(1, keepdim=True)
        means = torch.cat([grey.mean(2, keepdim=True), grey.mean(3, keepdim=True).mT], 1)  # (N,2,1,A)
        # Both are half of what the two profiles make together.
        explained = 2 * (varied * means).mean((1, 2, 3), keepdim=True) - spread
        low, high = lowest(tones, 3), highest(tones, 3)
        edge = (high - low).amax((1, 3), keepdim=True)
        whole = (tones.amax(3, keepdim=True) - tones.amin(3, keepdim=True)).amax(1, keepdim=True)
        believed = 2 * explained > BANDS_SHARE * _variance(grey)
        believed = believed & (differ < 2 * BANDS_GAP * spread) & (edge > BANDS_EDGE * whole)
        corner = tones[..., :: self.side - 1].mean((1, 2, 3), keepdim=True) / 2
        there = believed.to(grey.dtype)
        # Where one tone meets another, the picture itself says how sharply; elsewhere strokes may touch its border.
        columns, rows = (
            (torch.minimum(torch.maximum(end, least @ widen), most @ widen) - corner) * there
            for end, least, most in zip(ends, _halves(low), _halves(high), strict=True)
            for widen in [stretched(end.shape[3], tones).mT]
        )
        return Bands(columns, rows, 1 - 2 * there)


def folded(grey: Tensor, fold: Tensor) -> Tensor:
    """Grey off its bands, (N,...): where fold is -1, what is darker than its band counts as what is brighter.

    On a dark band ink may be bright and on a bright one dark; where fold is 1 nothing changes.
    """
    return torch.maximum(grey, fold * grey)


def _chosen(opened: Tensor, is_dark: Tensor) -> Tensor:
    """The paper under bright or under dark ink: grey opened and turned over (N,2,s,s), (N,1,1,1) -> (N,1,s,s)."""
    bright, dark = _halves(opened)
    return bright - is_dark * (bright + dark)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """What was found out about a picture and about the same turned over: (N,2,H,W) -> two of (N,1,H,W)."""
    return x[:, :1], x[:, 1:]


def _variance(x: Tensor) -> Tensor:
    """Of each channel: (N,C,H,W) -> (N,C,1,1)."""
    return _power(x - x.mean((2, 3), keepdim=True))


def _power(x: Tensor) -> Tensor:
    """The mean square of each channel: (N,C,H,W) -> (N,C,1,1)."""
    return (x * x).mean((2, 3), keepdim=True)
