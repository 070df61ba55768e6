import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from digitkit.core.digitset import Ragged
from digitkit.core.errors import ConfigError, FetchError, SourceError
from digitkit.data.splits import SplitPlan, build
from tests.data.conftest import Lines
from tests.data.split_sources import contents, names, parts, source

OPTDIGITS = SplitPlan(("optdigits",), val_size=300)


def test_every_picture_is_in_exactly_one_part() -> None:
    splits = build(OPTDIGITS)
    seen = [content for part in parts(splits) for content in contents(part)]
    assert len(seen) == len(set(seen)) == 1797
    assert splits.report.counts == {"primary": 1138, "extra": 0, "val": 300, "test": 359}


def test_each_class_keeps_its_share_in_validation() -> None:
    splits = build(OPTDIGITS)
    train, val = splits.primary.counts(), splits.val.counts()
    assert all(abs(val[name] - 300 / 1438 * (val[name] + train[name])) < 1 for name in train)


def test_the_same_plan_gives_the_same_pictures_and_fingerprint() -> None:
    first, second = build(OPTDIGITS), build(OPTDIGITS)
    assert [part.origins.tolist() for part in parts(first)] == [part.origins.tolist() for part in parts(second)]
    assert first.fingerprint == second.fingerprint == "8bba5dff46fa70c34395f9c5617281ce"


def test_another_seed_gives_another_validation_part_and_the_same_test_part() -> None:
    first, second = build(OPTDIGITS), build(SplitPlan(("optdigits",), val_size=300, seed=1))
    assert first.val.origins.tolist() != second.val.origins.tolist()
    assert first.test.origins.tolist() == second.test.origins.tolist()
    assert first.fingerprint != second.fingerprint


def test_a_share_below_one_is_a_share_of_the_training_pictures() -> None:
    assert build(SplitPlan(("optdigits",), val_size=0.1)).report.counts["val"] == 144


def test_without_a_validation_part_all_training_pictures_are_learnt_from() -> None:
    counts = build(SplitPlan(("optdigits",), val_size=0)).report.counts
    assert (counts["primary"], counts["val"]) == (1438, 0)


def test_a_limit_takes_some_of_each_class_and_leaves_validation_alone() -> None:
    limited, whole = build(SplitPlan(("optdigits",), val_size=300, limit=50)), build(OPTDIGITS)
    assert set(limited.primary.counts().values()) <= {4, 5, 6}
    assert limited.report.counts["primary"] == 50
    assert limited.val.origins.tolist() == whole.val.origins.tolist()


def test_a_limit_above_what_there_is_takes_all() -> None:
    assert build(SplitPlan(("optdigits",), val_size=300, limit=10**6)).report.counts["primary"] == 1138


def test_a_validation_part_of_the_source_is_used(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"train/3": 4, "train/7": 4, "valid/3": 2, "valid/7": 1, "test/3": 1})
    splits = build(SplitPlan((spec,), val_size=0.5))
    assert names(splits.val) == ["val/3/0.png", "val/3/1.png", "val/7/0.png"]
    assert splits.report.counts == {"primary": 8, "extra": 0, "val": 3, "test": 1}


def test_a_validation_part_of_the_source_is_learnt_from_when_none_is_wanted(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"train/3": 4, "train/7": 4, "val/3": 2, "val/7": 1})
    assert build(SplitPlan((spec,), val_size=0)).report.counts["primary"] == 11


def test_several_sources_are_learnt_from_together(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"3": 6, "ten": 6})
    splits = build(SplitPlan(("optdigits", spec), val_size=0.25))
    assert splits.report.sources == ("optdigits", spec)
    assert splits.primary.classes == (*"0123456789", "ten")
    assert splits.primary.counts()["ten"] + splits.val.counts()["ten"] == 6
    assert splits.test.classes == splits.primary.classes


def test_pictures_of_several_sizes_stay_native(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"3": 2, "7": 2})
    Image.new("L", (20, 9)).save(tmp_path / "d/7/wide.png")
    splits = build(SplitPlan((spec,), val_size=0))
    assert isinstance(splits.primary.pictures, Ragged)
    assert splits.primary.pictures[4].shape == (9, 20)


def test_a_label_that_only_the_test_part_knows_is_counted_said_and_left_out(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"train/3": 4, "train/7": 4, "test/3": 1, "test/x": 2})
    lines = Lines()
    splits = build(SplitPlan((spec,), val_size=2), lines)
    assert splits.primary.classes == ("3", "7")
    assert splits.report.unknown_labels == {"x": 2}
    assert splits.report.counts["test"] == 1
    assert lines == ["2 pictures labelled 'x' were left out: no training picture has that label."]
    assert splits.report.notes == tuple(lines)


def test_a_class_with_one_picture_is_learnt_from_and_said(tmp_path: Path) -> None:
    lines = Lines()
    splits = build(SplitPlan((source(tmp_path / "d", {"3": 8, "7": 1}),), val_size=0.5), lines)
    assert splits.primary.counts() == {"3": 4, "7": 1}
    assert "Class '7' has a single training picture" in lines.text


def test_a_class_without_a_validation_picture_is_said(tmp_path: Path) -> None:
    lines = Lines()
    spec = source(tmp_path / "d", {"train/3": 4, "train/5": 4, "train/7": 4, "valid/3": 2, "valid/5": 2})
    splits = build(SplitPlan((spec,)), lines)
    assert splits.val.counts() == {"3": 2, "5": 2, "7": 0}
    assert "No validation picture is labelled '7': how well these are read is not seen" in lines.text


def test_an_empty_class_is_no_class(tmp_path: Path) -> None:
    splits = build(SplitPlan((source(tmp_path / "d", {"3": 4, "7": 4, "8": 0}),), val_size=2))
    assert splits.primary.classes == ("3", "7")


def test_a_class_whose_pictures_are_all_in_the_test_part_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    spec = source(folder, {"train/3": 4, "train/5": 4, "train/7": 2, "test/7": 1})
    shutil.rmtree(folder / "test/7")
    shutil.copytree(folder / "train/7", folder / "test/7")
    lines = Lines()
    build(SplitPlan((spec,), val_size=2), lines)
    assert "Class '7' has no training picture left" in lines.text


def test_one_class_alone_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="two or more classes are needed, found classes: '3'"):
        build(SplitPlan((source(tmp_path / "d", {"3": 4, "7": 0}),)))


def test_without_a_test_part_that_is_said(tmp_path: Path) -> None:
    lines = Lines()
    splits = build(SplitPlan((source(tmp_path / "d", {"3": 4, "7": 4}),), val_size=2), lines)
    assert len(splits.test) == 0
    assert "No source has a test part" in lines.text


def test_files_that_cannot_be_read_are_in_the_report_and_the_first_are_said(tmp_path: Path) -> None:
    spec = source(tmp_path / "d", {"3": 4, "7": 4})
    for index in range(8):
        (tmp_path / "d" / "3" / f"bad-{index}.png").write_text("text")
    lines = Lines()
    report = build(SplitPlan((spec,), val_size=2), lines).report
    assert sum("bad-" in line for line in report.notes) == 8
    assert sum("bad-" in line for line in lines) == 5
    assert "skipped 3 more" in lines.text


def test_a_source_that_cannot_be_had_is_replaced_and_that_is_said() -> None:
    lines = Lines()
    splits = build(SplitPlan(("mnist",), val_size=5000, fallback="optdigits", offline=True), lines)
    assert splits.report.sources == ("optdigits",)
    assert splits.report.counts == {"primary": 1294, "extra": 0, "val": 144, "test": 359}
    assert "mnist cannot be had; optdigits takes its place" in lines.text
    assert "offline" in splits.report.notes[0]


def test_a_fallback_that_is_asked_for_too_comes_once() -> None:
    splits = build(SplitPlan(("mnist", "optdigits"), fallback="optdigits", offline=True))
    assert splits.report.sources == ("optdigits",)


def test_without_a_fallback_a_source_that_cannot_be_had_is_an_error() -> None:
    with pytest.raises(FetchError, match="train-images-idx3-ubyte"):
        build(SplitPlan(("mnist",), offline=True))


def test_a_validation_part_larger_than_there_is_names_the_most_that_fits() -> None:
    with pytest.raises(ConfigError, match=r"val_size 5000 is too large: of 1,438 training pictures 1,428 can"):
        build(SplitPlan(("optdigits",), val_size=5000))


def test_a_limit_below_the_number_of_classes_is_refused() -> None:
    with pytest.raises(ConfigError, match="10 classes, got 9"):
        build(SplitPlan(("optdigits",), limit=9))


@pytest.mark.parametrize(
    ("sources", "options"),
    [
        ((), {}),
        (("optdigits", "optdigits"), {}),
        (("optdigits",), {"val_size": -1}),
        (("optdigits",), {"val_size": 2.5}),
        (("optdigits",), {"val_size": float("nan")}),
        (("optdigits",), {"val_size": float("inf")}),
        (("optdigits",), {"seed": -1}),
        (("optdigits",), {"limit": -1}),
        (("optdigits",), {"duplicates": "some"}),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_at_once(
    sources: tuple[str, ...], options: dict[str, float | str]
) -> None:
    with pytest.raises(ConfigError, match=r"got|source"):
        SplitPlan(sources, **options)  # type: ignore[arg-type]


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'mnist'"):
        build(SplitPlan(("mnits",)))


def test_the_report_is_plain_json() -> None:
    assert json.loads(json.dumps(build(OPTDIGITS).report.to_plain()))["counts"]["test"] == 359
