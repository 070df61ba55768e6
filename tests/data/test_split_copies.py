"""A picture of one part never enters another, not as a copy either."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.errors import SourceError
from digitkit.data import rows
from digitkit.data.splits import SplitPlan, build
from tests.data.conftest import Lines
from tests.data.split_sources import contents, drawn_parts, names, parts, source, spoil


def test_a_picture_in_the_test_part_never_enters_training_or_validation(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    spec = source(folder, {"train/3": 6, "train/7": 6, "val/3": 2, "val/7": 2, "test/3": 2, "test/7": 2})
    shutil.copy(folder / "test/3/0.png", folder / "train/3/copy.png")
    Image.open(folder / "test/7/1.png").save(folder / "train/3/another-format-and-label.bmp")
    shutil.copy(folder / "test/7/0.png", folder / "val/7/copy.png")
    splits = build(SplitPlan((spec,)))
    assert set(contents(splits.test)).isdisjoint(contents(splits.primary) + contents(splits.val))
    assert splits.report.counts == {"primary": 12, "extra": 0, "val": 4, "test": 4}
    assert splits.report.test_copies == 3


def test_a_picture_in_the_test_part_of_one_source_never_enters_from_another(tmp_path: Path) -> None:
    first = source(tmp_path / "a", {"train/3": 5, "train/7": 5, "test/3": 2})
    second = source(tmp_path / "b", {"3": 5, "7": 5}, first_seed=100)
    shutil.copy(tmp_path / "a/test/3/0.png", tmp_path / "b/3/copy.png")
    splits = build(SplitPlan((first, second), val_size=4))
    assert splits.report.test_copies == 1
    assert splits.report.counts == {"primary": 16, "extra": 0, "val": 4, "test": 2}


def test_a_picture_in_validation_is_not_learnt_from(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    spec = source(folder, {"train/3": 5, "train/7": 5, "val/3": 2, "val/7": 2})
    shutil.copy(folder / "val/7/0.png", folder / "train/7/copy.png")
    splits = build(SplitPlan((spec,)))
    assert set(contents(splits.val)).isdisjoint(contents(splits.primary))
    assert splits.report.val_copies == 1


def test_copies_within_training_do_not_leak_into_validation(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    spec = source(folder, {"3": 10, "7": 10})
    for index in range(10):
        shutil.copy(folder / f"3/{index}.png", folder / f"3/copy-of-{index}.png")
    splits = build(SplitPlan((spec,), val_size=10))
    assert set(contents(splits.val)).isdisjoint(contents(splits.primary))


def test_a_near_copy_of_a_test_or_validation_picture_is_not_learnt_from(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d")
    spoil(folder / "test/3/0.png", folder / "train/3/copy.jpg")
    spoil(folder / "test/7/0.png", folder / "val/7/copy.jpg")
    spoil(folder / "val/3/0.png", folder / "train/7/copy.jpg")
    lines = Lines()
    splits = build(SplitPlan((f"folder:{folder}",)), lines)
    assert "copy" not in " ".join(names(splits.primary) + names(splits.val))
    assert splits.report.counts == {"primary": 8, "extra": 0, "val": 4, "test": 4}
    assert (splits.report.test_copies, splits.report.val_copies) == (2, 1)
    assert "/train: 0 exact and 1 near copies of pictures of " in lines.text
    assert splits.report.copies["conflicts"] == 1  # the copy of a 3 among the 7
    assert len(splits.copies.pairs) == 3


def test_when_all_training_pictures_are_copies_that_is_said_with_a_way_out(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d", {"test/3": 3, "test/7": 3, "val/7": 1})
    for name in ("test/3/0", "test/7/0", "test/7/1", "val/7/0"):
        copy = folder / "train" / name.split("/")[1] / f"{name.replace('/', '-')}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        spoil(folder / f"{name}.png", copy)
    with pytest.raises(
        SourceError, match=r"found classes: none\. Dropped as copies: 3 of the test part and 1 of the val"
    ):
        build(SplitPlan((f"folder:{folder}",)))
    assert build(SplitPlan((f"folder:{folder}",), duplicates="exact")).report.counts["primary"] == 4


def test_a_class_that_is_gone_since_validation_has_its_pictures_is_noted(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d", {"train/1": 2, "train/3": 2, "val/7": 1})
    (folder / "train/7").mkdir()
    shutil.copy(folder / "val/7/0.png", folder / "train/7/copy.png")
    notes = build(SplitPlan((f"folder:{folder}",))).report.notes
    assert any("'7' has no training picture left: all of them are in the test or validation part" in n for n in notes)


@pytest.mark.parametrize(("others", "is_said"), [(3, True), (4, False)])
def test_when_near_copies_take_more_than_a_fifth_of_a_part_that_is_said_once(
    tmp_path: Path, others: int, is_said: bool
) -> None:
    folder = drawn_parts(tmp_path / "d", {"train/3": others, "train/7": 4, "test/3": 2})
    for index in range(2):
        spoil(folder / f"test/3/{index}.png", folder / f"train/3/copy-{index}.jpg")
    lines = Lines()
    notes = build(SplitPlan((f"folder:{folder}",), val_size=2), lines).report.notes
    wanted = f"/train: 2 of {others + 6} pictures are dropped as near copies of pictures of folder:{folder}/test."
    assert [wanted in line for line in lines if "dropped as near" in line] == [True] * is_said
    assert any(wanted in note and "data.duplicates=exact" in note for note in notes) == is_said


def test_near_copies_that_stay_in_training_are_no_crowd(tmp_path: Path) -> None:
    first = drawn_parts(tmp_path / "a", {"3": 3, "7": 3})
    for name in "37":
        (tmp_path / "b" / name).mkdir(parents=True)
        for index in range(3):
            spoil(first / name / f"{index}.png", tmp_path / "b" / name / f"{index}.jpg")
    lines = Lines()
    splits = build(SplitPlan((f"folder:{first}", f"folder:{tmp_path / 'b'}"), val_size=0), lines)
    assert splits.report.counts["primary"] == 12
    assert "dropped as near" not in lines.text


def test_near_copies_may_be_left_alone(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d")
    spoil(folder / "test/3/0.png", folder / "train/3/near.jpg")
    shutil.copy(folder / "test/3/0.png", folder / "train/3/same.png")
    splits = build(SplitPlan((f"folder:{folder}",), duplicates="exact"))
    assert [name for name in names(splits.primary) if "e" in name.split("/")[-1]] == ["train/3/near.jpg"]
    assert splits.report.test_copies == 1


def test_all_copies_may_be_left_alone_and_that_is_said(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d")
    shutil.copy(folder / "test/3/0.png", folder / "train/3/same.png")
    lines = Lines()
    splits = build(SplitPlan((f"folder:{folder}",), duplicates="keep"), lines)
    assert "train/3/same.png" in names(splits.primary)
    assert "Copies were not looked for" in lines.text
    assert splits.report.copies["method"] == "keep"


def test_near_copies_go_to_validation_together_or_not_at_all(tmp_path: Path) -> None:
    folder = drawn_parts(tmp_path / "d", {"3": 12, "7": 12})
    for path in sorted(folder.glob("*/*.png")):
        spoil(path, path.with_name(f"{path.stem}-copy.jpg"))
    splits = build(SplitPlan((f"folder:{folder}",), val_size=12))
    assert splits.report.counts == {"primary": 36, "extra": 0, "val": 12, "test": 0}
    drawings = [{name.split(".")[0].removesuffix("-copy") for name in names(part)} for part in parts(splits)[:2]]
    assert drawings[0].isdisjoint(drawings[1])


def test_pictures_of_many_sizes_stay_themselves_after_leaked_copies_were_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LARGE_BYTES", 1_000)  # what is larger is kept on disk
    first, second = tmp_path / "a", tmp_path / "b"
    sizes = {"train/3": 6, "train/7": 6, "val/3": 2, "val/7": 2, "test/3": 2, "test/7": 2}
    plan = SplitPlan((source(first, sizes), source(second, {"train/3": 8, "train/7": 8})), val_size=4)
    for index, path in enumerate(sorted(tmp_path.glob("*/*/*/*.png"))):
        noise = np.random.default_rng(index).integers(0, 256, (8 + index % 5, 12), np.uint8)
        Image.fromarray(noise).save(path)
    leaked = [first / "train/3/0-leaked.png", second / "train/7/0-leaked.png"]
    for path in leaked:
        shutil.copy(first / "test/3/0.png", path)
    before = build(plan)
    for path in leaked:
        path.unlink()
    after = build(plan)
    assert (before.report.test_copies, after.report.test_copies) == (2, 0)
    assert before.contents["primary"] == after.contents["primary"]
    assert contents(before.primary) == contents(after.primary)
