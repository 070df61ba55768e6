"""Blends of two images: MixUp fades one into another, CutMix pastes a rectangle of another.

B images of one batch, C channels, S side in px; D draws, B where every image has its own and 1 where all share one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digitkit.learn.fitting import MixConfig

STREAM = 2  # of random numbers; those of `data.batches` are 0 and 1


@dataclass(frozen=True)
class Mixed:
    """A batch of blends: `images` float (B,C,S,S); image i kept `share[i]` of its own, the rest is of `partners[i]`.

    `partners` int64 (B,), places in the batch; `share` float32 (B,), 0..1.
    """

    images: Tensor
    partners: Tensor
    share: Tensor


def mix(images: Tensor, config: MixConfig, seed: int, step: int) -> Mixed | None:
    """Blend a batch of any size, or None where nothing of it is blended: float (B,C,S,S), 0..1.

    What is drawn depends on seed and step only, so a resumed training needs no state for it.
    Source: Zhang et al. 2018, mixup; Yun et al. 2019, CutMix.
    """
    if not config.probability:
        return None
    # Only this batch draws from this seed and step, so no generator has to be kept and stored.
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, STREAM, step))))
    count, _, height, width = images.shape
    draws = count if config.each else 1
    chosen = rng.random(draws) < config.probability
    if not chosen.any():
        return None
    pasted = rng.random(draws) < config.cutmix
    faded_share = rng.beta(config.mixup_alpha, config.mixup_alpha, draws)
    pasted_share = rng.beta(config.cutmix_alpha, config.cutmix_alpha, draws)
    keep = _outside(pasted_share, rng.random((2, draws)), height, width)  # (D,S,S)
    keep = np.where(pasted[:, None, None], keep, faded_share[:, None, None])
    keep[~chosen] = 1
    device = images.device
    weights = torch.from_numpy(keep.astype(np.float32)).to(device)
    partners = torch.from_numpy(rng.permutation(count)).to(device)
    mixed = torch.lerp(images[partners], images, weights[:, None])  # a weight of 1 leaves the image to the last bit
    return Mixed(mixed, partners, weights.mean((1, 2)).expand(count))


def _outside(share: NDArray[np.float64], centre: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """1 outside a rectangle of 1 - share of the area, cut off at the borders, 0 inside: (D,), (2,D) -> (D,S,S)."""
    reach = np.sqrt(1 - share) / 2  # of the side
    inside = [
        np.abs(np.arange(side) + 0.5 - middle[:, None] * side) < (reach * side)[:, None]
        for middle, side in zip(centre, (height, width), strict=True)
    ]
    outside: NDArray[np.float64] = 1.0 - (inside[0][:, :, None] & inside[1][:, None, :])
    return outside
