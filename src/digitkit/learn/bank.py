"""Variants of the training images in their places: made anew every few epochs, and drawn for a share of every batch.

N training images, k variants of each, B images of a batch, C channels, S side in px.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from digitkit.learn.augment.before import Before, generator
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.recipe import Recipe
from digitkit.learn.team import Team


class Bank:
    """The variants of one training; what is drawn depends on the seed and the step alone, so nothing has to be kept.

    `make(round)` gives uint8 (k,N,C,S,S); the processes of a team that do not lead have none, and are handed them.
    """

    def __init__(
        self, config: BeforeConfig, seed: int, shape: torch.Size, make: Callable[[int], Tensor] | None, team: Team
    ) -> None:
        self.config, self.seed, self.make, self.team = config, seed, make, team
        self.pixels = torch.empty(config.k, *shape, dtype=torch.uint8)
        self.number = -1  # of the round that they belong to
        self.seconds = 0.0  # that the last round took

    @classmethod
    def of(cls, recipe: Recipe, images: Tensor, before: Before | None, team: Team | None = None) -> "Bank | None":
        """That of a recipe for images uint8 (N,C,S,S); None when it wants none."""
        config = recipe.augment.before
        make = before.made if before else None
        return cls(config, recipe.seed, images.shape, make, team or Team()) if config.k else None

    def stand_in(self, images: Tensor, indices: Tensor, step: int, epoch: int) -> Tensor:
        """Put variants into the places of some images: uint8 (B,C,S,S), overwritten, with their indices (B,)."""
        self._renew(epoch // self.config.refresh, images.device)
        rng = generator((self.seed, step))
        chosen = (torch.rand(len(indices), generator=rng) < self.config.share).nonzero().flatten()
        which = torch.randint(self.config.k, (len(indices),), generator=rng)[chosen]
        images[chosen.to(images.device)] = self.pixels[which, indices[chosen]].to(images.device)
        return images

    def _renew(self, number: int, device: torch.device) -> None:
        if number == self.number:
            return
        begun = time.perf_counter()
        made = self.make(number) if self.make else self.pixels
        self.pixels = self.team.hand_out(made.to(device)).cpu() if self.team.count > 1 else made
        self.number, self.seconds = number, time.perf_counter() - begun
