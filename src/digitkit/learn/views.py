"""Shifted views of an image, whose answers are averaged: test-time augmentation.

They lie between prepare and network: shifting the raw picture would do nothing, since prepare centres it again.
"""

import torch.nn.functional as F
from torch import Tensor

# (down, right) in px; the first 1, 5 or 9 are used.
COUNTS = (1, 5, 9)
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def views(images: Tensor, count: int) -> list[Tensor]:
    """The image and its shifted copies, paper coming in at the border: (N,C,S,S) -> `count` times (N,C,S,S)."""
    if count == 1:
        return [images]
    side = images.shape[-1]
    padded = F.pad(images, (1, 1, 1, 1))
    return [padded[..., 1 - down : 1 - down + side, 1 - right : 1 - right + side] for down, right in SHIFTS[:count]]
