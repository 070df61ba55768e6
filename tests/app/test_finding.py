"""Where in a frame a digit may be."""

import numpy as np
import pytest

from digitkit.app.finding import Box, find_marks, name_parts
from tests.app.film import empty, frame


@pytest.mark.parametrize("label", range(10))
def test_the_box_goes_around_the_digit_and_leaves_the_sleeve_out(label: int) -> None:
    marks = find_marks(frame(label, 300, 120, np.random.default_rng(0)))
    assert marks
    box = marks[0]
    assert box.left <= 330
    assert box.right >= 410
    assert box.top <= 135
    assert box.bottom >= 255
    assert box.side < 300


def test_a_bright_digit_on_a_dark_ground_is_found_too() -> None:
    seen = find_marks(255 - frame(3, 200, 100, np.random.default_rng(0)))
    assert seen[0].likeness(find_marks(frame(3, 200, 100, np.random.default_rng(0)))[0]) > 0.9


def test_empty_paper_has_no_mark() -> None:
    assert find_marks(empty(np.random.default_rng(0))) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 700, 3), (700, 2, 3), (28, 28, 3)])
def test_frames_of_any_shape_are_searched(shape: tuple[int, int, int]) -> None:
    assert find_marks(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)) == []


def test_parts_hang_together_over_corners_and_along_spirals() -> None:
    drawn = ["#####.#", "....#.#", "###.#.#", "#.#.#..", "#...#..", "#####.#"]
    names = name_parts(np.array([[sign == "#" for sign in row] for row in drawn]))
    assert len(set(names[names > 0].tolist())) == 3
    assert names[0, 0] == names[3, 2]
    diagonal = name_parts(np.eye(50, dtype=np.bool_))
    assert len(set(diagonal[diagonal > 0].tolist())) == 1


def test_boxes_are_as_like_as_what_they_share() -> None:
    box = Box(0, 0, 10, 10)
    assert box.likeness(box) == 1
    assert box.likeness(Box(10, 0, 20, 10)) == 0
    assert box.likeness(Box(0, 0, 10, 5)) == 0.5
