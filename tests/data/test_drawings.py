"""Scribbles, things and noise: drawn alike every time, each picture from its number alone."""

import numpy as np
import pytest

from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data import drawings
from digitkit.data.catalogue import SOURCES
from digitkit.data.stock import is_here, source_folder
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.noise import TEXTURES, Texture, draw_noise
from digitkit.data.synthetic.scribbles import SHAPES, Shape, draw_scribble, sides_of
from digitkit.data.synthetic.signs import SIGNS
from digitkit.data.synthetic.things import FULLEST, SLIMMEST, draw_thing
from digitkit.data.synthetic.warp import Frame

DRAWN = {"scribbles": draw_scribble, "things": draw_thing, "noise": draw_noise}
every_drawing = pytest.mark.parametrize("name", DRAWN)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "COUNTS", {"train": 30, "test": 20})


@every_drawing
def test_pictures_are_grey_of_mixed_sides_and_show_something(name: str, few: None) -> None:
    digits = SOURCES[name].read(source_folder(SOURCES[name]), "train")
    pictures = [digits.pictures[index] for index in range(len(digits))]
    assert digits.counts() == {NOT_A_DIGIT: 30}
    assert all(28 <= side <= 64 for picture in pictures for side in picture.shape)
    assert len({picture.shape for picture in pictures}) > 10
    assert {picture.ndim for picture in pictures} == {2}
    assert min(int(picture.max()) - int(picture.min()) for picture in pictures) > 50


@every_drawing
def test_a_picture_depends_on_its_part_and_number_alone(name: str, few: None) -> None:
    train, test = (SOURCES[name].read(source_folder(SOURCES[name]), part) for part in ("train", "test"))
    assert np.array_equal(train.pictures[7], DRAWN[name](Dice(name, "train", 7)))
    assert np.array_equal(test.pictures[7], DRAWN[name](Dice(name, "test", 7)))
    assert not np.array_equal(train.pictures[7], test.pictures[7])


@every_drawing
def test_what_is_drawn_is_always_here_and_said_without_drawing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "COUNTS", {})  # drawing would fail
    assert is_here(SOURCES[name])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_no_scribble_is_one_straight_stroke_which_would_be_a_one(shape: Shape) -> None:
    for number in range(20):
        points = np.array([point for line in shape(Dice("a", number)) for point in line])
        assert len(points) >= 3
        assert np.linalg.matrix_rank(points - points.mean(axis=0), tol=0.05) == 2


def test_no_thing_is_so_slim_or_hollow_that_it_could_be_a_digit() -> None:
    for number in range(60):
        picture = draw_thing(Dice("c", number)).astype(np.float32)
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        cover = np.abs(picture - np.median(border)) > 40
        rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
        if len(rows) == 0 or cover[[0, -1]].any() or cover[:, [0, -1]].any():
            continue  # what it stands on cannot be told from the border
        high, wide = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
        assert min(high, wide) >= 0.8 * SLIMMEST * max(high, wide)
        assert cover.sum() >= 0.4 * FULLEST * high * wide  # patterns and shading take some of it away


@pytest.mark.parametrize("texture", TEXTURES, ids=lambda texture: texture.__name__)
def test_a_texture_fills_the_picture_that_was_asked_for(texture: Texture) -> None:
    for number in range(10):
        frame = Frame(*sides_of(Dice("sides", number)))
        plane = texture(frame, Dice("b", number))
        assert plane.shape == (frame.height, frame.width)
        assert np.isfinite(plane).all()
        assert float(plane.max() - plane.min()) > 0.05


def test_every_sign_lies_in_its_box() -> None:
    corners = np.concatenate([np.array(line) for lines in SIGNS.values() for line in lines])
    assert np.abs(corners).max() <= 1.15
