"""What lenses, sensors and files do to a picture: blur, few pixels, noise, JPEG.

B images of one batch, C channels, S side in px. Matrices (B,S,S) change a row, and in the same way a column, of pixels.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from digitkit.learn.augment.after import change_some, chosen
from digitkit.learn.augment.jpeg import as_jpeg
from digitkit.learn.augmenting import FlawsConfig
from digitkit.learn.sampling import between_weights, triangle_weights


def flaw(images: Tensor, config: FlawsConfig, rng: torch.Generator) -> Tensor:
    """Spoil each image a little differently, in the order of a camera: float (B,C,S,S), 0..1, overwritten."""
    changes: tuple[tuple[float, Callable[[Tensor], Tensor]], ...] = (
        (config.blur, lambda some: _resample(some, blur_weights(_draw(some, 0.1, config.blur_px, rng), some))),
        (config.shrink, lambda some: _resample(some, shrink_weights(_draw(some, 1, config.shrink_by, rng), some))),
        (config.pixelate, lambda some: _resample(some, block_weights(_draw(some, 1, config.pixelate_px, rng), some))),
        (config.noise, lambda some: _add_noise(some, _draw(some, 0, config.noise_std, rng), rng)),
        (config.jpeg, lambda some: as_jpeg(some, _draw(some, config.jpeg_low, config.jpeg_high, rng))),
    )
    for share, change in changes:
        if share:
            change_some(images, chosen(share, images, rng), change)
    return images.clamp_(0, 1)


def blur_weights(std: Tensor, like: Tensor) -> Tensor:
    """Out of focus by a Gaussian of so many px: (B,1), images (B,C,S,S) -> (B,S,S); the border shows no paper."""
    places = _places(like)
    weights = (-0.5 * ((places - places.unsqueeze(1)) / std.unsqueeze(2)) ** 2).exp()
    return weights / weights.sum(2, keepdim=True)


def shrink_weights(times: Tensor, like: Tensor) -> Tensor:
    """So many times fewer pixels, and back to size, both bilinear: (B,1), images (B,C,S,S) -> (B,S,S)."""
    places, side = _places(like), like.shape[-1]
    count = (side / times).round().clamp_min(1)  # (B,1), pixels that are left
    width = side / count  # of one of them
    down = triangle_weights((places + 0.5) * width - 0.5, width, side)  # rows past the count are never asked for
    up = between_weights(torch.minimum(((places + 0.5) / width - 0.5).clamp_min(0), count - 1), side)
    return up @ down


def block_weights(block: Tensor, like: Tensor) -> Tensor:
    """Blocks of about so many px with the mean of what they cover: (B,1), images (B,C,S,S) -> (B,S,S)."""
    side = like.shape[-1]
    count = (side / block).round().clamp_min(1)
    which = ((_places(like) + 0.5) * count / side).floor()  # (B,S)
    same = (which.unsqueeze(1) == which.unsqueeze(2)).to(like.dtype)
    return same / same.sum(2, keepdim=True)


def _places(like: Tensor) -> Tensor:
    return torch.arange(like.shape[-1], dtype=like.dtype, device=like.device)


def _draw(like: Tensor, low: float, high: float, rng: torch.Generator) -> Tensor:
    """A number between two for each image, (B,1), on their device."""
    return (low + torch.rand(len(like), 1, generator=rng) * (high - low)).to(like.device)


def _resample(images: Tensor, weights: Tensor) -> Tensor:
    rows = weights.unsqueeze(1)
    return rows @ images @ rows.transpose(2, 3)


def _add_noise(images: Tensor, std: Tensor, rng: torch.Generator) -> Tensor:
    """Gaussian noise; drawn on the device, for it is as large as the images."""
    seed = int(torch.randint(2**62, (), generator=rng))
    here = torch.Generator(images.device).manual_seed(seed)
    noise = torch.randn(images.shape, generator=here, device=images.device)
    return (images + noise * std.view(-1, 1, 1, 1)).clamp_(0, 1)
