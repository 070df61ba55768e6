"""Kaggle's tables: what they hold, and one message with the line for each kind of damage."""

from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.catalogue import find_source
from digitkit.data.kaggle import read_rows
from digitkit.data.splits import SplitPlan, build
from tests.conftest import DrawDigits
from tests.fixtures.formats import kaggle_table

NOWHERE = Path()


@pytest.fixture
def drawn(drawn_digits: DrawDigits) -> tuple[Pixels, list[str]]:
    digits = drawn_digits(60, np.random.default_rng(0))
    return np.stack([digits.pictures[index] for index in range(60)]), [label for _, label in digits]


def test_the_training_table_is_read_in_its_order_with_its_labels(
    tmp_path: Path, drawn: tuple[Pixels, list[str]]
) -> None:
    (tmp_path / "train.csv").write_text(kaggle_table(*drawn))
    for spec in (f"kaggle:{tmp_path}", f"kaggle:{tmp_path / 'train.csv'}"):
        source = find_source(spec)
        digits = source.read(NOWHERE, "train")
        assert (source.parts, source.ink) == (("train",), "bright")
        assert [label for _, label in digits] == drawn[1]
        assert all(np.array_equal(digits.pictures[index], drawn[0][index]) for index in range(60))


def test_the_test_table_has_pictures_without_labels(tmp_path: Path, drawn: tuple[Pixels, list[str]]) -> None:
    (tmp_path / "test.csv").write_text(kaggle_table(drawn[0], None))
    rows = list(read_rows(tmp_path / "test.csv"))
    assert [row.line for row in rows] == list(range(2, 62))
    assert {row.label for row in rows} == {None}
    assert np.array_equal(np.stack([row.picture for row in rows]), drawn[0])


def test_lines_may_end_as_on_windows_and_blank_ones_are_passed_over(
    tmp_path: Path, drawn: tuple[Pixels, list[str]]
) -> None:
    text = kaggle_table(drawn[0][:2], drawn[1][:2]).replace("\n", "\r\n")
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n")
    assert [row.label for row in read_rows(tmp_path / "train.csv")] == drawn[1][:2]


def damaged(table: str, line: int, change: tuple[str, str]) -> str:
    """A table with one line changed, counted from 1."""
    lines = table.split("\n")
    assert change[0] in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(*change, 1)
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "change", "says"),
    [
        (1, ("pixel5,", ""), "line 1: expected the columns label"),
        (1, ("label", "digit"), "line 1: expected the columns label"),
        (3, ("0,0,0", "0,0"), "line 3: expected 785 values, got 784"),
        (4, ("0,0,0", "0,0,0,0"), "line 4: expected 785 values, got 786"),
        (2, (",0,0,", ",300,0,"), "line 2: expected pixels from 0 to 255, got '300'"),
        (2, (",0,0,", ",-1,0,"), "line 2: expected pixels from 0 to 255, got '-1'"),
        (2, (",0,0,", ",0.5,0,"), "line 2: expected pixels from 0 to 255, got '0.5'"),
        (2, (",0,0,", ",,0,"), "line 2: expected pixels from 0 to 255, got ''"),
    ],
)
def test_a_damaged_line_is_one_message_with_its_number(
    tmp_path: Path, drawn: tuple[Pixels, list[str]], line: int, change: tuple[str, str], says: str
) -> None:
    (tmp_path / "train.csv").write_text(damaged(kaggle_table(*drawn), line, change))
    with pytest.raises(SourceError) as caught:
        find_source(f"kaggle:{tmp_path}").read(NOWHERE, "train")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_label_beyond_nine_is_one_message_with_its_line(tmp_path: Path, drawn: tuple[Pixels, list[str]]) -> None:
    (tmp_path / "train.csv").write_text(kaggle_table(drawn[0], ["4", "12", *drawn[1][2:]]))
    with pytest.raises(SourceError, match=r"line 3: expected a label from 0 to 9, got '12'"):
        find_source(f"kaggle:{tmp_path}").read(NOWHERE, "train")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00picture", b"0" * 10**6, b"PK\x03\x04"])
def test_what_is_no_table_at_all_is_one_short_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        find_source(f"kaggle:{tmp_path}").read(NOWHERE, "train")
    assert str(tmp_path / "train.csv") in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_table_without_rows_or_without_labels_gives_nothing_to_learn_from(
    tmp_path: Path, drawn: tuple[Pixels, list[str]]
) -> None:
    (tmp_path / "train.csv").write_text(kaggle_table(drawn[0][:0], ["0"]).splitlines()[0])
    with pytest.raises(SourceError, match="no pictures"):
        find_source(f"kaggle:{tmp_path}").read(NOWHERE, "train")
    (tmp_path / "test.csv").write_text(kaggle_table(drawn[0], None))
    with pytest.raises(SourceError, match="no labels to learn from"):
        find_source(f"kaggle:{tmp_path / 'test.csv'}").read(NOWHERE, "train")


def test_a_folder_without_the_table_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"train\.csv"):
        find_source(f"kaggle:{tmp_path}")


def test_a_run_that_learns_from_it_is_marked_as_contaminated(tmp_path: Path, drawn: tuple[Pixels, list[str]]) -> None:
    (tmp_path / "train.csv").write_text(kaggle_table(*drawn))
    report = build(SplitPlan((f"kaggle:{tmp_path}",))).report
    assert any(line.startswith("Contaminated") and "mnist/test" in line for line in report.notes)
    assert report.contaminated == ("mnist/test", "qmnist/test")
