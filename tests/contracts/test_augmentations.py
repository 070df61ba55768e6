"""Contract of every change that augmentation makes: shape, range, same seed same images, labels unharmed."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.augment.mirrors import left_to_right, symmetries, upside_down
from digitkit.learn.augmenting import AfterConfig, AugmentConfig, ColourConfig, FlawsConfig, LateConfig, Outside

OFF = AugmentConfig(after=AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0))
DIGITS = tuple("0123456789")


def alone(group: str, name: str) -> AugmentConfig:
    """Everything off but one change, at the strength that its record allows without other settings."""
    value = {"shift_px": 3.0, "rotate_deg": 180.0, "jpeg_low": 1.0}.get(name, 0.4)
    record = replace(getattr(OFF, group), **{name: value})
    return replace(OFF, **{group: record})


# A change has a number that is 0 where it is off; a new one is in this list the moment it stands in its record.
CHANGES = {
    f"{group}.{field.name}": alone(group, field.name)
    for group in ("after", "colour", "flaws")
    for field in fields(getattr(OFF, group))
    if getattr(getattr(OFF, group), field.name) == 0
}
ALL = AugmentConfig(
    share=0.85,
    after=AfterConfig(
        shift_px=4, rotate_deg=30, scale=0.3, shear=0.2, zoom=1, perspective=0.4, keep=0.8, outside=Outside.edge,
        flip_x=0.5, flip_y=0.5, thicken=0.3, thin=0.3, erase=0.5, erase_area=0.5,
    ),
    colour=ColourConfig(hue=0.5, saturation=1, brightness=1, contrast=1, swap=0.5),
    flaws=FlawsConfig(blur=0.5, shrink=0.5, pixelate=0.5, noise=0.5, noise_std=1, jpeg=0.5, jpeg_low=1, jpeg_high=100),
)  # fmt: skip
EVERYTHING = {**CHANGES, "outside": replace(OFF, after=replace(OFF.after, outside=Outside.edge)), "all": ALL}
every_change = pytest.mark.parametrize("name", EVERYTHING)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_images(count: int, channels: int = 1, side: int = 28) -> Tensor:
    """Noise, uint8 (N,C,S,S)."""
    return torch.randint(0, 256, (count, channels, side, side), generator=seeded(9)).to(torch.uint8)


def changed(images: Tensor, config: AugmentConfig, seed: int = 0, left: float = 1.0) -> Tensor:
    labels = torch.zeros(len(images), dtype=torch.long)  # a 0 may be mirrored
    return Augmentation.of(config, DIGITS)(images, labels, seeded(seed), left)


@every_change
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 28), (1, 8), (3, 33)])
def test_shape_range_and_memory_are_what_a_network_gets(name: str, count: int, channels: int, side: int) -> None:
    images = some_images(count, channels, side)
    before = images.clone()
    made = changed(images, EVERYTHING[name])
    assert made.shape == images.shape
    assert made.dtype == torch.float32
    assert made.stride() == (channels * side * side, 1, channels * side, channels)
    assert bool(made.isfinite().all())
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1 + 1e-6
    assert torch.equal(images, before)


@every_change
def test_the_same_seed_makes_the_same_images_and_another_does_not(name: str) -> None:
    images = some_images(40, 3, 16)
    first, again, other = (changed(images, EVERYTHING[name], seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    harmless = name in ("after.keep", "outside")  # they draw nothing of their own, and stand beside what does
    assert torch.equal(first, other) == harmless


@every_change
def test_what_is_drawn_is_drawn_from_the_given_generator_only(name: str) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    changed(some_images(12, 3), EVERYTHING[name])
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_off_draws_nothing_whatever_its_degree() -> None:
    degrees = FlawsConfig(blur_px=5, shrink_by=5, pixelate_px=5, noise_std=0.5, jpeg_low=1)
    late = LateConfig(rotate_deg=90, flip_x=1, erase=1)
    config = replace(OFF, after=replace(OFF.after, erase_area=0.5), late=late, flaws=degrees)
    rng = seeded()
    Augmentation.of(config, DIGITS)(some_images(6, 3), torch.zeros(6, dtype=torch.long), rng)
    assert torch.equal(rng.get_state(), seeded().get_state())


@pytest.mark.parametrize("channels", [1, 3])
def test_with_everything_off_an_image_is_itself(channels: int) -> None:
    images = some_images(5, channels)
    assert torch.equal(changed(images, OFF), images / 255)


VOCABULARIES: dict[str, tuple[tuple[str, ...], set[str], set[str]]] = {
    "digits": (DIGITS, {"0", "8"}, {"0", "8"}),
    "jersey": (
        ("", "00", *map(str, range(100))),
        {"", "0", "8", "00", "88"},
        {"", "0", "8", "00", "80", "88"},
    ),
    "with zeros in front": (
        tuple(f"{number:02}" for number in range(100)),
        {"00", "88"},
        {"00", "08", "80", "88"},
    ),
    "three digits": (
        tuple(f"{number:03}" for number in range(1000)),
        {"000", "080", "808", "888"},
        {"000", "008", "080", "088", "800", "808", "880", "888"},
    ),
    "one class": (("8",), {"8"}, {"8"}),
    "odd": (("O", "o", "B", "x", "-0", "0.8", "0 ", " ", "\uff18", "\u0660", "seven", "8\n", "0O0", "+"), set(), set()),
}


@pytest.mark.parametrize("axis", [3, 2], ids=["left to right", "upside down"])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_only_numbers_that_are_their_own_mirror_are_mirrored(name: str, axis: int) -> None:
    classes, across, down = VOCABULARIES[name]
    after = replace(OFF.after, flip_x=float(axis == 3), flip_y=float(axis == 2))
    images, labels = some_images(len(classes), 1, 8), torch.arange(len(classes))
    made = Augmentation.of(replace(OFF, after=after), classes)(images, labels, seeded())
    for label, image, now in zip(classes, images / 255, made, strict=True):
        mirrored = label in (across if axis == 3 else down)
        assert torch.equal(now, image.flip(axis - 1) if mirrored else image), label


# Digits as a display shows them, three cells wide and five high: another opinion on what a mirror does to a number.
CELLS = {
    "0": "###|#.#|#.#|#.#|###", "1": ".#.|##.|.#.|.#.|###", "2": "###|..#|###|#..|###", "3": "###|..#|.##|..#|###",
    "4": "#.#|#.#|###|..#|..#", "5": "###|#..|###|..#|###", "6": "###|#..|###|#.#|###", "7": "###|..#|..#|..#|..#",
    "8": "###|#.#|###|#.#|###", "9": "###|#.#|###|..#|###",
}  # fmt: skip


def displayed(label: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """A number on such a display, bool (5, 4 for each digit)."""
    rows = [".".join(cells) for cells in zip(*(CELLS[digit].split("|") for digit in label), strict=True)]
    return np.array([[cell == "#" for cell in row] for row in rows], bool)


@given(st.lists(st.text("0123456789", min_size=1, max_size=5), min_size=1, max_size=30, unique=True))
def test_a_number_that_may_be_mirrored_looks_the_same_in_a_mirror(classes: list[str]) -> None:
    across, down = symmetries(classes).tolist()
    for label, may_across, may_down in zip(classes, across, down, strict=True):
        shown = displayed(label)
        assert not may_across or np.array_equal(shown, shown[:, ::-1])
        assert not may_down or np.array_equal(shown, shown[::-1])
        assert may_across == left_to_right(label)
        assert may_down == upside_down(label)
