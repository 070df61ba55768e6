from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import DigitSet, Ragged, origins_of
from digitkit.core.errors import StoreError
from digitkit.data.sheet import CELL, GAP, MARGIN, draw_sheet, write_sheet
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
