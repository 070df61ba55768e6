"""How much an image looks like a digit, 0..1: the largest probability, at worse odds for solid ink.

A network that has seen no clothing takes a dress for a 1 and is sure of it; no stroke is as solid (docs/log.md, 14).
N images, K classes, C channels and S side of the image in px.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.learn.loader import Images
from digitkit.learn.recipe import Mode, PrepareConfig
from digitkit.learn.sampling import lowest

SQUARES = 5  # of the box side by side; ink that has room for one of them is solid
STROKES = 0.05  # share of the ink that may be solid in a bold digit
DOUBT = 12.0  # how fast the logarithm of the odds falls with the share of solid ink above that
AT_ONCE = 1000  # images


def acceptance(probabilities: Tensor, images: Tensor, config: PrepareConfig) -> Tensor:
    """Higher = more like a digit. Shapes: (N,K), rows sum to 1; float (N,C,S,S), 0..1 -> (N,)."""
    best = probabilities.amax(1)
    if config.mode is not Mode.ink:
        return best  # the brightness of a photo is no ink
    solid = lowest(images, config.box // SQUARES | 1).sum((1, 2, 3)) / images.sum((1, 2, 3)).clamp_min(1e-3)
    doubt = torch.exp(DOUBT * F.relu(solid - STROKES))
    return best / (best + doubt * (1 - best))


def part_acceptance(answers: Tensor, images: Images, config: PrepareConfig) -> Tensor:
    """The same for a whole part: probabilities (N,K) on its N images -> (N,), on the CPU."""
    parts = zip(torch.split(answers.cpu(), AT_ONCE), torch.split(images.pixels.cpu(), AT_ONCE), strict=True)
    return torch.cat([acceptance(some, pixels.to(torch.float32) / 255, config) for some, pixels in parts])
