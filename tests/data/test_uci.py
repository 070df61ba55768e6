"""UCI's text formats, line by line."""

from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import SourceError
from digitkit.data.uci import read_optdigits_originals, read_semeion
from tests.conftest import DrawDigits
from tests.fixtures.formats import binary, bitmaps, write_semeion
from tests.fixtures.lzw import pack_lzw


def test_a_bitmap_stands_as_it_is_drawn_in_the_text(tmp_path: Path) -> None:
    picture = np.zeros((1, 32, 32), np.uint8)
    picture[0, 2:30, 20] = 255
    text = bitmaps(picture, ["1"])
    assert text.splitlines()[-2:] == ["0" * 32, " 1"]
    (tmp_path / "optdigits-orig.tra.Z").write_bytes(pack_lzw(text.encode()))
    digits = read_optdigits_originals(tmp_path, "train")
    assert np.array_equal(digits.pictures[0], picture[0])
    assert digits.counts()["1"] == 1


@pytest.mark.parametrize(
    ("old", "new"), [(" 7\n", " x\n"), (" 7\n", " 17\n"), (" 7\n", ""), ("0" * 32 + "\n", "0" * 31 + "\n")]
)
def test_a_damaged_bitmap_is_one_error_with_its_line(tmp_path: Path, old: str, new: str) -> None:
    pictures = np.zeros((2, 32, 32), np.uint8)
    text = "".join(bitmaps(pictures, ["7", "3"]).rsplit(old, 1)) if not new else bitmaps(pictures, ["7", "3"])
    changed = text if not new else new.join(text.rsplit(old, 1))
    (tmp_path / "optdigits-orig.tra.Z").write_bytes(pack_lzw(changed.encode()))
    with pytest.raises(SourceError, match=r"optdigits-orig\.tra\.Z, line \d+: expected 32 lines"):
        read_optdigits_originals(tmp_path, "train")


def test_a_text_without_any_bitmap_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "optdigits-orig.tra.Z").write_bytes(pack_lzw(b"<html>not found</html>\n"))
    with pytest.raises(SourceError, match="has no pictures"):
        read_optdigits_originals(tmp_path, "train")


def test_the_parts_of_semeion_keep_the_share_of_each_class(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    drawn = drawn_digits(200, np.random.default_rng(0), 16)
    pictures = binary(np.stack([drawn.pictures[index] for index in range(200)]))
    write_semeion(tmp_path, {"train": (pictures, [label for _, label in drawn])})
    train, test = (read_semeion(tmp_path, part).counts() for part in ("train", "test"))
    assert (sum(train.values()), sum(test.values())) == (160, 40)
    assert all(abs(test[name] / (test[name] + train[name]) - 0.2) < 0.05 for name in train)


@pytest.mark.parametrize(
    "change", [("1.0000", "2.0000"), ("1.0000 ", ""), (" 1 ", " 0 "), ("0.0000", "zero"), ("0.0000", "nan")]
)
def test_a_damaged_line_of_semeion_is_one_error_with_its_number(tmp_path: Path, change: tuple[str, str]) -> None:
    pictures = np.zeros((3, 16, 16), np.uint8)
    pictures[:, 4] = 255
    write_semeion(tmp_path, {"train": (pictures, ["1", "2", "3"])})
    lines = (tmp_path / "semeion.data").read_text().splitlines()
    assert change[0] in lines[1]
    lines[1] = lines[1].replace(*change, 1)
    (tmp_path / "semeion.data").write_text("\n".join(lines))
    with pytest.raises(SourceError, match=r"semeion\.data, line 2: expected 256 values"):
        read_semeion(tmp_path, "train")
