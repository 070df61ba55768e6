"""The one door: any picture to what the network sees, the same in training and inside the bundle.

N batch, H height and W width of the picture in px, C channels and S side of the image in px.
No branch depends on the values or the sizes of pictures, so one module serves training batches and the exported graph.
Nothing is turned, so all resampling is separable: products with triangle weights instead of sampling a grid.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from digitkit.learn.ink import Ink
from digitkit.learn.recipe import Mode, PrepareConfig
from digitkit.learn.sampling import sides_of, triangle_weights

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look: ITU-R BT.601


class Prepared(NamedTuple):
    """What comes out: `image` float (N,C,S,S), `ink_share` (N,), `contrast` (N,): all 0..1.

    Training keeps images as uint8, rounded to 1/255. The graph does not round: a value between two steps
    would fall to one side in torch and to the other elsewhere, and move a probability by 2e-4 (docs/decisions.md).
    """

    image: Tensor
    ink_share: Tensor
    contrast: Tensor


class Prepare(nn.Module):
    """Pictures of one size, uint8 (N,H,W,3), to images; see `Prepared`."""

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.config = config
        self.door: nn.Module = Ink(config) if config.mode is Mode.ink else Photo(config)

    def forward(self, pixels: Tensor) -> Prepared:
        """Shapes: uint8 (N,H,W,3) -> image float (N,C,S,S), ink share (N,), contrast (N,)."""
        image, ink_share, contrast = self.door(pixels)
        return Prepared(image.clamp(0, 1), ink_share, contrast)


class Photo(nn.Module):
    """Mode photo: the short side is resized, the middle is cut out, colour is kept when asked."""

    luma: Tensor
    ramp: Tensor

    def __init__(self, config: PrepareConfig) -> None:
        super().__init__()
        self.size, self.channels = config.size, config.channels
        self.register_buffer("luma", torch.tensor(LUMA), persistent=False)
        self.register_buffer("ramp", torch.arange(config.size, dtype=torch.float32), persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes: uint8 (N,H,W,3) -> image float (N,C,S,S); ink share and contrast are 1."""
        x = pixels.to(torch.float32).permute(0, 3, 1, 2) / 255  # (N,3,H,W)
        if self.channels == 1:
            x = (x * self.luma.view(1, 3, 1, 1)).sum(1, keepdim=True)  # (N,1,H,W)
        height, width = x.shape[-2], x.shape[-1]
        sides = sides_of(pixels)
        step = sides.amin(0) / self.size
        rows = self._weights(sides[0], step, height)  # (S,H)
        columns = self._weights(sides[1], step, width)  # (S,W)
        image = rows @ x @ columns.transpose(0, 1)  # (N,C,S,S)
        ones = torch.ones_like(image[:, 0, 0, 0])
        return image, ones, ones

    def _weights(self, side: Tensor, step: Tensor, length: int) -> Tensor:
        positions = (self.ramp + 0.5 - self.size / 2) * step + side / 2 - 0.5
        return triangle_weights(positions.clamp_min(0).minimum(side - 1), step.clamp_min(1).view(1), length)
