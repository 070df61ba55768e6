"""One homography and one sampling for each image; the middle of a picture stays in sight where that is asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from digitkit.learn.augment import geometry
from digitkit.learn.augmenting import AfterConfig, Outside
from tests.strokes import draw_digits

STILL = AfterConfig(shift_px=0, rotate_deg=0, scale=0, shear=0)
WILD = AfterConfig(shift_px=30, rotate_deg=180, scale=0.5, shear=1, zoom=3, perspective=0.45, keep=0.8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(count: int, digits: int, keep: float, side: int = 64) -> Tensor:
    """Numbers of some digits that fill the middle of the picture, uint8 (N,1,S,S)."""
    drawn = draw_digits(count * digits, np.random.default_rng(0), side=20)
    wide = np.zeros((count, 20, 24 * digits - 4), np.uint8)
    for index in range(count * digits):
        left = index % digits * 24
        wide[index // digits, :, left : left + 20] = drawn.pictures[index]
    room = int(keep * side) // 2 * 2
    height = room * 20 // wide.shape[2]
    fitted = F.interpolate(torch.from_numpy(wide)[:, None].float(), size=(height, room), mode="area")
    low = (side - height) // 2
    edge = (side - room) // 2
    return F.pad(fitted, (edge, edge, low, side - height - low)).round().to(torch.uint8)


@pytest.mark.parametrize("side", [8, 28, 33, 64])
@pytest.mark.parametrize("count", [1, 5, 64])
def test_the_sampling_is_that_of_affine_grid_to_the_last_bit(side: int, count: int) -> None:
    config = AfterConfig(shift_px=3, rotate_deg=20, scale=0.2, shear=0.1)
    images = torch.rand(count, 2, side, side, generator=seeded(1))
    matrices = geometry.movements(count, side, config, seeded())
    grid = F.affine_grid(matrices[:, :2], [count, 2, side, side], align_corners=False)
    assert torch.equal(geometry.sample(images, matrices, config), F.grid_sample(images, grid, align_corners=False))


@pytest.mark.parametrize("elastic", [0.5, 2.0])
def test_no_point_is_pulled_further_than_asked_and_neighbours_stay_neighbours(elastic: float) -> None:
    ramp = torch.arange(32).mul(8).to(torch.uint8)  # the value tells the column, or the row
    across, down = ramp.expand(32, 32), ramp.unsqueeze(1).expand(32, 32)
    config = replace(STILL, elastic=elastic, outside=Outside.edge)
    away = []
    for image in (across, down):
        seen = geometry.move(image.expand(50, 1, 32, 32), config, seeded()) * 255 / 8  # px
        away.append(seen - image / 8)
        steps = seen.diff(dim=3 if image is across else 2)[..., 1:-1, 1:-1]
        assert float((steps - 1).abs().max()) < 0.6 * elastic  # 4 gaps of 8 px, each end pulled at most so far
    for pulled in away:
        assert 0.7 * elastic < float(pulled[..., 2:-2, 2:-2].abs().max()) <= elastic + 0.01
        assert float(pulled.std(0).max()) > 0.2 * elastic  # each image for itself
    assert not torch.allclose(away[0], away[1])


def test_a_tilt_is_a_homography() -> None:
    config = AfterConfig(perspective=0.3)
    images = torch.rand(4, 1, 32, 32, generator=seeded(1))
    matrices = geometry.movements(4, 32, config, seeded())
    line = (torch.arange(32) + 0.5) / 16 - 1
    flat = torch.stack([line.expand(32, 32), line.unsqueeze(1).expand(32, 32), torch.ones(32, 32)], -1)
    seen = torch.einsum("bij,hwj->bhwi", matrices, flat)
    expected = F.grid_sample(images, seen[..., :2] / seen[..., 2:], align_corners=False)
    assert torch.allclose(geometry.sample(images, matrices, config), expected, atol=1e-4)


def test_a_tilt_alone_leaves_the_middle_where_it_is_and_moves_both_sides_apart() -> None:
    matrices = geometry.movements(200, 28, replace(STILL, perspective=0.2), seeded())
    centre = matrices @ torch.tensor([0.0, 0, 1])
    assert torch.allclose(centre, torch.tensor([0.0, 0, 1]).expand(200, 3))
    depth = (matrices @ torch.tensor([1.0, 0, 1]))[:, 2]
    assert 0.8 <= float(depth.min()) < 0.85 < 1.15 < float(depth.max()) <= 1.2


def test_zoom_goes_from_so_many_times_smaller_to_as_many_times_larger() -> None:
    matrices = geometry.movements(500, 28, replace(STILL, zoom=0.25), seeded())
    sizes = 1 / matrices[:, 0, 0]
    assert 0.8 - 1e-5 <= float(sizes.min()) < 0.83
    assert 1.2 < float(sizes.max()) <= 1.25 + 1e-5
    assert torch.equal(matrices[:, 0, 0], matrices[:, 1, 1])


@pytest.mark.parametrize("keep", [0.5, 0.8, 1.0])
def test_the_middle_that_is_kept_stays_in_sight_whatever_is_drawn(keep: float) -> None:
    config = AfterConfig(shift_px=20, rotate_deg=180, scale=0.5, shear=1, zoom=3, perspective=0.4, keep=keep)
    matrices = geometry.movements(500, 64, config, seeded()).double()
    line = torch.linspace(-keep, keep, 21, dtype=torch.float64)
    places = torch.stack([*torch.meshgrid(line, line, indexing="ij"), torch.ones(21, 21).double()]).flatten(1)
    moved = torch.linalg.inv(matrices) @ places
    assert bool((moved[:, 2] > 0).all())
    assert float((moved[:, :2] / moved[:, 2:]).abs().max()) <= 1 + 1e-4


def test_what_stays_in_sight_anyway_is_not_made_smaller() -> None:
    free = geometry.movements(50, 64, AfterConfig(shift_px=1), seeded())
    kept = geometry.movements(50, 64, AfterConfig(shift_px=1, keep=0.5), seeded())
    assert torch.allclose(free, kept, atol=1e-6)


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_no_digit_of_a_number_is_ever_cut_off(digits: int) -> None:
    config = AfterConfig(shift_px=20, rotate_deg=25, scale=0.1, shear=0.1, zoom=0.5, perspective=0.2, keep=0.9)
    images = numbers(60, digits, keep=0.85)
    before = [ndimage.label(image[0].numpy() > 60, np.ones((3, 3)))[1] for image in images]
    for image, parts in zip(geometry.move(images, config, seeded()), before, strict=True):
        border = torch.cat([image[0, 0], image[0, -1], image[0, :, 0], image[0, :, -1]])
        assert float(border.max()) < 0.1
        assert ndimage.label(image[0].numpy() > 0.12, np.ones((3, 3)))[1] >= min(parts, digits)


def test_without_that_digits_are_cut_off() -> None:
    images = numbers(60, 2, keep=0.85)
    config = AfterConfig(shift_px=20, rotate_deg=25, zoom=0.5)
    moved = geometry.move(images, config, seeded())
    assert float(torch.cat([moved[:, 0, :, 0], moved[:, 0, :, -1]]).max()) > 0.5


@pytest.mark.parametrize("outside", Outside)
def test_the_wildest_movements_leave_numbers_in_range(outside: Outside) -> None:
    config = replace(WILD, outside=outside)
    images = torch.randint(0, 256, (200, 3, 32, 32), generator=seeded(1)).to(torch.uint8)
    moved = geometry.move(images, config, seeded())
    assert bool(moved.isfinite().all())
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 1 + 1e-6


def test_paper_comes_in_at_the_border_or_the_border_goes_on() -> None:
    images = torch.full((20, 1, 16, 16), 255, dtype=torch.uint8)
    paper, edge = (
        geometry.move(images, AfterConfig(shift_px=6, rotate_deg=30, outside=outside), seeded())
        for outside in (Outside.paper, Outside.edge)
    )
    assert float(paper.min()) == 0
    assert edge.flatten().tolist() == pytest.approx([1] * edge.numel(), abs=1e-5)
