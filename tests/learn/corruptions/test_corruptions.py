"""The 15 corruptions: what all of them promise, and what each does according to the benchmark."""

from itertools import pairwise

import numpy as np
import pytest

from digitkit.core.digitset import Dense
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.learn.corruptions import CORRUPTIONS, SIDE, canvas, corrupt
from digitkit.learn.corruptions.corruption import Dice
from digitkit.learn.corruptions.weather import plasma
from tests.conftest import DrawDigits

COUNT = 24
DRAW_NOTHING = ("scale", "brightness", "stripe", "canny_edges")
every = pytest.mark.parametrize("name", CORRUPTIONS)


@pytest.fixture(scope="module")
def pictures(drawn_digits: DrawDigits) -> Pixels:
    """Drawn digits, uint8 (24,28,28)."""
    drawn = drawn_digits(COUNT, np.random.default_rng(1)).pictures
    assert isinstance(drawn, Dense)
    return drawn.pixels


def centre(picture: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The centre of mass, row and column in px."""
    shares = picture / picture.sum()
    return np.asarray((np.mgrid[:SIDE, :SIDE] * shares).sum((1, 2)), np.float64)


def test_there_are_those_of_the_benchmark() -> None:
    assert list(CORRUPTIONS) == [
        "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate", "translate",
        "dotted_line", "zigzag", "canny_edges", "brightness", "stripe", "fog", "spatter",
    ]  # fmt: skip


@every
def test_every_picture_is_changed_and_keeps_its_shape(name: str, pictures: Pixels) -> None:
    before = pictures.copy()
    spoilt = corrupt(pictures, name, range(COUNT))
    assert spoilt.shape == pictures.shape
    assert spoilt.dtype == np.uint8
    assert (spoilt != pictures).any((1, 2)).all()
    assert np.array_equal(pictures, before)


@every
def test_a_picture_is_spoilt_alike_in_any_batch(name: str, pictures: Pixels) -> None:
    whole = corrupt(pictures, name, range(COUNT))
    cuts = [0, 1, 8, 9, COUNT]
    pieces = [corrupt(pictures[start:end], name, range(start, end)) for start, end in pairwise(cuts)]
    assert np.array_equal(whole, np.concatenate(pieces))
    backwards = range(COUNT - 1, -1, -1)
    assert np.array_equal(whole, corrupt(pictures[::-1], name, backwards)[::-1])


@every
def test_another_seed_or_another_index_draws_anew(name: str, pictures: Pixels) -> None:
    spoilt, other = (corrupt(pictures, name, range(COUNT), seed) for seed in (0, 1))
    moved = corrupt(pictures, name, range(100, 100 + COUNT))
    assert np.array_equal(spoilt, other) == np.array_equal(spoilt, moved) == (name in DRAW_NOTHING)


@every
def test_no_pictures_are_no_trouble(name: str) -> None:
    assert corrupt(np.zeros((0, SIDE, SIDE), np.uint8), name, []).shape == (0, SIDE, SIDE)


@every
def test_blank_pictures_are_no_trouble(name: str) -> None:
    assert corrupt(np.zeros((2, SIDE, SIDE), np.uint8), name, [0, 1]).shape == (2, SIDE, SIDE)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Unknown corruption .fogg.\. Did you mean .fog."):
        corrupt(np.zeros((1, SIDE, SIDE), np.uint8), "fogg", [0])


def test_shot_noise_counts_thirds(pictures: Pixels) -> None:
    spoilt = corrupt(pictures, "shot_noise", range(COUNT))
    assert set(np.unique(spoilt)) <= {0, 85, 170, 255}
    assert not spoilt[pictures == 0].any()


def test_impulse_noise_replaces_17_percent_by_black_and_white(pictures: Pixels) -> None:
    spoilt = corrupt(np.full((COUNT, SIDE, SIDE), 100, np.uint8), "impulse_noise", range(COUNT))
    assert set(np.unique(spoilt)) == {0, 100, 255}
    assert (spoilt != 100).mean() == pytest.approx(0.17, abs=0.015)
    assert (spoilt == 0).mean() == pytest.approx((spoilt == 255).mean(), abs=0.015)


@pytest.mark.parametrize("name", ["glass_blur", "motion_blur"])
def test_blur_keeps_the_ink_and_spreads_it(name: str, pictures: Pixels) -> None:
    spoilt = corrupt(pictures, name, range(COUNT)).astype(float)
    assert spoilt.sum((1, 2)) == pytest.approx(pictures.sum((1, 2)), rel=0.03)
    assert ((spoilt > 10).sum((1, 2)) > (pictures > 10).sum((1, 2))).all()


def test_motion_leaves_its_trail_nearer_to_the_horizontal() -> None:
    dot = np.zeros((COUNT, SIDE, SIDE), np.uint8)
    dot[:, 14, 20] = 255
    rows, columns = np.abs(
        np.array([centre(each) for each in corrupt(dot, "motion_blur", range(COUNT))]).T - [[14], [20]]
    )
    assert (rows <= columns + 0.1).all()
    assert (columns > 1).all()


def test_a_small_digit_has_half_the_ink_and_stays_in_the_middle(pictures: Pixels) -> None:
    spoilt = corrupt(pictures, "scale", range(COUNT))
    assert spoilt.sum() / pictures.sum() == pytest.approx(0.49, abs=0.01)
    for before, after in zip(pictures, spoilt, strict=True):
        assert centre(after) - 13.5 == pytest.approx(0.7 * (centre(before) - 13.5), abs=0.1)


def test_a_turned_stroke_leans_by_the_angle_to_either_side() -> None:
    stroke = np.zeros((COUNT, SIDE, SIDE), np.uint8)
    stroke[:, 6:22, 13:15] = 255
    spoilt = corrupt(stroke, "rotate", range(COUNT))
    leans = [centre(np.where(np.arange(SIDE)[:, None] < 10, each, 0))[1] - 13.5 for each in spoilt]
    assert {round(abs(lean) / 2) for lean in leans} == {1}
    assert {np.sign(lean) for lean in leans} == {-1, 1}


def test_a_sheared_stroke_keeps_its_rows() -> None:
    stroke = np.zeros((COUNT, SIDE, SIDE), np.uint8)
    stroke[:, 6:22, 13:15] = 255
    spoilt = corrupt(stroke, "shear", range(COUNT))
    assert np.array_equal(spoilt.any(2), stroke.any(2))
    tops = [centre(np.where(np.arange(SIDE)[:, None] == 6, each, 0))[1] for each in spoilt]
    assert sorted({round(top - 13.5, 1) for top in tops}) == [-3.0, 3.0]


def test_a_picture_moves_by_three_along_both_axes(pictures: Pixels) -> None:
    framed = np.zeros_like(pictures)
    framed[:, 4:24, 4:24] = pictures[:, 4:24, 4:24]
    spoilt = corrupt(framed, "translate", range(COUNT))
    moves = {
        (down, right)
        for before, after in zip(framed, spoilt, strict=True)
        for down in (-3, 3)
        for right in (-3, 3)
        if np.array_equal(np.roll(before, (down, right), (0, 1)), after)
    }
    assert len(moves) == 4
    assert spoilt.sum() == framed.sum()


def test_a_dotted_line_crosses_the_picture_with_gaps(pictures: Pixels) -> None:
    spoilt = corrupt(np.zeros_like(pictures), "dotted_line", range(COUNT))
    inked = spoilt.any(1)
    assert (inked == (np.arange(SIDE) // 2 % 2 == 0)).all()


def test_a_zigzag_swings_by_two_and_leaves_the_border_free() -> None:
    spoilt = corrupt(np.zeros((COUNT, SIDE, SIDE), np.uint8), "zigzag", range(COUNT))
    assert not (spoilt[:, :, [0, 27]] > 0).any()
    assert (spoilt[:, :, 3:25] == 255).any(1).mean() > 0.4
    heights = [np.flatnonzero(each.any(1)) for each in spoilt]
    assert max(rows[-1] - rows[0] for rows in heights) <= 2 * (2 + 1.5) + 5 + 1


def test_edges_are_binary_thin_and_around_the_ink(pictures: Pixels) -> None:
    square = np.zeros((1, SIDE, SIDE), np.uint8)
    square[:, 8:20, 8:20] = 255
    edges = corrupt(square, "canny_edges", [0])[0]
    assert set(np.unique(edges)) == {0, 255}
    assert not edges[11:17, 11:17].any()
    assert all(np.count_nonzero(edges[row]) == 2 for row in range(11, 17))
    assert all(np.count_nonzero(edges[:, column]) == 2 for column in range(11, 17))


def test_light_stripe_and_mud_have_the_tones_of_the_benchmark(pictures: Pixels) -> None:
    light, stripe, mud = (corrupt(pictures, name, range(COUNT)) for name in ("brightness", "stripe", "spatter"))
    assert light.min() == 128
    assert np.array_equal(stripe[:, :, 7:21], pictures[:, :, 7:21])
    assert np.array_equal(stripe[:, :, :7], 255 - pictures[:, :, :7])
    assert np.array_equal(stripe[:, :, 21:], 255 - pictures[:, :, 21:])
    assert set(np.unique(mud[mud != pictures])) == {63}
    assert 0.03 < (mud == 63).mean() < 0.3


def test_fog_is_a_cloud_over_all_levels_that_lets_the_ink_through(pictures: Pixels) -> None:
    field = plasma(Dice("fog", 0, range(COUNT)))
    assert (field.min((1, 2)) == 0).all()
    assert (field.max((1, 2)) == 1).all()
    steps = np.abs(np.diff(field, axis=1)).mean(), np.abs(field[:, 16:] - field[:, :16]).mean()
    assert steps[0] < steps[1] / 2
    spoilt = corrupt(pictures, "fog", range(COUNT)).astype(float)
    brightest = pictures.max((1, 2)) / 255
    assert (spoilt.max((1, 2)) <= 255 * brightest + 1).all()
    assert spoilt[pictures > 200].mean() > spoilt[pictures == 0].mean() + 30


@pytest.mark.parametrize("shape", [(28, 28), (16, 16), (8, 5), (100, 40), (1, 1), (60, 60, 3), (1, 300)])
def test_any_picture_becomes_a_canvas(shape: tuple[int, ...]) -> None:
    picture = np.zeros(shape, np.uint8)
    assert canvas(picture).shape == (SIDE, SIDE)
    assert not canvas(255 - picture).any()


def test_a_canvas_stays_as_it_is_and_dark_ink_becomes_bright(pictures: Pixels) -> None:
    assert np.array_equal(canvas(pictures[0]), pictures[0])
    assert np.array_equal(canvas(255 - pictures[0]), pictures[0])
    assert np.array_equal(canvas(np.repeat(pictures[0][..., None], 3, 2)), pictures[0])
