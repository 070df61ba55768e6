"""Batches of a training: images on the device, drawn by index, variants of them among them.

B batch, C channels, S side in px.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from digitkit.data.batches import Drawing
from digitkit.learn.augment.before import generator
from digitkit.learn.bank import Bank
from digitkit.learn.loader import Images
from digitkit.learn.parts import Parts, draw
from digitkit.learn.recipe import Recipe
from digitkit.learn.schedule import Pace
from digitkit.learn.team import Team


class Batches:
    """Batches of a training on the device of its images; what is drawn, `Drawing` decides.

    Iterating goes on from the position in the state, so a resumed run sees what the uninterrupted one would have seen.
    Images with the label -1 are no digits; a share of them is put behind the digits of each batch.
    Every process of a `team` gets the same whole batches, since images are blended across them; its part is taken when
    they pass the network.
    """

    def __init__(
        self, images: Images, drawing: Drawing, team: Team | None = None, bank: Bank | None = None,
        negatives_share: float = 0.0,
    ) -> None:  # fmt: skip
        self.images, self.drawing, self.team, self.bank = images, drawing, team or Team(), bank
        self.others = (images.labels < 0).nonzero().flatten().cpu()
        self.negatives = round(negatives_share * drawing.plan.size) if len(self.others) else 0  # of a batch

    @classmethod
    def of(
        cls, recipe: Recipe, parts: Parts, classes: Sequence[str], device: torch.device, team: Team | None = None,
        bank: Bank | None = None,
    ) -> "Batches":  # fmt: skip
        """Those of a training."""
        images = parts.learnt.to(device)
        return cls(images, draw(recipe, parts, classes), team, bank, recipe.data.negatives_share)

    def __len__(self) -> int:
        """Steps in all."""
        return self.drawing.steps

    @property
    def pace(self) -> Pace:
        """How long the training is."""
        return Pace(self.drawing.steps, float(self.drawing.plan.epoch) / self.drawing.plan.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Pixels uint8 (B,C,S,S) and labels int64 (B,) on the device of the images; their indices int64 (B,), CPU."""
        for drawn in self.drawing:
            digits = torch.from_numpy(drawn)
            indices = torch.cat([digits, self._others()]) if self.negatives else digits
            chosen = indices.to(self.images.pixels.device)
            pixels = self.images.pixels[chosen]
            if self.bank:
                self.bank.renew(self.drawing.epoch, pixels.device)
                left = 1 - self.drawing.done / len(self)
                pixels = self.bank.stand_in(pixels, indices, self.drawing.done, left)
            yield pixels, self.images.labels[chosen], indices

    def _others(self) -> Tensor:
        """Indices of pictures that are no digits, which follow from the seed and the step."""
        rng = generator((self.drawing.plan.seed, self.drawing.done))
        return self.others[torch.randint(len(self.others), (self.negatives,), generator=rng)]

    @property
    def notes(self) -> bool:
        """Whether the losses of images decide what is drawn next."""
        return self.drawing.plan.hard_share > 0

    def note(self, indices: Tensor, losses: Tensor) -> None:
        """Remember the losses (B,) of digits where the hard ones are wanted; reading them costs a GPU a pause."""
        if self.notes:
            digits = len(indices) - self.negatives
            self.drawing.note(indices[:digits].cpu().numpy(), losses[:digits].float().cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        """Where the drawing stands, as tensors and plain values."""
        return _map_leaves(self.drawing.state(), np.ndarray, torch.from_numpy)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there.

        Raises: DataError when the images are not as many as they were.
        """
        self.drawing.go_on(_map_leaves(state, Tensor, Tensor.numpy))


def _map_leaves(values: Mapping[str, Any], kind: type, change: Callable[[Any], Any]) -> dict[str, Any]:
    """The same mapping with every value of a kind changed, also in the mappings inside."""
    return {
        key: _map_leaves(value, kind, change)
        if isinstance(value, Mapping)
        else (change(value) if isinstance(value, kind) else value)
        for key, value in values.items()
    }
