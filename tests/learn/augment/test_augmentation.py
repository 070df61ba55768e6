"""Which changes hold when, and for how many images."""

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from digitkit.core.errors import ConfigError
from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.augmenting import AfterConfig, AugmentConfig, ColourConfig, FlawsConfig, LateConfig, meanings
from digitkit.learn.compose import compose, from_plain, to_plain

STILL = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0)
DIGITS = tuple("0123456789")


def changed(images: Tensor, config: AugmentConfig, left: float = 1.0) -> Tensor:
    labels = torch.arange(len(images)) % 10
    return Augmentation.of(config, DIGITS)(images, labels, torch.Generator().manual_seed(0), left)


def some_images(count: int) -> Tensor:
    return torch.randint(0, 256, (count, 1, 16, 16), generator=torch.Generator().manual_seed(9)).to(torch.uint8)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.85, 0.8, 0.9), (1.0, 1, 1)])
def test_about_the_asked_share_is_changed_and_the_others_are_as_they_were(
    share: float, low: float, high: float
) -> None:
    images = some_images(600)
    colour, flaws = ColourConfig(brightness=0.5), FlawsConfig(blur=1)
    made = changed(images, AugmentConfig(share=share, after=STILL, colour=colour, flaws=flaws))
    apart = (made != images / 255).flatten(1).any(1)
    assert low <= float(apart.float().mean()) <= high


@pytest.mark.parametrize(("left", "is_late"), [(1.0, False), (0.26, False), (0.25, True), (0.01, True), (0.0, True)])
def test_the_late_changes_hold_for_the_last_share_of_the_steps(left: float, is_late: bool) -> None:
    images = some_images(30)
    strong, light = AfterConfig(shift_px=4, erase=0.25), replace(STILL, rotate_deg=4)
    late = LateConfig(**{**light.__dict__, "last": 0.25})
    made = changed(images, AugmentConfig(after=strong, late=late), left)
    assert torch.equal(made, changed(images, AugmentConfig(after=light if is_late else strong)))


def test_without_a_last_share_the_late_changes_never_hold() -> None:
    images = some_images(8)
    config = AugmentConfig(after=STILL, late=LateConfig(rotate_deg=90))
    assert torch.equal(changed(images, config, left=0.0), images / 255)


def test_colours_and_flaws_hold_to_the_end() -> None:
    images = some_images(8)
    late = LateConfig(**{**STILL.__dict__, "last": 0.5})
    config = AugmentConfig(after=STILL, late=late, colour=ColourConfig(brightness=0.5))
    assert torch.equal(changed(images, config, left=0.1), changed(images, config, left=1.0))


def test_images_of_one_batch_are_changed_each_in_its_own_way() -> None:
    same = some_images(1).expand(20, -1, -1, -1)
    flaws = FlawsConfig(blur=1, noise=1, jpeg=1)
    made = changed(same, AugmentConfig(after=STILL, colour=ColourConfig(contrast=0.5), flaws=flaws))
    assert len({image.numpy().tobytes() for image in made}) == 20


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("augment.share=1.5", "augment.share must lie in 0..1"),
        ("augment.after.perspective=0.5", "augment.after.perspective must lie in 0..0.45"),
        ("augment.after.flip_x=-0.1", "augment.after.flip_x must lie in 0..1"),
        ("augment.after.erase_area=0", "augment.after.erase_area must lie in 0.02..0.9"),
        ("augment.late.zoom=9", "augment.late.zoom must lie in 0..4"),
        ("augment.late.last=2", "augment.late.last must lie in 0..1"),
        ("augment.colour.hue=0.6", "augment.colour.hue must lie in 0..0.5"),
        ("augment.flaws.blur=2", "augment.flaws.blur must lie in 0..1"),
        ("augment.flaws.jpeg_low=0", "augment.flaws.jpeg_low must lie in 1..100"),
        ("augment.flaws.jpeg_high=3", "augment.flaws.jpeg_high must lie in 5"),
        ("augment.after.outside=ink", "augment.after.outside=ink"),
        ("augment.flaws.jpg=0.1", "Did you mean 'augment.flaws.jpeg'"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        compose([override])


def test_a_recipe_keeps_its_augmentation() -> None:
    recipe = compose(
        ["augment.share=.85", "augment.late.last=.25", "augment.after.outside=edge", "augment.flaws.jpeg=1"]
    )
    assert recipe.augment.late.last == 0.25
    assert from_plain(to_plain(recipe)) == recipe


def test_every_key_says_what_it_does() -> None:
    config = AugmentConfig()
    told = meanings(config)
    groups = {
        f"{group}.{key}"
        for group in ("before", "after", "late", "colour", "flaws")
        for key in vars(getattr(config, group))
    }
    assert set(told) == {"share", *groups}
    assert told["late.rotate_deg"] == told["after.rotate_deg"] == "furthest turn"
    assert min(map(len, told.values())) > 8
