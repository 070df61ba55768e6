"""Batches of a training: images on the device, drawn by index, variants of them among them.

B batch, C channels, S side in px.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from digitkit.data.batches import Drawing
from digitkit.learn.bank import Bank
from digitkit.learn.loader import Images
from digitkit.learn.schedule import Pace
from digitkit.learn.team import Team


class Batches:
    """Batches of a training on the device of its images; what is drawn, `Drawing` decides.

    Iterating goes on from the position in the state, so a resumed run sees what the uninterrupted one would have seen.
    Every process of a `team` gets the same whole batches, since images are blended across them; its part is taken when
    they pass the network.
    """

    def __init__(self, images: Images, drawing: Drawing, team: Team | None = None, bank: Bank | None = None) -> None:
        self.images, self.drawing, self.team, self.bank = images, drawing, team or Team(), bank

    def __len__(self) -> int:
        """Steps in all."""
        return self.drawing.steps

    @property
    def pace(self) -> Pace:
        """How long the training is."""
        return Pace(self.drawing.steps, float(self.drawing.plan.epoch) / self.drawing.plan.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Pixels uint8 (B,C,S,S) and labels int64 (B,) on the device of the images, and their indices (B,)."""
        for drawn in self.drawing:
            indices = torch.from_numpy(drawn)
            chosen = indices.to(self.images.pixels.device)
            pixels = self.images.pixels[chosen]
            if self.bank:
                pixels = self.bank.stand_in(pixels, indices, self.drawing.done, self.drawing.epoch)
            yield pixels, self.images.labels[chosen], indices

    @property
    def notes(self) -> bool:
        """Whether the losses of images decide what is drawn next."""
        return self.drawing.plan.hard_share > 0

    def note(self, indices: Tensor, losses: Tensor) -> None:
        """Remember the losses (B,) of images where the hard ones are wanted; reading them costs a GPU a pause."""
        if self.notes:
            self.drawing.note(indices.cpu().numpy(), losses.float().cpu().numpy())

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
