"""Variants stand in for images, as often and as long as the recipe says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from digitkit.data.splits import build
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.bank import Bank
from digitkit.learn.compose import compose
from digitkit.learn.parts import prepare_parts, split_plan
from digitkit.learn.run import Run
from digitkit.learn.team import Team
from tests.fixtures.runs import compose_small, quiet, train_small
from tests.learn.short_runs import SHORT, same, weights

COUNT = 60
CPU = torch.device("cpu")


def numbered(number: int) -> Tensor:
    """Three variants of each image that say of which image they are, and of which round: uint8 (3,N,1,1,1)."""
    variants = torch.tensor([60, 120, 180])[:, None] + torch.arange(COUNT)[None] // 2 + 30 * number
    return variants.to(torch.uint8).view(3, COUNT, 1, 1, 1)


def bank(**settings: float) -> Bank:
    config = BeforeConfig(**{"k": 3, **settings})  # type: ignore[arg-type]
    return Bank(config, 0, (COUNT, 1, 1, 1), numbered, Team())


def seen(drawn_from: Bank, indices: Tensor, step: int, epoch: int = 0, left: float = 0.5) -> Tensor:
    drawn_from.renew(epoch, CPU)
    return drawn_from.stand_in(torch.zeros(len(indices), 1, 1, 1, dtype=torch.uint8), indices, step, left).flatten()


def test_each_image_has_one_of_its_own_variants_in_its_place() -> None:
    indices = torch.arange(COUNT).flip(0)
    found = seen(bank(share=1), indices, step=5)
    of_each = numbered(0).flatten(1)[:, indices]  # (3,N)
    assert bool((of_each == found).any(0).all())
    assert all(bool((of_each[which] == found).any()) for which in range(3))


def test_a_share_of_the_images_have_variants_in_their_places_in_every_step_others() -> None:
    half, indices = bank(share=0.5), torch.arange(COUNT)
    first, second = (seen(half, indices, step) for step in (1, 2))
    assert 15 < int((first > 0).sum()) < 45
    assert not torch.equal(first > 0, second > 0)
    assert torch.equal(first, seen(bank(share=0.5), indices, step=1))
    assert int(seen(bank(share=0), indices, step=1).max()) == 0


def test_towards_the_end_fewer_of_them_are_drawn() -> None:
    ending, indices = bank(share=1, last=0.2, last_share=0), torch.arange(COUNT)
    assert int(seen(ending, indices, step=8, left=0.2).min()) > 0
    assert int(seen(ending, indices, step=9, left=0.1).max()) == 0
    assert int(seen(bank(share=1, last=0), indices, step=10, left=0.0).min()) > 0


def test_variants_are_made_anew_after_some_epochs_and_the_old_ones_are_gone_by_then() -> None:
    made: list[tuple[int, int]] = []

    def make(number: int) -> Tensor:
        made.append((number, kept.pixels.numel()))
        return numbered(number % 2)

    kept = Bank(BeforeConfig(k=3, refresh=2), 0, (COUNT, 1, 1, 1), make, Team())
    for epoch in (0, 0, 1, 2, 3, 4):
        kept.renew(epoch, CPU)
    assert made == [(0, 0), (1, 0), (2, 0)]


def test_a_round_that_is_held_stays() -> None:
    held = bank()
    held.renew(0, CPU)
    held.holds = True
    held.renew(7, CPU)
    assert held.number == 0
    held.holds = False
    held.renew(7, CPU)
    assert held.number == 7


def test_without_variants_there_is_no_bank_and_with_some_they_are_those_of_the_recipe(drawn_source: str) -> None:
    """Parts may have been prepared for another recipe, as in a search."""
    recipe = compose([f"data.sources=[{drawn_source}]", "data.limit=20", "augment.before.noise=1"])
    parts = prepare_parts(recipe, build(split_plan(recipe.data)), quiet)
    assert Bank.of(recipe, parts, Team()) is None
    before = replace(recipe.augment.before, k=2)
    found = Bank.of(replace(recipe, augment=replace(recipe.augment, before=before)), parts, Team())
    assert found is not None
    found.renew(0, CPU)
    assert found.pixels.shape == (2, *parts.train.pixels.shape)


@pytest.mark.parametrize("off", ["augment.before.k=0", "augment.before.share=0"])
def test_what_is_off_changes_no_weight(
    uninterrupted: dict[str, Run], drawn_source: str, tmp_path: Path, off: str
) -> None:
    settings = ("augment.before.k=1", "augment.before.noise=1", "augment.before.pencil=1", off)
    assert same(
        weights(train_small(drawn_source, tmp_path / "off", (*SHORT, *settings)).run), weights(uninterrupted["tiny"])
    )


def test_whoever_trains_sees_that_variants_are_made(drawn_source: str, tmp_path: Path) -> None:
    from digitkit.learn.train import train

    told: list[tuple[int, int]] = []
    recipe = compose_small(drawn_source, tmp_path / "run", *SHORT, "augment.before.k=1", "augment.before.refresh=100")
    train(
        recipe, build(split_plan(recipe.data)), Run.create(recipe),
        lambda done, total, text: told.append((done, total)) if text == "varying train" else None,
    )  # fmt: skip
    assert told[-1] == (200, 200)
    assert np.all(np.diff([done for done, _ in told]) > 0)  # one round
