"""The whole reader as one module: prepare, views, network, temperature, softmax.

N batch, H and W of the pictures in px, C channels and S side of the image in px, K classes.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from digitkit.learn.acceptance import acceptance
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import PrepareConfig
from digitkit.learn.views import views


class Answer(NamedTuple):
    """The outputs of a bundle, in this order.

    `probabilities` float32 (N,K), rows sum to 1; `ink_share`, `contrast`, `acceptance` float32 (N,);
    `image` uint8 (N,C,S,S), what the network saw.
    """

    probabilities: Tensor
    ink_share: Tensor
    contrast: Tensor
    acceptance: Tensor
    image: Tensor


class Read(NamedTuple):
    """What is made of an image: `probabilities` (N,K), `acceptance` (N,), `image` uint8 (N,C,S,S); see `Answer`."""

    probabilities: Tensor
    acceptance: Tensor
    image: Tensor


class Reader(nn.Module):
    """What follows the preparation: views, network, temperature, softmax."""

    def __init__(self, config: PrepareConfig, network: nn.Module, view_count: int, temperature: float) -> None:
        super().__init__()
        self.config, self.network = config, network
        self.view_count, self.temperature = view_count, temperature

    def forward(self, image: Tensor) -> Read:
        """Shapes: float (N,C,S,S), 0..1 -> see `Read`."""
        scored = [(self.network(view) / self.temperature).softmax(1) for view in views(image, self.view_count)]
        probabilities = torch.stack(scored).mean(0) if self.view_count > 1 else scored[0]
        accepted = acceptance(probabilities, image, self.config)
        return Read(probabilities, accepted, torch.round(image * 255).to(torch.uint8))


class Graph(nn.Module):
    """Raw pictures uint8 (N,H,W,3) to an `Answer`; the very modules of the training, put in a row."""

    def __init__(
        self, config: PrepareConfig, network: nn.Module, view_count: int = 1, temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.prepare = Prepare(config)
        self.reader = Reader(config, network, view_count, temperature)

    def forward(self, pixels: Tensor) -> Answer:
        """Shapes: uint8 (N,H,W,3), 1 <= H, W <= 4,096 -> see `Answer`."""
        image, ink_share, contrast = self.prepare(pixels)
        probabilities, accepted, seen = self.reader(image)
        return Answer(probabilities, ink_share, contrast, accepted, seen)
