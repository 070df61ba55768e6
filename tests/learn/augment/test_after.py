"""Geometry of the hand: each image moves a little, none is harmed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.augmenting import AfterConfig, AugmentConfig, Outside
from tests.conftest import DrawDigits

DIGITS = tuple("0123456789")
STILL = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0)
SETTINGS = {
    "shift": AfterConfig(shift_px=2, rotate_deg=0, scale=0, shear=0),
    "turn": AfterConfig(shift_px=0, rotate_deg=10, scale=0, shear=0),
    "size": AfterConfig(shift_px=0, rotate_deg=0, scale=0.1, shear=0),
    "slant": AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0.1),
    "thickness": AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, thicken=0.5),
    "thinness": AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, thin=0.5),
    "holes": AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, erase=0.5),
    "all": AfterConfig(thicken=0.5),
}
every_setting = pytest.mark.parametrize("config", SETTINGS.values(), ids=SETTINGS)


@pytest.fixture(scope="module")
def images(drawn_digits: DrawDigits) -> Tensor:
    """20 digits, uint8 (20,1,28,28)."""
    drawn = drawn_digits(20, np.random.default_rng(0))
    return torch.from_numpy(np.stack([drawn.pictures[index] for index in range(20)]))[:, None]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def augment(images: Tensor, config: AfterConfig, rng: torch.Generator) -> Tensor:
    """The images as labels 0 to 9 in turn."""
    return Augmentation.of(AugmentConfig(after=config), DIGITS)(images, torch.arange(len(images)) % 10, rng)


@every_setting
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_range_are_kept(images: Tensor, config: AfterConfig, channels: int) -> None:
    moved = augment(images.expand(-1, channels, -1, -1), config, seeded())
    assert moved.shape == (20, channels, 28, 28)
    assert moved.dtype == torch.float32
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 1


@every_setting
def test_the_same_seed_moves_the_same_way_and_another_does_not(images: Tensor, config: AfterConfig) -> None:
    first, again, other = (augment(images, config, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("config", [SETTINGS[name] for name in ("shift", "turn", "size", "slant", "all")])
def test_every_image_moves_differently(images: Tensor, config: AfterConfig) -> None:
    same = augment(images[:1].expand(20, -1, -1, -1), config, seeded())
    assert len({image.numpy().tobytes() for image in same}) > 10


@every_setting
def test_the_images_themselves_are_left_alone(images: Tensor, config: AfterConfig) -> None:
    before = images.clone()
    augment(images, config, seeded())
    assert torch.equal(images, before)


@pytest.mark.parametrize("config", [SETTINGS[name] for name in SETTINGS if name not in ("thinness", "holes")])
def test_a_digit_keeps_nearly_all_its_ink(images: Tensor, config: AfterConfig) -> None:
    share = augment(images, config, seeded()).sum((1, 2, 3)) / (images.float() / 255).sum((1, 2, 3))
    assert float(share.min()) > 0.7
    assert float(share.max()) < (3 if config.thicken else 1.4)


@every_setting
def test_the_memory_is_channels_last(images: Tensor, config: AfterConfig) -> None:
    moved = augment(images, config, seeded())
    assert moved.stride() == (28 * 28, 1, 28, 1)


def test_no_movement_is_the_image_itself(images: Tensor) -> None:
    assert torch.equal(augment(images, STILL, seeded()), images.float() / 255)


def test_a_shift_copies_whole_pixels_and_lets_paper_in(images: Tensor) -> None:
    reach = 2
    config = AfterConfig(shift_px=reach, rotate_deg=0, scale=0, shear=0)
    wide = torch.nn.functional.pad(images, (reach,) * 4).float() / 255
    for image, moved in zip(wide, augment(images, config, seeded()), strict=True):
        windows = [image[:, y : y + 28, x : x + 28] for y in range(2 * reach + 1) for x in range(2 * reach + 1)]
        assert any(torch.equal(window, moved) for window in windows)


def test_every_shift_up_to_the_furthest_occurs() -> None:
    dot = torch.zeros(400, 1, 9, 9, dtype=torch.uint8)
    dot[:, :, 4, 4] = 255
    moved = augment(dot, AfterConfig(shift_px=1, rotate_deg=0, scale=0, shear=0), seeded())
    places = {tuple(int(side) for side in image[0].nonzero()[0]) for image in moved}
    assert places == {(y, x) for y in (3, 4, 5) for x in (3, 4, 5)}


def test_a_turn_turns_about_the_middle() -> None:
    cross = torch.zeros(8, 1, 29, 29, dtype=torch.uint8)
    cross[:, :, 14, :] = cross[:, :, :, 14] = 255
    moved = augment(cross, AfterConfig(shift_px=0, rotate_deg=30, scale=0, shear=0), seeded())
    assert moved[:, 0, 14, 14].tolist() == pytest.approx([1] * 8, abs=1e-4)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.3, 0.2, 0.4), (1.0, 1, 1)])
def test_about_the_asked_share_of_strokes_is_thickened(share: float, low: float, high: float) -> None:
    dot = torch.zeros(500, 1, 9, 9, dtype=torch.uint8)
    dot[:, :, 4, 4] = 255
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, thicken=share)
    inked = augment(dot, config, seeded()).sum((1, 2, 3))
    assert set(inked.tolist()) <= {1, 9}
    assert low <= float((inked == 9).float().mean()) <= high


def test_drawing_does_not_touch_the_global_generator(images: Tensor) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    augment(images, AfterConfig(), seeded())
    assert torch.equal(torch.get_rng_state(), before)


def test_thin_takes_ink_away_and_leaves_some(images: Tensor) -> None:
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, thin=1)
    before, after = images.float().div(255).sum((1, 2, 3)), augment(images, config, seeded()).sum((1, 2, 3))
    assert bool((after < before).all())
    assert bool((after > 0.05 * before).all())


def test_thin_leaves_ink_at_the_border_as_thin_as_inside() -> None:
    full = torch.full((1, 1, 6, 6), 255, dtype=torch.uint8)
    full[..., 3:] = 0
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, thin=1)
    assert augment(full, config, seeded())[0, 0, 0].tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.3, 0.2, 0.4), (1.0, 1, 1)])
def test_about_the_asked_share_loses_a_rectangle_of_the_asked_size(share: float, low: float, high: float) -> None:
    full = torch.full((500, 1, 40, 40), 255, dtype=torch.uint8)
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, erase=share, erase_area=0.2)
    lost = 1 - augment(full, config, seeded()).mean((1, 2, 3))
    assert low <= float((lost > 0).float().mean()) <= high
    assert bool(((lost == 0) | (lost > 0.01) & (lost < 0.23)).all())


def test_what_is_lost_is_one_rectangle_with_straight_sides() -> None:
    full = torch.full((50, 1, 40, 40), 255, dtype=torch.uint8)
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, erase=1, erase_area=0.2)
    for hole in augment(full, config, seeded())[:, 0] == 0:
        rows, columns = hole.any(1), hole.any(0)
        assert torch.equal(hole, rows[:, None] & columns)
        assert int(rows.int().diff().abs().sum()) <= 2
        assert int(columns.int().diff().abs().sum()) <= 2


def test_holes_in_photos_have_the_mean_colour() -> None:
    photos = torch.zeros(20, 3, 16, 16, dtype=torch.uint8)
    photos[:, 0], photos[:, 1, :8] = 200, 100
    config = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0, erase=1, outside=Outside.edge)
    moved = augment(photos, config, seeded())
    assert not bool((moved == 0).all(1).any())
    assert moved[:, 0].flatten().tolist() == pytest.approx([200 / 255] * moved[:, 0].numel(), abs=1e-5)
