"""Variants of native pictures: what they keep, what they change, and that they can be made again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from digitkit.core.digitset import DigitSet, Ragged, origins_of
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.learn import loader
from digitkit.learn.augment.before import Before
from digitkit.learn.augmenting import AugmentConfig, BeforeConfig
from digitkit.learn.loader import prepared
from digitkit.learn.recipe import Mode, PrepareConfig, Recipe
from tests.strokes import draw_digits

DIGITS = tuple("0123456789")
PREPARE = PrepareConfig()
PLAIN = BeforeConfig(k=1)


def maker(*digits: DigitSet, config: BeforeConfig = PLAIN, alone: bool = True, seed: int = 0) -> Before:
    return Before(digits, PREPARE, config, seed, alone, lambda done, total: None)


def shares(share: float, *names: str) -> dict[str, Any]:
    return dict.fromkeys(names or BeforeConfig.changes(), share)


def only(name: str) -> BeforeConfig:
    """One change, made to all."""
    return replace(PLAIN, **shares(1.0, name))


def same_size(count: int, seed: int = 0) -> DigitSet:
    return draw_digits(count, np.random.default_rng(seed))


def of(pictures: Sequence[Pixels], classes: tuple[str, ...] = DIGITS) -> DigitSet:
    """Pictures of any sizes as a set."""
    labels = np.arange(len(pictures)) % len(classes)
    return DigitSet(Ragged.pack(list(pictures)), labels, classes, origins_of("any", "train", len(pictures)))


def made_with(threads: int, before: Before, number: int = 0) -> Tensor:
    was = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return before.made(number)
    finally:
        torch.set_num_threads(was)


def likeness(first: Tensor, second: Tensor) -> Tensor:
    """Correlation of images with each other, (N,)."""
    one, other = (each.flatten(1).float() for each in (first, second))
    one, other = one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True)
    lengths = torch.linalg.vector_norm(one, dim=1) * torch.linalg.vector_norm(other, dim=1)
    alike: Tensor = (one * other).sum(1) / lengths.clamp_min(1e-6)
    return alike


EVERYTHING = replace(PLAIN, k=2, **shares(0.3))


def test_the_same_variants_come_from_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "CHUNK", 5)  # several batches, so that threads have something to share
    before = maker(same_size(12), config=EVERYTHING)
    made = made_with(1, before)
    assert made.shape == (2, 12, 1, 28, 28)
    assert made.dtype == torch.uint8
    assert torch.equal(made, made_with(3, before))
    assert torch.equal(made, made_with(1, before))


@pytest.fixture(scope="module")
def plain() -> Tensor:
    """Variants that nothing has happened to but movement."""
    return maker(same_size(8)).made(0)


@pytest.mark.parametrize("name", BeforeConfig.changes())
def test_a_change_to_all_can_be_seen_by_the_network_unless_the_door_undoes_it(name: str, plain: Tensor) -> None:
    made = maker(same_size(8), config=only(name)).made(0)
    assert bool((made.amax((2, 3, 4)) > 100).all())  # there is ink on every one
    assert torch.equal(plain, made) == (name == "invert")  # dark ink or bright ink, the image is the same


def test_a_digit_that_is_only_moved_comes_through_the_door_nearly_as_it_was() -> None:
    digits = same_size(40)
    config = replace(PLAIN, side_low=40, fill_low=0.6, fill_high=0.9)
    alike = likeness(maker(digits, config=config).made(0)[0], prepared(digits, PREPARE).pixels)
    assert float(alike.median()) > 0.97
    assert float(alike.min()) > 0.8


def test_every_variant_every_round_and_every_seed_is_another() -> None:
    digits, config = same_size(6), replace(PLAIN, k=2)
    made = maker(digits, config=config).made(0)
    others = [made[1], maker(digits, config=config).made(1)[0], maker(digits, config=config, seed=1).made(0)[0]]
    assert not any(torch.equal(made[0], other) for other in others)


def test_no_random_number_is_taken_from_the_training() -> None:
    torch.manual_seed(0)
    was = torch.get_rng_state()
    maker(same_size(3), config=BeforeConfig(k=1, noise=1)).made(0)
    assert torch.equal(torch.get_rng_state(), was)


@pytest.mark.parametrize("name", ["neighbours", "bleed"])
def test_nothing_stands_beside_numbers_of_several_characters(name: str) -> None:
    numbers = same_size(12)
    changed, plain = (maker(numbers, config=config, alone=False).made(0) for config in (only(name), PLAIN))
    assert torch.equal(changed, plain)


def test_a_neighbour_is_any_digit_even_where_a_batch_is_one_class() -> None:
    """Else it would tell the label: most folders, and some sets, are sorted by class."""
    bars = [np.zeros((20, 20 + number), np.uint8) for number in range(12)]
    for bar in bars:
        bar[3:17, 8:11] = 255
    ring = np.zeros((60, 60), np.uint8)
    ring[10:50, 10:50] = 255
    ring[18:42, 18:42] = 0
    digits = of([*bars, ring])
    config = only("bleed")
    alone, among = (maker(each, config=config).made(0)[0, :12] for each in (of(bars), digits))
    assert sum(not torch.equal(one, other) for one, other in zip(alone, among, strict=True)) > 6


def pictured(kind: str) -> DigitSet:
    """Digits as the given kind of picture shows them."""
    drawn = [picture for picture, _ in same_size(10)]
    if kind == "dark":
        return of([255 - each for each in drawn])
    if kind == "colour":
        return of([np.stack([each, each // 2, 255 - each], 2) for each in drawn])
    if kind == "16x16":
        return of([each[6:-6, 6:-6] for each in drawn])  # 28x28 with 6 px cut off on each side
    if kind == "photos":
        return of([np.kron(255 - each // 2, np.ones((24 + at, 20), np.uint8)) for at, each in enumerate(drawn[:3])])
    return of(drawn)


@pytest.mark.parametrize("kind", ["bright", "dark", "colour", "16x16", "photos"])
def test_ink_is_found_on_any_kind_of_picture(kind: str) -> None:
    digits = pictured(kind)
    config = replace(PLAIN, side_low=40, fill_low=0.6, fill_high=0.9)
    alike = likeness(maker(digits, config=config).made(0)[0], prepared(digits, PREPARE).pixels)
    assert float(alike.median()) > 0.9
    everything = replace(PLAIN, **shares(0.5))
    assert maker(digits, config=everything).made(0).shape == (1, len(digits), 1, 28, 28)


def test_blank_paper_is_no_error() -> None:
    blank = of([np.full((20, 20), 255, np.uint8), np.zeros((30, 10), np.uint8)])
    config = replace(PLAIN, **shares(1.0))
    assert maker(blank, config=config).made(0).shape == (1, 2, 1, 28, 28)


def test_an_extra_set_has_its_variants_behind_the_others_and_may_be_empty() -> None:
    first, second, empty = same_size(8), same_size(5, seed=1), same_size(2).take(np.zeros(0, np.int64))
    told: list[tuple[int, int]] = []
    before = replace(maker(first, second, empty), report=lambda done, total: told.append((done, total)))
    made = before.made(0)
    assert made.shape[1] == 13
    assert told[-1] == (13, 13)
    for digits, part in ((first, made[0, :8]), (second, made[0, 8:])):
        assert float(likeness(part, prepared(digits, PREPARE).pixels).median()) > 0.9
    assert torch.equal(maker(first, empty).made(0), maker(first).made(0))


def test_some_pictures_have_their_variants_in_the_order_asked_for() -> None:
    before = maker(same_size(8), same_size(5, seed=1), config=replace(PLAIN, k=2))
    indices = np.array([9, 2, 12, 0, 2])
    made = before.only(indices)
    assert made.shape == (2, 5, 1, 28, 28)
    images = torch.cat([prepared(digits, PREPARE).pixels for digits in before.digits])
    assert float(likeness(made[0], images[torch.from_numpy(indices)]).min()) > 0.7
    assert float(likeness(made[0], images[torch.tensor([2, 9, 0, 12, 9])]).median()) < 0.7


def test_all_threads_are_given_back() -> None:
    was = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        maker(same_size(3)).made(0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(was)


def test_a_digit_is_never_too_small_to_read() -> None:
    config = replace(PLAIN, side_low=12, side_high=12, fill_low=0.2, fill_high=0.2)
    alike = likeness(maker(same_size(20), config=config).made(0)[0], prepared(same_size(20), PREPARE).pixels)
    assert float(alike.median()) > 0.7


def test_mode_photo_has_no_ink_to_take_off() -> None:
    augment = AugmentConfig(before=PLAIN)
    with pytest.raises(ConfigError, match=r"augment\.before takes ink off its paper.*set augment\.before\.k=0"):
        Recipe(augment=augment, prepare=PrepareConfig(mode=Mode.photo))


@pytest.mark.parametrize(("key", "value"), [("k", 17), ("refresh", 0), ("share", 1.1), ("side_low", 4), ("pencil", -1)])
def test_a_value_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"augment\.before\.{key} must lie in"):
        BeforeConfig(**{key: value})  # type: ignore[arg-type]
