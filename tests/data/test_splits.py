import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import DigitSet, Ragged
from digitkit.core.errors import ConfigError, FetchError, SourceError
from digitkit.data.splits import SplitPlan, Splits, build
from tests.data.conftest import Lines
from tests.strokes import draw_digits

OPTDIGITS = SplitPlan(("optdigits",), val_size=300)


def save(path: Path, seed: int) -> None:
    """A small picture that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)).save(path)


def source(folder: Path, sizes: dict[str, int], first_seed: int = 0) -> str:
    """A folder with so many pictures in each class folder, such as `train/7`."""
    seed = first_seed
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            save(folder / name / f"{index}.png", seed := seed + 1)
    return f"folder:{folder}"


def drawn_parts(folder: Path, sizes: dict[str, int] | None = None) -> Path:
    """Drawn digits, all different, with so many in each class folder."""
    sizes = sizes or {
        f"{part}/{name}": count for part, count in (("train", 4), ("val", 2), ("test", 2)) for name in "37"
    }
    pictures = iter(draw_digits(sum(sizes.values()), np.random.default_rng(0)).pictures[index] for index in range(100))
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            Image.fromarray(next(pictures)).save(folder / name / f"{index}.png")
    return folder


def spoil(path: Path, copy: Path) -> None:
    """Save a picture again: one pixel to the left, inverted, as JPEG."""
    with Image.open(path) as picture:
        pixels = 255 - np.roll(np.asarray(picture), -1, axis=1)
    Image.fromarray(pixels).save(copy, quality=80)


def names(digits: DigitSet) -> list[str]:
    return [str(origin).split("/", 1)[1] for origin in digits.origins]


def contents(digits: DigitSet) -> list[bytes]:
    return [digits.pictures[index].tobytes() for index in range(len(digits))]


def parts(splits: Splits) -> list[DigitSet]:
    return [splits.primary, splits.val, splits.test]


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
    splits = build(SplitPlan((source(tmp_path / "d", {"3": 8, "7": 1, "test": 0}),), val_size=0.5), lines)
    assert splits.primary.counts() == {"3": 4, "7": 1}
    assert "Class '7' has a single training picture" in lines.text


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


def mixed(tmp_path: Path, extra: dict[str, int], **options: object) -> Splits:
    """Two classes to learn from, and an extra folder."""
    first = source(tmp_path / "first", {"3": 10, "7": 10})
    other = source(tmp_path / "other", extra, first_seed=1_000)
    return build(SplitPlan((first,), val_size=4, extra=(other,), **options))  # type: ignore[arg-type]


def test_extra_pictures_are_learnt_from_and_nothing_else(tmp_path: Path) -> None:
    splits = mixed(tmp_path, {"train/3": 6, "train/7": 2, "val/3": 2, "test/7": 3})
    assert splits.report.counts == {"primary": 16, "extra": 8, "val": 4, "test": 0}
    assert {str(origin).split("/")[0] for origin in splits.extra.origins} == {"other"}
    assert splits.extra.classes == splits.primary.classes
    assert splits.extra.counts() == {"3": 6, "7": 2}
    assert splits.report.sources == (f"folder:{tmp_path / 'first'}", f"folder:{tmp_path / 'other'}")


def test_extra_pictures_of_classes_that_are_not_learnt_are_counted_and_left_out(tmp_path: Path) -> None:
    splits = mixed(tmp_path, {"3": 6, "9": 5})
    assert len(splits.extra) == 6
    assert splits.report.unknown_labels == {"9": 5}


def test_extra_pictures_that_another_part_has_too_are_dropped(tmp_path: Path) -> None:
    first = source(tmp_path / "first", {"train/3": 10, "train/7": 10, "test/3": 4, "test/7": 4})
    other = tmp_path / "other"
    for name in ("train/3/0.png", "test/3/1.png", "train/7/2.png"):
        copy = other / name.split("/")[1] / name.replace("/", "-")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "first" / name, copy)
    save(other / "7" / "new.png", 5_000)
    splits = build(SplitPlan((first,), val_size=4, extra=(f"folder:{other}",)))
    assert names(splits.extra) == ["train/7/new.png"]
    assert (splits.report.test_copies, splits.report.extra_copies) == (1, 2)


@pytest.mark.parametrize(("size", "left"), [(0, 20), (0.5, 10), (6, 6), (2, 2), (500, 20)])
def test_of_an_extra_source_as_much_is_used_as_is_wanted_each_class_by_its_share(
    tmp_path: Path, size: float, left: int
) -> None:
    splits = mixed(tmp_path, {"3": 10, "7": 10}, extra_sizes=(size,))
    assert splits.extra.counts() == {"3": left // 2, "7": left // 2}


def test_of_each_source_as_much_is_used_as_is_wanted(tmp_path: Path) -> None:
    first = source(tmp_path / "first", {"train/3": 10, "train/7": 10, "test/3": 3, "test/7": 3})
    other = source(tmp_path / "other", {"3": 30, "7": 10}, first_seed=1_000)
    splits = build(SplitPlan((first, other), val_size=0, sizes=(0, 0.5)))
    origins = [str(origin).split("/")[0] for origin in splits.primary.origins]
    assert (origins.count("first"), origins.count("other"), len(splits.test)) == (20, 20, 6)
    assert splits.primary.counts() == {"3": 25, "7": 15}


def test_an_extra_source_that_cannot_be_had_is_said_and_left_out(tmp_path: Path) -> None:
    first = source(tmp_path / "first", {"3": 10, "7": 10})
    lines = Lines()
    splits = build(SplitPlan((first,), val_size=4, extra=("mnist",), offline=True), lines)
    assert splits.report.counts == {"primary": 16, "extra": 0, "val": 4, "test": 0}
    assert "mnist cannot be had; the run goes on without it." in lines
    assert any("offline switch" in note for note in splits.report.notes)
    assert splits.report.sources == (first,)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"extra": ("optdigits",)}, "One source is named twice: optdigits, optdigits"),
        ({"extra": ("mnist",), "extra_sizes": (1, 2)}, "one for each of 1 sources"),
        ({"sizes": (-1.0,)}, "sizes must be numbers from 0"),
        ({"extra": ("optdigits/test",)}, "'test' is no part of optdigits to learn from. Give optdigits/train"),
        ({"extra": ("mnits",)}, "Did you mean 'mnist'"),
        ({"extra": ("usps16",)}, "'train' is no part of usps16 to learn from. Give another source"),
    ],
)
def test_extra_sources_that_make_no_sense_are_refused(plan: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(SplitPlan(("optdigits",), **plan))  # type: ignore[arg-type]


def test_a_source_without_a_training_part_alone_is_nothing_to_learn_from(tmp_path: Path) -> None:
    digits = draw_digits(10, np.random.default_rng(0))
    path = tmp_path / "tests.npz"
    np.savez(path, images=np.stack(list(contents_of(digits))), labels=digits.labels, split=np.full(10, "test"))
    with pytest.raises(SourceError, match="no training part, so nothing to learn from"):
        build(SplitPlan((f"npz:{path}",)))
    splits = build(SplitPlan(("optdigits", f"npz:{path}"), val_size=0))
    assert splits.report.counts["test"] == 359 + 10


def contents_of(digits: DigitSet) -> list[np.ndarray]:
    return [digits.pictures[index] for index in range(len(digits))]


def test_other_extra_pictures_give_another_fingerprint_and_contents(tmp_path: Path) -> None:
    some = mixed(tmp_path / "a", {"3": 6})
    more = mixed(tmp_path / "b", {"3": 7})
    assert some.fingerprint != more.fingerprint
    assert some.contents["primary"] == more.contents["primary"]
    assert some.contents["extra"] != more.contents["extra"]
