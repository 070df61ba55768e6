from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import DigitSet, Ragged, origins_of
from digitkit.core.errors import StoreError
from digitkit.data.sheet import CELL, GAP, MARGIN, draw_cells, draw_sheet, examples, write_sheet
from tests.conftest import DrawDigits


def test_each_class_has_a_row_with_its_own_pictures() -> None:
    labels = np.array([0, 1, 1], np.int64)
    pictures = Ragged.pack([np.full((8, 8), 40 * (index + 1), np.uint8) for index in range(3)])
    sheet = np.asarray(draw_sheet(DigitSet(pictures, labels, ("a", "b"), origins_of("s", "train", 3)), per_class=2))
    middle = GAP + CELL // 2
    row, column = CELL + GAP, MARGIN + CELL // 2
    assert sheet.shape == (2 * row + GAP, MARGIN + 2 * row, 3)
    assert [int(sheet[middle, column, 0]), int(sheet[middle + row, column, 0])] == [40, 80]
    assert int(sheet[middle + row, column + row, 0]) == 120


def test_pictures_of_any_shape_fit_into_their_cell() -> None:
    shapes = [(1, 1), (1, 300), (300, 1), (500, 400, 3), (3, 2)]
    pictures = Ragged.pack([np.zeros(shape, np.uint8) for shape in shapes])
    labels = np.zeros(len(shapes), np.int64)
    sheet = draw_sheet(DigitSet(pictures, labels, ("", "no pictures"), origins_of("s", "train", len(shapes))))
    assert sheet.height == 2 * (CELL + GAP) + GAP


def test_a_sheet_is_written_as_a_png(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    write_sheet(drawn_digits(40, np.random.default_rng(0)), tmp_path / "new" / "sheet.png")
    with Image.open(tmp_path / "new" / "sheet.png") as sheet:
        assert sheet.format == "PNG"


def test_a_sheet_that_cannot_be_written_leaves_nothing(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(StoreError, match=r"sheet\.png"):
        write_sheet(drawn_digits(10, np.random.default_rng(0)), tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_examples_are_spread_over_the_whole_set() -> None:
    labels = np.array([0, 1] * 50, np.int64)
    digits = DigitSet(
        Ragged.pack([np.zeros((2, 2), np.uint8)] * 100), labels, ("a", "b"), origins_of("s", "train", 100)
    )
    assert examples(digits, 1, 3).tolist() == [1, 49, 99]
    assert examples(digits, 1, 50).tolist() == list(range(1, 100, 2))


def test_cells_hold_pictures_side_by_side_in_rows() -> None:
    pictures = [np.full((8, 8), level, np.uint8) for level in (40, 80, 120, 160)]
    sheet = np.asarray(draw_cells("pairs", [(pictures[:2], "7 > 1"), (pictures[2:], "x")], columns=2))
    middles = [GAP + CELL // 2 + place * CELL for place in (0, 1)]
    rows = [int(np.flatnonzero(sheet[:, middles[0], 0] == level)[0]) + CELL // 2 for level in (40, 120)]
    assert [int(sheet[row, column, 0]) for row in rows for column in middles] == [40, 80, 120, 160]
    assert rows[1] > rows[0] + CELL


def test_a_page_of_nothing_is_a_page() -> None:
    assert draw_cells("nothing was found", []).width > 100
