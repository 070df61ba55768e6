from collections.abc import Callable

import numpy as np
import pytest

from digitkit.data.synthetic.colours import Pair, contrast, rgb
from digitkit.data.synthetic.degrade import DEFAULTS, Degradation, degrade
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.hand import cut_out, lean_of, stroke_of
from digitkit.data.synthetic.plan import STYLES, Job
from digitkit.data.synthetic.scene import bounds_of, to_pixels
from digitkit.data.synthetic.studio import Studio

OpenStudio = Callable[..., Studio]

every_style = pytest.mark.parametrize("style", STYLES)
SEEDS = 25


@every_style
@pytest.mark.parametrize("label", ["100", "88", "1", "00", "444"])
def test_no_number_is_clipped(style: str, label: str, studio: OpenStudio) -> None:
    open_ = studio(style=style, classes=[label], size=[16, 80], aspect=[0.4, 2.0])
    for index in range(SEEDS):
        ink = open_.draw(Job("train", label, index)).ink
        border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
        assert float(border.max()) == 0, f"{style} {label} {index}: ink on the border"
        bounds = bounds_of(ink)
        assert min(bounds.bottom - bounds.top, (bounds.right - bounds.left) * 2) >= 6
        assert float(ink.max()) > 0.3


@every_style
def test_a_number_shows_all_its_digits(style: str, studio: OpenStudio) -> None:
    open_ = studio(style=style, classes=["8", "888"], size=64, aspect=1)
    shapes = {}
    for label in ("8", "888"):
        drawn = [bounds_of(open_.draw(Job("train", label, index)).ink) for index in range(SEEDS)]
        shapes[label] = np.median([(one.right - one.left) / (one.bottom - one.top) for one in drawn])
    assert shapes["888"] > 1.4 * shapes["8"]


@every_style
def test_a_picture_is_rgb_of_the_planned_size(style: str, studio: OpenStudio) -> None:
    open_ = studio(style=style, size=[20, 40], aspect=[0.5, 2])
    shapes = [open_.make(Job("train", "23", index)).shape for index in range(20)]
    assert {shape[2] for shape in shapes} == {3}
    assert all(20 <= high <= 40 and 0.45 <= wide / high <= 2.05 for high, wide, _ in shapes)
    assert len({shape[0] for shape in shapes}) > 5
    assert open_.make(Job("train", "7", 0)).dtype == np.uint8


@every_style
def test_pictures_of_one_class_differ(style: str, studio: OpenStudio) -> None:
    open_ = studio(style=style, size=32, aspect=1)
    assert len({open_.encode(Job("train", "7", index)) for index in range(30)}) == 30


@every_style
def test_large_pictures_are_drawn_as_well(style: str, studio: OpenStudio) -> None:
    drawing = studio(style=style, size=300, aspect=1).draw(Job("train", "23", 0))
    assert drawing.surface.shape == (3, 300, 300)
    assert np.isfinite(drawing.surface).all()


@every_style
def test_chosen_colours_are_kept_and_can_be_told_apart(style: str, studio: OpenStudio) -> None:
    open_ = studio(style=style, colours={"pairs": [{"ink": "red", "ground": "white"}]})
    assert {open_.draw(Job("train", "23", index)).pair for index in range(10)} == {Pair("red", "white")}
    target = open_.draw(Job("train", "23", 0, Pair("yellow", "navy")))
    assert target.pair == Pair("yellow", "navy")


def test_a_targeted_pair_is_what_is_seen(studio: OpenStudio) -> None:
    open_ = studio(style="jersey", degrade={"share": 0}, size=96, aspect=1)
    drawings = [open_.draw(Job("train", "8", index, Pair("red", "white"))) for index in range(12)]
    for drawing in drawings:
        seen = to_pixels(drawing.surface)[drawing.ink > 0.9].mean(axis=0)
        assert contrast((seen[0], seen[1], seen[2]), rgb("blue")) > 0.2
    reds = [to_pixels(one.surface)[one.ink > 0.9].mean(axis=0) for one in drawings]
    assert np.mean([red[0] - (red[1] + red[2]) / 2 for red in reds]) > 40


def test_colours_that_a_style_chooses_have_the_planned_contrast(studio: OpenStudio) -> None:
    open_ = studio(style="jersey", colours={"contrast": 0.5})
    pairs = [open_.draw(Job("train", "7", index)).pair for index in range(40)]
    assert min(pair.contrast for pair in pairs) >= 0.5
    assert len(set(pairs)) > 15


def test_a_picture_that_is_not_degraded_is_what_was_drawn(studio: OpenStudio) -> None:
    open_ = studio(degrade={"share": 0})
    job = Job("train", "7", 3)
    assert (open_.make(job) == to_pixels(open_.draw(job).surface)).all()


@pytest.mark.parametrize("step", ["light", "blur", "shake", "shrink", "noise", "jpeg"])
def test_each_degradation_changes_a_picture_and_keeps_its_size(step: str, studio: OpenStudio) -> None:
    off = {
        "light": (1.0, 1.0),
        "blur": (0.01, 0.01),
        "shake": (0, 0),
        "shrink": (1, 1),
        "noise": (0, 0),
        "jpeg": (95, 95),
    }
    usual = DEFAULTS["jersey"]
    drawing = studio(size=64).draw(Job("train", "7", 1))
    quiet = Degradation(1.0, **off)
    strong = Degradation(1.0, **{**off, step: (getattr(usual, step)[0 if step in ("jpeg", "light") else 1],) * 2})
    pictures = [degrade(drawing.surface, drawing.ink, how, Dice(4)) for how in (quiet, strong)]
    assert pictures[0].shape == pictures[1].shape
    assert float(np.abs(pictures[0].astype(int) - pictures[1]).mean()) > 0.5


def test_degrading_is_seeded(studio: OpenStudio) -> None:
    drawing = studio().draw(Job("train", "7", 1))
    how = Degradation(share=1.0)
    first, second, other = (degrade(drawing.surface, drawing.ink, how, Dice(seed)) for seed in (1, 1, 2))
    assert (first == second).all()
    assert not (first == other).all()


def test_two_of_the_same_digit_in_one_handwritten_number_differ(studio: OpenStudio) -> None:
    hand = studio(style="handwriting").casts["train"].hand
    assert hand is not None
    dice = Dice(0)
    assert len({hand.digit("8", dice).tobytes() for _ in range(20)}) > 1


@pytest.mark.parametrize("dark", [False, True])
def test_a_digit_is_cut_out_whatever_its_polarity(dark: bool) -> None:
    picture = np.full((20, 20), 30, np.uint8)
    picture[5:15, 8:11] = 220
    inked = cut_out(255 - picture if dark else picture)
    assert inked.shape == (14, 7)
    assert (inked[2:-2, 2:-2] == 255).all()
    assert int(inked[0].max()) == 0


def test_the_lean_and_the_stroke_of_a_digit_are_measured() -> None:
    upright, leaning = np.zeros((60, 60), np.uint8), np.zeros((60, 60), np.uint8)
    for row in range(60):
        upright[row, 27:33] = 255
        leaning[row, 57 - row // 2 - 6 : 57 - row // 2] = 255
    assert abs(lean_of(upright)) < 0.02
    assert 0.4 < lean_of(leaning) < 0.6
    assert 5 < stroke_of(np.pad(upright, 3)) < 9


def test_a_blank_picture_is_no_reason_to_stop() -> None:
    assert int(cut_out(np.full((8, 8), 77, np.uint8)).max()) == 0
