"""The one door: whatever comes in, an image of the right shape comes out, and it does not matter how it was taken.

What the door does with real pictures is measured elsewhere; here stand the promises that no setting may break.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitkit.core.picture import Pixels
from digitkit.core.prediction import Thresholds
from digitkit.learn.loader import as_colour
from digitkit.learn.prepare import Prepare, Prepared
from digitkit.learn.recipe import Mode, PrepareConfig
from tests.conftest import DrawDigits

INK = Prepare(PrepareConfig()).eval()
PHOTO = Prepare(PrepareConfig(mode=Mode.photo, channels=3)).eval()
SHAPES = st.tuples(st.integers(1, 64), st.integers(1, 64))


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def digits(drawn_digits: DrawDigits) -> Pixels:
    """50 digits, bright ink on black: uint8 (50,28,28)."""
    drawn = drawn_digits(50, np.random.default_rng(0))
    return np.stack([drawn.pictures[index] for index in range(50)])


def prepare(door: Prepare, pixels: NDArray[np.uint8]) -> Prepared:
    """Grey (N,H,W) or colour (N,H,W,3) through the door."""
    made = door(torch.from_numpy(np.ascontiguousarray(as_colour(pixels))))
    assert isinstance(made, Prepared)
    return made


def check(made: Prepared, count: int, channels: int) -> None:
    """What holds for every picture."""
    assert made.image.shape == (count, channels, 28, 28)
    assert made.image.dtype == torch.float32
    for values in made:
        assert values.isfinite().all()
        assert 0 <= float(values.min()) <= float(values.max()) <= 1
    assert made.ink_share.shape == made.contrast.shape == (count,)


@given(SHAPES, st.integers(0, 2**32 - 1), st.sampled_from(["noise", "two tones", "nearly flat"]))
@example((1, 1), 0, "noise")
@example((1, 5000), 0, "noise")
@example((5000, 1), 0, "two tones")
@example((1024, 3), 0, "noise")
@example((3, 1024), 0, "nearly flat")
@settings(max_examples=60)
def test_any_picture_becomes_an_image(shape: tuple[int, int], seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    levels = {"noise": (0, 256), "two tones": (0, 2), "nearly flat": (127, 129)}[kind]
    pixels = rng.integers(*levels, (2, *shape, 3)).astype(np.uint8) * (255 if kind == "two tones" else 1)
    check(prepare(INK, pixels), 2, 1)
    check(prepare(PHOTO, pixels), 2, 3)


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (300, 200)])
def test_an_even_picture_is_blank(level: int, shape: tuple[int, int]) -> None:
    made = prepare(INK, np.full((1, *shape), level, np.uint8))
    limits = Thresholds()
    assert float(made.ink_share) < limits.ink_share or float(made.contrast) < limits.contrast


@pytest.mark.parametrize("size", [20, 28, 40])
def test_the_image_has_the_size_that_was_asked_for(digits: Pixels, size: int) -> None:
    made = prepare(Prepare(PrepareConfig(size=size, box=size - 8)).eval(), digits[:3])
    assert made.image.shape == (3, 1, size, size)


def test_drawn_digits_are_not_blank(digits: Pixels) -> None:
    made = prepare(INK, digits)
    assert float(made.ink_share.min()) > Thresholds().ink_share
    assert float(made.contrast.min()) > Thresholds().contrast


def test_dark_ink_on_white_gives_the_image_of_bright_ink_on_black(digits: Pixels) -> None:
    plain, inverted = prepare(INK, digits).image, prepare(INK, 255 - digits).image
    assert float((plain - inverted).abs().max()) < 1e-3


def test_the_image_shows_bright_ink_on_black(digits: Pixels) -> None:
    image = prepare(INK, 255 - digits).image
    assert float(image[:, :, (0, -1)].max()) == float(image[..., (0, -1)].max()) == 0
    assert float(image.amax((1, 2, 3)).min()) > 0.9


def test_a_digit_moved_on_a_larger_sheet_gives_nearly_the_same_image(digits: Pixels) -> None:
    rng = np.random.default_rng(1)
    sheets = np.zeros((len(digits), 64, 64), np.uint8)
    for sheet, digit in zip(sheets, digits, strict=True):
        top, left = rng.integers(0, 36, 2)
        sheet[top : top + 28, left : left + 28] = digit
    apart = (prepare(INK, digits).image - prepare(INK, sheets).image).abs().mean((1, 2, 3))
    assert float(apart.mean()) < 0.03
    assert float(apart.max()) < 0.1


def test_a_digit_drawn_four_times_larger_gives_nearly_the_same_image(drawn_digits: DrawDigits) -> None:
    small, large = (drawn_digits(20, np.random.default_rng(2), side=side).pictures for side in (56, 224))
    both = [prepare(INK, np.stack([pictures[index] for index in range(20)])).image for pictures in (small, large)]
    assert float((both[0] - both[1]).abs().mean()) < 0.03


def test_a_digit_in_colour_gives_nearly_the_image_of_the_grey_one(digits: Pixels) -> None:
    share = digits[..., None] / 255
    red_on_yellow = (share * [200, 20, 30] + (1 - share) * [250, 240, 150]).astype(np.uint8)
    apart = (prepare(INK, digits).image - prepare(INK, red_on_yellow).image).abs().mean()
    assert float(apart) < 0.05


def test_the_ink_has_its_centre_of_mass_in_the_middle(digits: Pixels) -> None:
    image = prepare(INK, digits).image.squeeze(1)
    places = torch.arange(28, dtype=torch.float32)
    mass = image.sum((1, 2))
    for axis in (1, 2):
        centre = (image.sum(axis) * places).sum(1) / mass
        assert float((centre - 13.5).abs().max()) < 0.5


def test_a_batch_gives_what_its_pictures_give_one_by_one(digits: Pixels) -> None:
    together = prepare(INK, digits)
    alone = [prepare(INK, digit[None]) for digit in digits]
    for column, values in enumerate(together):
        assert torch.allclose(values, torch.cat([each[column] for each in alone]), atol=1e-5)


def test_the_pictures_themselves_are_left_alone(digits: Pixels) -> None:
    pixels = torch.from_numpy(as_colour(digits))
    before = pixels.clone()
    INK(pixels)
    PHOTO(pixels)
    assert torch.equal(pixels, before)


def test_mode_photo_keeps_colour() -> None:
    made = prepare(PHOTO, np.tile(np.array([200, 100, 50], np.uint8), (1, 40, 40, 1)))
    assert made.image.mean((2, 3)).squeeze() * 255 == pytest.approx([200, 100, 50], abs=0.01)


def test_mode_photo_is_grey_when_one_channel_is_asked_for() -> None:
    door = Prepare(PrepareConfig(mode=Mode.photo)).eval()
    made = prepare(door, np.tile(np.array([200, 100, 50], np.uint8), (1, 40, 40, 1)))
    assert made.image.shape == (1, 1, 28, 28)
    assert float(made.image.mean()) * 255 == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=0.01)


def test_mode_photo_crops_the_middle() -> None:
    wide = np.zeros((1, 56, 168, 3), np.uint8)
    wide[:, :, 56:112] = 255  # the middle third is white, what lies beside it black
    assert float(prepare(PHOTO, wide).image.min()) > 0.7
    assert float(prepare(PHOTO, wide.transpose(0, 2, 1, 3)).image.mean()) > 0.95


def test_mode_photo_calls_nothing_blank() -> None:
    made = prepare(PHOTO, np.zeros((2, 10, 10, 3), np.uint8))
    assert made.ink_share.tolist() == made.contrast.tolist() == [1, 1]


def test_the_door_has_nothing_to_learn() -> None:
    assert list(INK.parameters()) == []
    assert INK.state_dict() == {}


def pen_strokes(width: int) -> Pixels:
    """A "7" drawn on 280 px with a pen of that width, (1,280,280), bright on black."""
    sheet = Image.new("L", (280, 280))
    ImageDraw.Draw(sheet).line([(70, 60), (200, 60), (120, 220)], fill=255, width=width, joint="curve")
    return np.asarray(sheet)[None]


def test_thin_strokes_are_made_as_wide_as_those_of_a_pen() -> None:
    ink = {width: float(prepare(INK, pen_strokes(width)).image.sum()) for width in (4, 8, 16)}
    as_drawn = Prepare(PrepareConfig(stroke=0)).eval()
    before = {width: float(prepare(as_drawn, pen_strokes(width)).image.sum()) for width in (4, 8, 16)}
    assert before[4] < 0.75 * before[16]
    assert ink[4] > 0.85 * ink[16]
    assert ink[16] == pytest.approx(before[16], rel=0.05)  # wide enough already
