"""Variants of the training images in their places: made anew every few epochs, and drawn for a share of every batch.

N training images, k variants of each, B images of a batch, C channels, S side in px.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from digitkit.learn.augment.before import generator
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.parts import Parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.team import Team


class Bank:
    """The variants of one training; what is drawn depends on the seed and the step alone, so nothing has to be kept.

    `make(round)` gives uint8 (k,N,C,S,S); the processes of a team that do not lead have none, and are handed them.
    """

    def __init__(
        self, config: BeforeConfig, seed: int, shape: tuple[int, ...], make: Callable[[int], Tensor] | None, team: Team
    ) -> None:
        self.config, self.seed, self.make, self.team = config, seed, make, team
        self.shape = (config.k, *shape)
        self.pixels = torch.empty(0, dtype=torch.uint8)
        self.number = -1  # of the round that they belong to
        self.seconds = 0.0  # that the last round took
        self.holds = False  # the round that is there stays, however many epochs go by

    @classmethod
    def of(cls, recipe: Recipe, parts: Parts, team: Team) -> "Bank | None":
        """That of a recipe for all that is learnt from; None when it wants none."""
        config, before, count = recipe.augment.before, parts.before, len(parts.train) + len(parts.negatives)
        if not config.k:
            return None
        assert before or not team.leads, "whoever leads has the pictures"
        make = replace(before, config=config, prepare=recipe.prepare, seed=recipe.seed).made if before else None
        return cls(config, recipe.seed, (count, *parts.train.pixels.shape[1:]), make, team)

    def renew(self, epoch: int, device: torch.device) -> None:
        """Make the variants of an epoch, unless they are there; a team hands them out by way of its `device`."""
        number = epoch // self.config.refresh
        if number == self.number or (self.holds and self.number >= 0):
            return
        begun = time.perf_counter()
        self.pixels = torch.empty(0, dtype=torch.uint8)  # two rounds never lie in memory together
        made = self.make(number) if self.make else torch.empty(self.shape, dtype=torch.uint8)
        self.pixels = self.team.hand_out(made.to(device)).cpu() if self.team.count > 1 else made
        self.number, self.seconds = number, time.perf_counter() - begun

    def stand_in(self, images: Tensor, indices: Tensor, step: int, left: float) -> Tensor:
        """Put variants into the places of some images: uint8 (B,C,S,S), overwritten, with their indices (B,).

        `left` is the share of the training that is still to come after this step.
        """
        rng = generator((self.seed, step))
        share = self.config.last_share if left < self.config.last else self.config.share
        chosen = (torch.rand(len(indices), generator=rng) < share).nonzero().flatten()
        which = torch.randint(self.config.k, (len(indices),), generator=rng)[chosen]
        images[chosen.to(images.device)] = self.pixels[which, indices[chosen]].to(images.device)
        return images
