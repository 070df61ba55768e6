"""All that happens to prepared images in training only, in one call.

B images of one batch, C channels, S side in px, K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from digitkit.learn.augment.after import bend, chosen
from digitkit.learn.augment.colour import recolour
from digitkit.learn.augment.flaws import flaw
from digitkit.learn.augment.mirrors import symmetries
from digitkit.learn.augmenting import AfterConfig, AugmentConfig
from digitkit.learn.layers import channels_last


@dataclass(frozen=True)
class Augmentation:
    """What a recipe does to images of some classes; `mirrors` bool (2,K), see `mirrors.symmetries`."""

    config: AugmentConfig
    mirrors: Tensor

    @classmethod
    def of(cls, config: AugmentConfig, classes: Sequence[str]) -> "Augmentation":
        """Augmentation for labels that are indices into `classes`."""
        return cls(config, symmetries(classes))

    def __call__(self, images: Tensor, labels: Tensor, rng: torch.Generator, left: float = 1.0) -> Tensor:
        """Change each image a little differently; what is drawn depends on `rng` alone.

        Shapes: `images` uint8 (B,C,S,S), left alone; `labels` int64 (B,); `left` is the share of the training's steps
        that are not made yet, 0..1; returns float (B,C,S,S), 0..1, channels last.
        """
        late = self.config.late
        after = late if late.last and left <= late.last else self.config.after
        if self.config.share == 1:
            return channels_last(self._change(images, labels, after, rng))
        places = chosen(self.config.share, images, rng).nonzero().flatten()
        made = images.to(torch.float32).div_(255)
        if len(places):
            made[places] = self._change(images[places], labels[places], after, rng)
        return channels_last(made)

    def _change(self, images: Tensor, labels: Tensor, after: AfterConfig, rng: torch.Generator) -> Tensor:
        moved = bend(images, self.mirrors.to(labels.device)[:, labels], after, rng)
        colour, flaws = self.config.colour, self.config.flaws
        if colour.hue or colour.saturation or colour.brightness or colour.contrast or colour.swap:
            moved = recolour(moved, colour, rng)
        if flaws.blur or flaws.shrink or flaws.pixelate or flaws.noise or flaws.jpeg:
            moved = flaw(moved, flaws, rng)
        return moved
