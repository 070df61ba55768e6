"""Extra sources are learnt from, and nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, SourceError
from digitkit.data.loading import Loaded
from digitkit.data.splits import SplitPlan, Splits, build
from tests.data.conftest import Lines
from tests.data.split_sources import names, save, source
from tests.strokes import draw_digits


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
    assert splits.report.extra_sources == (f"folder:{tmp_path / 'other'}",)


def test_a_part_that_its_publisher_keeps_apart_is_reported_by_its_whole_name() -> None:
    digits = draw_digits(2, np.random.default_rng(0))
    assert Loaded("svhn", {"extra": digits}, extra=True).spec == "svhn/extra"
    assert Loaded("svhn", {"train": digits}, extra=True).spec == "svhn"


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
    "plan",
    [
        SplitPlan(("optdigits",), extra=("optdigits/train",)),
        SplitPlan(("usps",), extra=("optdigits",), fallback="optdigits", offline=True),
    ],
    ids=["by its part", "after a fallback"],
)
def test_a_source_that_is_learnt_from_already_is_not_mixed_in_once_more(plan: SplitPlan) -> None:
    lines = Lines()
    splits = build(plan, lines)
    assert splits.report.counts == {"primary": 1_294, "extra": 0, "val": 144, "test": 359}
    assert splits.report.sources == ("optdigits",)
    assert "optdigits/train is learnt from already, so it is not mixed in once more." in lines


def test_a_part_that_is_mixed_in_under_two_names_is_mixed_in_once(tmp_path: Path) -> None:
    plan = SplitPlan((source(tmp_path / "d", {"3": 10, "7": 10}),), extra=("optdigits", "optdigits/train"))
    splits = build(plan)
    assert len(splits.extra) == splits.extra.counts()["3"] + splits.extra.counts()["7"] > 200
    assert splits.report.sources[1:] == ("optdigits",)


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


def test_the_extra_part_of_a_numpy_file_is_mixed_in_by_its_name(tmp_path: Path) -> None:
    digits = draw_digits(20, np.random.default_rng(0))
    path = tmp_path / "x.npz"
    np.savez(path, images=np.stack(contents_of(digits)), labels=digits.labels, split=["train"] * 8 + ["extra"] * 12)
    splits = build(SplitPlan(("optdigits",), extra=(f"npz:{path}/extra",)))
    assert len(splits.extra) == 12
    with pytest.raises(
        ConfigError, match=r"'test' is no part of npz:.*x\.npz to learn from. Give npz:.*x.npz/train or"
    ):
        build(SplitPlan(("optdigits",), extra=(f"npz:{path}/test",)))
