"""Light and colour of images, one linear change for each image.

B images of one batch, C channels, S side in px.
"""

import math

import torch
from torch import Tensor

from digitkit.learn.augmenting import ColourConfig

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)
ACROSS = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0))  # times a colour: at right angles to it and to grey


def recolour(images: Tensor, config: ColourConfig, rng: torch.Generator) -> Tensor:
    """Change light and colour of each image a little differently: float (B,C,S,S), 0..1, which may be overwritten."""
    count, channels = images.shape[:2]
    if channels == 3 and (config.hue or config.saturation or config.swap):
        matrices = _matrices(count, config, rng).to(images.device)
        images = (matrices @ images.flatten(2)).view(images.shape)
    gain = 1 + _draw(config.brightness, count, rng).to(images.device)
    if not config.contrast:
        return images.mul_(gain).clamp_(0, 1)
    spread = 1 + _draw(config.contrast, count, rng).to(images.device)
    middle = images.mean((1, 2, 3), keepdim=True)
    return torch.addcmul((1 - spread) * gain * middle, images, spread * gain).clamp_(0, 1)


def _draw(furthest: float, count: int, rng: torch.Generator) -> Tensor:
    """A number from -furthest to furthest for each image, (B,1,1,1); nothing is drawn where it can be 0 only."""
    if not furthest:
        return torch.zeros(count, 1, 1, 1)
    return ((torch.rand(count, generator=rng) * 2 - 1) * furthest).view(-1, 1, 1, 1)


def _matrices(count: int, config: ColourConfig, rng: torch.Generator) -> Tensor:
    """Turn the colours about the axis of the greys, stretch them away from it, swap red and blue: (B,3,3)."""
    turn = _draw(config.hue, count, rng).view(-1, 1, 1) * 2 * math.pi
    stretch = 1 + _draw(config.saturation, count, rng).view(-1, 1, 1)
    same, grey = torch.eye(3), torch.tensor([LUMA]).expand(3, 3)
    turned = turn.cos() * same + (1 - turn.cos()) / 3 + turn.sin() / math.sqrt(3) * torch.tensor(ACROSS)
    made = (stretch * same + (1 - stretch) * grey) @ turned
    if config.swap:
        swapped = torch.rand(count, generator=rng) < config.swap
        made = torch.where(swapped.view(-1, 1, 1), made.flip(1), made)
    return made
