"""Striped and cloudy paper is found, and nothing else is taken for it."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import zoom
from torch import Tensor

from digitkit.core.prediction import Thresholds
from digitkit.learn.augment.before import lift
from digitkit.learn.ink import Ink
from digitkit.learn.loader import as_colour
from digitkit.learn.recipe import PrepareConfig
from tests.conftest import DrawDigits

Shares = NDArray[np.float64]
DOOR = Ink(PrepareConfig()).eval()
COUNT = 40


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", params=[28, 112])
def digits(request: pytest.FixtureRequest, drawn_digits: DrawDigits) -> Shares:
    """Bright ink on black, 0..1: (N,side,side)."""
    drawn = drawn_digits(COUNT, np.random.default_rng(0), side=request.param)
    return np.stack([drawn.pictures[index] for index in range(COUNT)]) / 255


def pixels(pictures: Shares) -> Tensor:
    return torch.from_numpy(as_colour((pictures * 255).round().clip(0, 255).astype(np.uint8)))


def apart(first: Shares, second: Shares) -> float:
    """How far the images of the same digits lie apart, on average over pictures and px."""
    return float((DOOR(pixels(first))[0] - DOOR(pixels(second))[0]).abs().mean())


def banded(pictures: Shares, low: float, high: float, across: bool = False) -> Shares:
    """The outer quarters of the width, or of the height, with the tones of ink and paper swapped."""
    spoilt = pictures.copy() if not across else pictures.transpose(0, 2, 1).copy()
    quarter = pictures.shape[1] // 4
    for columns in (slice(0, quarter), slice(-quarter, None)):
        spoilt[:, :, columns] = 1 - spoilt[:, :, columns]
    return low + (high - low) * (spoilt.transpose(0, 2, 1) if across else spoilt)


def clouds(count: int, side: int, rng: np.random.Generator, patches: int = 4) -> Shares:
    """Smooth patches of light, so many side by side, 0..1: (count,side,side)."""
    rough = rng.random((count, patches, patches))
    smooth = np.stack([zoom(each, side / patches, order=3, mode="nearest", grid_mode=True) for each in rough])
    low, high = smooth.min((1, 2), keepdims=True), smooth.max((1, 2), keepdims=True)
    found: Shares = (smooth - low) / (high - low)
    return found


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 0), (0.3, 0.6)])
@pytest.mark.parametrize("across", [False, True])
def test_a_digit_over_bands_of_swapped_tones_gives_nearly_the_image_of_the_plain_one(
    digits: Shares, low: float, high: float, across: bool
) -> None:
    spoilt = banded(digits, low, high, across)
    assert DOOR.find(pixels(spoilt)).fold.lt(0).float().mean() > 0.9
    assert apart(digits, spoilt) < 0.03


@pytest.mark.parametrize("where", [0.35, 0.5, 0.62])
def test_the_edge_of_another_paper_is_not_taken_for_ink(digits: Shares, where: float) -> None:
    spoilt = 0.1 + 0.4 * digits
    spoilt[:, :, : round(where * digits.shape[2])] += 0.35
    assert DOOR.find(pixels(spoilt)).fold.lt(0).float().mean() > 0.9
    assert apart(digits, spoilt) < 0.02


def test_no_plain_picture_has_bands_however_its_strokes_touch_the_border(digits: Shares) -> None:
    side = digits.shape[1]
    cropped = digits[:, side // 5 : -side // 5, side // 5 : -side // 5]
    bars = np.zeros((3, side, side))
    bars[0, :, side // 2 : side // 2 + side // 7] = bars[1, side // 3 : side // 3 + side // 7] = 1
    bars[2, :, side // 8 : side // 4] = bars[2, :, -side // 4 : -side // 8] = 1
    for pictures in (digits, 1 - digits, cropped, bars, 1 - bars):
        found = DOOR.find(pixels(pictures))
        assert bool((found.fold == 1).all())
        assert not found.columns.any()
        assert not found.rows.any()


@pytest.mark.parametrize(("fades", "right"), [(0.1, 1), (0.2, 1), (0.3, 0.9)])
def test_light_that_fades_towards_the_borders_is_no_band(digits: Shares, fades: float, right: float) -> None:
    places = np.linspace(-1, 1, digits.shape[1])
    light = 0.9 - fades * (places[:, None] ** 2 + places**2) / 2
    for pictures in (light * (1 - 0.4 * digits), light - 0.2 * digits):
        found = DOOR.find(pixels(pictures))
        assert bool((found.fold == 1).all())
        assert (found.scale < 0).float().mean() >= right


def test_a_faint_digit_on_cloudy_paper_is_found_in_either_tone(digits: Shares) -> None:
    paper = clouds(COUNT, digits.shape[1], np.random.default_rng(1))
    bright = (2 * paper + digits) / 3
    told = [DOOR.find(pixels(pictures)).scale.flatten() > 0 for pictures in (bright, 1 - bright)]
    assert bool(told[0].all())
    assert not told[1].any()
    assert apart(digits, bright) < 0.06


@pytest.mark.parametrize("side", [28, 112])
def test_cloudy_paper_with_nothing_on_it_is_blank(side: int) -> None:
    paper = 0.425 + 0.15 * clouds(200, side, np.random.default_rng(2), patches=7)
    contrast = DOOR(pixels(paper))[2]
    assert (contrast < Thresholds().contrast).float().mean() >= 0.95


def test_ink_is_lifted_off_bands_as_off_plain_paper(digits: Shares) -> None:
    plain, spoilt = lift(DOOR, pixels(digits)), lift(DOOR, pixels(banded(digits, 0, 1)))
    assert float((plain.ink - spoilt.ink).abs().mean()) < 0.02
