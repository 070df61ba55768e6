"""Geometry of the hand on prepared images, drawn anew for each image: mirror, movement, thickness, erasing.

B images of one batch, C channels, S side in px.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.learn.augment.geometry import move
from digitkit.learn.augmenting import AfterConfig, Outside
from digitkit.learn.sampling import highest

LEAST_AREA = 0.02  # of the image, the smallest rectangle that is erased
LONGEST = 3.0  # side of such a rectangle over the other side


def bend(images: Tensor, mirrors: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """Change the geometry of each image a little differently.

    Shapes: `images` uint8 (B,C,S,S); `mirrors` bool (2,B), which may be mirrored left to right and upside down; returns
    float (B,C,S,S), 0..1.
    """
    for share, may, axis in ((config.flip_x, mirrors[0], 3), (config.flip_y, mirrors[1], 2)):
        if share:
            images = images.clone()
            change_some(images, chosen(share, images, rng) & may, partial(torch.flip, dims=(axis,)))
    moved = move(images, config, rng)
    for share, change in ((config.thicken, _thicker), (config.thin, _thinner)):
        if share:
            change_some(moved, chosen(share, moved, rng), change)
    if config.erase:
        change_some(moved, chosen(config.erase, moved, rng), lambda some: _erase(some, config, rng))
    return moved


def chosen(share: float, images: Tensor, rng: torch.Generator) -> Tensor:
    """Which images a change that a share of them gets is made to: bool (B,), on their device."""
    return (torch.rand(len(images), generator=rng) < share).to(images.device)


def change_some(images: Tensor, which: Tensor, change: Callable[[Tensor], Tensor]) -> None:
    """Put what `change` makes of the chosen images into their places: float (B,C,S,S), bool (B,)."""
    places = which.nonzero().flatten()
    if len(places):
        images[places] = change(images[places])


def _thicker(images: Tensor) -> Tensor:
    """Strokes 1 px wider on each side: float (B,C,S,S)."""
    return highest(images, 3)


def _thinner(images: Tensor) -> Tensor:
    """Strokes 1 px less wide; more would leave nothing of a thin one: float (B,C,S,S)."""
    padded = F.pad(images, (1, 0, 1, 0), mode="replicate")  # what lies outside goes on as the border is
    lower = torch.minimum(padded[:, :, 1:], padded[:, :, :-1])
    return torch.minimum(lower[:, :, :, 1:], lower[:, :, :, :-1])


def _erase(images: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """A rectangle somewhere inside each image is lost.

    Source: Zhong et al. 2017, Random erasing data augmentation.
    """
    draws = torch.rand(4, len(images), 1, generator=rng).to(images.device)  # (4,B,1)
    area = LEAST_AREA + draws[0] * (config.erase_area - LEAST_AREA)
    longer = LONGEST ** (draws[1] - 0.5)  # than the square of that area; 1 / LONGEST..LONGEST between the sides
    spans = []
    for size, place in ((area.sqrt() * longer, draws[2]), (area.sqrt() / longer, draws[3])):
        line = (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1]  # (S,)
        start = place * (1 - size)
        spans.append((line >= start) & (line < start + size))  # (B,S)
    lost = (spans[0].unsqueeze(2) & spans[1].unsqueeze(1)).unsqueeze(1)  # (B,1,S,S)
    left = images.mean((2, 3), keepdim=True) if config.outside is Outside.edge else images.new_zeros(())
    return torch.where(lost, left, images)
