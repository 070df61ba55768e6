import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import SourceError
from digitkit.data.catalogue import find_source
from digitkit.data.source import Source
from digitkit.data.splits import SplitPlan, build
from tests.fixtures.numbers import CLASSES, write_numbers

NOWHERE = Path()


def save(path: Path, level: int = 0) -> Path:
    """A small picture of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(level).integers(0, 256, (6, 8), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def annotate(path: Path, *rows: dict[str, Any] | str | bytes) -> Path:
    """Write rows, one on each line; text as it is."""
    lines = [
        row if isinstance(row, bytes) else (row if isinstance(row, str) else json.dumps(row)).encode() for row in rows
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def row(image: str, suffix: object) -> dict[str, object]:
    return {"image": image, "prefix": "Read the number.", "suffix": suffix, "metadata": {"camera": 3}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, a to c, beside no annotations yet."""
    for level, name in enumerate("abc"):
        save(tmp_path / "set" / f"{name}.png", level)
    return tmp_path / "set"


def source_of(folder: Path) -> Source:
    return find_source(f"jsonl:{folder}")


def read(folder: Path, part: str = "train") -> DigitSet:
    return source_of(folder).read(NOWHERE, part)


def labels(digits: DigitSet) -> dict[str, str]:
    """The label of each picture by its name."""
    names = [str(origin).rpartition("/")[2] for origin in digits.origins]
    return dict(zip(names, [label for _, label in digits], strict=True))


def notes(folder: Path, part: str = "train") -> tuple[str, ...]:
    return source_of(folder).notes(NOWHERE, part)


def test_the_label_is_the_suffix_and_the_empty_one_is_a_class(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", "23"), row("b.png", ""), row("c.png", "00"))
    digits = read(folder)
    assert digits.classes == ("", "00", "23")
    assert labels(digits) == {"a.png": "23", "b.png": "", "c.png": "00"}
    assert digits.origins[0] == "set/train/a.png"
    assert notes(folder) == ()


def test_a_number_is_taken_for_its_text(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", 7))
    assert labels(read(folder)) == {"a.png": "7"}


def test_one_file_can_be_named_whatever_it_is_called(folder: Path) -> None:
    path = annotate(folder / "test.jsonl", row("a.png", "1"))
    source = find_source(f"jsonl:{path}")
    assert source.parts == ("train",)
    assert labels(source.read(NOWHERE, "train")) == {"a.png": "1"}


def test_several_files_are_found_at_any_depth_and_merged(folder: Path) -> None:
    annotate(folder / "one.jsonl", row("a.png", "1"))
    annotate(folder / "deep" / "er" / "two.JSONL", row("d.png", "2"), row("../../b.png", "3"), row("c.png", "4"))
    save(folder / "deep" / "er" / "d.png", 9)
    annotate(folder / ".hidden" / "three.jsonl", row("a.png", "5"))
    assert labels(read(folder)) == {"a.png": "1", "d.png": "2", "b.png": "3", "c.png": "4"}


@pytest.mark.parametrize(
    "layout", ["train/rows.jsonl {}/rows.jsonl", "train.jsonl {}.jsonl", "my_train_v2.jsonl x-{}-2.jsonl"]
)
@pytest.mark.parametrize("other", ["valid", "val", "test"])
def test_folders_and_files_are_named_for_their_part(tmp_path: Path, layout: str, other: str) -> None:
    first, second = layout.format(other).split()
    for level, path in enumerate((first, second)):
        place = tmp_path / path
        save(place.parent / f"{level}.png", level)
        annotate(place, row(f"{level}.png", "1"))
    source = source_of(tmp_path)
    assert source.parts == ("train", "test" if other == "test" else "val")
    assert [list(labels(source.read(NOWHERE, part))) for part in source.parts] == [["0.png"], ["1.png"]]


def test_without_a_file_for_training_all_of_them_are(folder: Path) -> None:
    annotate(folder / "test.jsonl", row("a.png", "1"))
    assert source_of(folder).parts == ("train",)
    assert len(read(folder)) == 1


def test_rows_that_agree_are_one_picture(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", "1"), row("./a.png", "1"), row("b.png", "2"), row("a.png", "1"))
    assert labels(read(folder)) == {"a.png": "1", "b.png": "2"}
    assert notes(folder) == ()


def test_rows_that_disagree_are_reported_and_the_picture_is_not_used(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", "1"), row("b.png", "2"), row("a.png", "7"), row("a.png", "1"))
    assert labels(read(folder)) == {"b.png": "2"}
    assert notes(folder) == (
        "rows.jsonl:3: a.png is '7' here and '1' in rows.jsonl:1; the picture is not used.",
        "in all: 1 pictures with two labels",
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{not JSON", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5_000, "not JSON"),
        ("[1, 2]", "expected {"),
        ({"suffix": "1"}, "lacks image"),
        ({"image": "b.png", "label": "1"}, "lacks suffix, the label of b.png; has image, label"),
        ({"image": "", "suffix": "1"}, "image is empty"),
        ({"image": ["b.png"], "suffix": "1"}, 'image is ["b.png"], expected text, the path of the picture'),
        ({"image": "b.png", "suffix": None}, "suffix is null, expected text, the label of b.png"),
        ({"image": "b.png", "suffix": True}, "suffix is true, expected text"),
        ({"image": "b.png", "suffix": 7.0}, "suffix is 7.0, expected text"),
        ({"image": "b.png", "suffix": ["7"]}, 'suffix is ["7"], expected text'),
        ({"image": "b.png", "suffix": "a caption " * 9}, "90 characters"),
        ({"image": "b.png" * 300_000, "suffix": "1"}, "longer than"),
        ({"image": "missing.png", "suffix": "1"}, "there is no picture missing.png"),
        ({"image": "nul\0.png", "suffix": "1"}, "no name of a file"),
        ({"image": "lone \ud800.png", "suffix": "1"}, "no name of a file"),
        ({"image": "../outside.png", "suffix": "1"}, "lies outside of set"),
        ({"image": "/etc/hostname", "suffix": "1"}, "lies outside of set"),
        ({"image": "link.png", "suffix": "1"}, "lies outside of set"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_rest_is_read(folder: Path, bad: Any, reason: str) -> None:
    save(folder.parent / "outside.png")
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    annotate(folder / "rows.jsonl", row("a.png", "1"), "", bad, row("c.png", "3"))
    assert labels(read(folder)) == {"a.png": "1", "c.png": "3"}
    line, counts = notes(folder)
    assert line.startswith("rows.jsonl:3: ")
    assert reason in line
    assert counts.startswith("in all: 1 ")


def test_the_counts_of_each_kind_come_at_the_end(folder: Path) -> None:
    (folder / "text.png").write_text("no picture")
    annotate(folder / "rows.jsonl", row("a.png", "1"), "{", "{", {"image": "b.png"}, row("text.png", "4"))
    assert (
        notes(folder)[-1] == "in all: 2 lines that are not JSON, 1 rows without suffix, 1 pictures that cannot be read"
    )


def test_of_very_many_bad_rows_some_are_named_and_all_are_counted(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", "1"), *(["{"] * 5_000))
    told = notes(folder)
    assert len(told) == 1_002
    assert told[-2:] == ("4,000 more, not named here", "in all: 5,000 lines that are not JSON")


def test_a_mark_of_byte_order_and_blank_lines_are_no_rows(folder: Path) -> None:
    annotate(
        folder / "rows.jsonl", b"\xef\xbb\xbf" + json.dumps(row("a.png", "1")).encode(), "  ", b"\r", row("b.png", "2")
    )
    assert labels(read(folder)) == {"a.png": "1", "b.png": "2"}
    assert notes(folder) == ()


def test_a_changed_row_is_never_taken_from_the_cache(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("a.png", "1"), row("b.png", "2"))
    read(folder)
    annotate(folder / "rows.jsonl", row("a.png", "1"), row("b.png", "1"))
    assert labels(read(folder)) == {"a.png": "1", "b.png": "1"}


def test_a_folder_without_annotations_is_named(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"no file that ends in \.jsonl"):
        source_of(folder)


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file and no folder"):
        source_of(tmp_path / "absent")


def test_annotations_of_no_picture_at_all_say_what_was_wrong(folder: Path) -> None:
    annotate(folder / "rows.jsonl", row("x.png", "1"), "{")
    with pytest.raises(SourceError, match=r"rows\.jsonl:1: there is no picture x\.png.*1 lines that are not JSON"):
        read(folder)


def test_an_untidy_set_of_42_classes_is_split_without_a_special_case(tmp_path: Path) -> None:
    written = write_numbers(tmp_path / "numbers", 3, 1, np.random.default_rng(0))
    splits = build(SplitPlan((written.spec,), val_size=0.1))
    assert splits.primary.classes == tuple(sorted(CLASSES))
    assert splits.report.unknown_labels == {"77": written.unknown}
    assert splits.report.counts["test"] == written.pictures["test"] + written.copies
    assert splits.report.counts["val"] == written.pictures["valid"]
    assert splits.report.counts["primary"] == written.pictures["train"] - written.copies
    assert sum("in all" in line for line in splits.report.notes) == 3


def test_a_label_that_only_the_test_part_has_is_counted_and_left_out(folder: Path) -> None:
    annotate(folder / "train.jsonl", row("a.png", "1"), row("b.png", "2"))
    annotate(folder / "test.jsonl", row("c.png", "3"))
    splits = build(SplitPlan((f"jsonl:{folder}",), val_size=0))
    assert splits.report.unknown_labels == {"3": 1}
    assert len(splits.test) == 0
    assert "1 pictures labelled '3' were left out: no training picture has that label." in splits.report.notes


def test_a_class_with_a_single_picture_is_learnt_from_and_not_held_out(folder: Path) -> None:
    for level in range(10, 20):
        save(folder / f"{level}.png", level)
    rows = [row(f"{level}.png", "1" if level < 19 else "") for level in range(10, 20)]
    annotate(folder / "rows.jsonl", *rows)
    splits = build(SplitPlan((f"jsonl:{folder}",), val_size=0.4))
    assert splits.primary.counts() == {"": 1, "1": 5}
    assert splits.val.counts() == {"": 0, "1": 4}


def test_short_values_of_metadata_are_counted_and_others_are_not(folder: Path) -> None:
    values: list[object] = [3, 3, "red", True, None, ["a"], "x" * 100]
    names = [f"{place}.png" for place in range(len(values))]
    rows = [
        {"image": name, "suffix": "7", "metadata": {"camera": value}} for name, value in zip(names, values, strict=True)
    ]
    for place, name in enumerate(names):
        save(folder / name, place)
    source = find_source(
        f"jsonl:{annotate(folder / 'rows.jsonl', *rows, {'image': '0.png', 'suffix': '7', 'metadata': 5})}"
    )
    assert source.metadata(NOWHERE, "train") == {"camera": {"3": 2, "red": 1, "True": 1}}


def test_of_very_many_values_the_last_are_others(folder: Path) -> None:
    save(folder / "a.png")
    rows = [{"image": "a.png", "suffix": "7", "metadata": {"id": number}} for number in range(60)]
    found = find_source(f"jsonl:{annotate(folder / 'rows.jsonl', *rows)}").metadata(NOWHERE, "train")
    assert found["id"]["others"] == 10
    assert sum(found["id"].values()) == 60
