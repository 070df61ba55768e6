"""Which part and which class a folder is, as people lay out their data."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.errors import ConfigError, SourceError
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.data.splits import SplitPlan, build


def save(root: Path, *folders: str, count: int = 6) -> Path:
    """Some pictures in each folder, no two alike."""
    for place, folder in enumerate(folders):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng((place, number)).integers(0, 256, (12, 12)).astype(np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    return root


def packed(root: Path) -> Path:
    """The same folder as an archive beside it."""
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root))
    return root.with_suffix(".zip")


@pytest.mark.parametrize("names", [("training", "testing"), ("Training", "Testing"), ("train", "test")])
def test_parts_have_the_names_that_people_give_them(tmp_path: Path, names: tuple[str, str]) -> None:
    root = save(tmp_path / "mine", *(f"{part}/{label}" for part in names for label in "37"))
    for spec in (f"folder:{root}", f"archive:{packed(root)}"):
        source = find_source(spec)
        assert {part: len(read_part(source, part)) for part in ("train", "test")} == {"train": 12, "test": 12}


def test_class_folders_beside_a_part_are_not_guessed_at(tmp_path: Path) -> None:
    root = save(tmp_path / "mine", "3", "7", "test/3", "test/7")
    for spec in (f"folder:{root}", f"archive:{packed(root)}"):
        with pytest.raises(SourceError, match=r"has a folder 'test' and beside it '3', '7'\. Put the class folders"):
            build(SplitPlan((spec,)))


def test_a_folder_with_nothing_but_a_test_part_is_for_tests(tmp_path: Path) -> None:
    root = save(tmp_path / "mine", "test/3", "test/7")
    digits = read_part(find_source(f"folder:{root}"), "test")
    assert (len(digits), digits.classes) == (12, ("3", "7"))


def test_the_class_without_text_has_a_folder_with_a_name(tmp_path: Path) -> None:
    root = save(tmp_path / "mine", "(empty)", "23")
    for spec in (f"folder:{root}", f"archive:{packed(root)}"):
        assert read_part(find_source(spec), "train").classes == ("", "23")


@pytest.mark.parametrize("size", [0.1, 1.0, 1])
def test_a_size_that_leaves_out_whole_classes_is_refused(tmp_path: Path, size: float) -> None:
    root = save(tmp_path / "mine", "3", "7")
    with pytest.raises(ConfigError, match="of 12 pictures is 1, and there are 2 classes"):
        build(SplitPlan((f"folder:{root}",), sizes=(size,), val_size=0))


@pytest.mark.parametrize("order", [0, 1])
def test_a_stand_in_that_is_learnt_from_anyway_keeps_its_own_size(order: int) -> None:
    named = [("mnist", 100.0), ("optdigits", 0.0)][:: -1 if order else 1]
    specs, sizes = zip(*named, strict=True)
    splits = build(SplitPlan(specs, sizes=sizes, fallback="optdigits", offline=True))
    assert len(splits.primary) + len(splits.val) > 1400


@pytest.mark.parametrize("folders", [("3", "7"), ("train/3", "train/7")])
def test_lone_folders_around_the_others_are_passed_over(tmp_path: Path, folders: tuple[str, ...]) -> None:
    root = save(tmp_path / "mine", *(f"unpacked/digits/{folder}" for folder in folders))
    (root / "unpacked" / "__MACOSX").mkdir()
    for spec in (f"folder:{root}", f"archive:{packed(root)}"):
        assert read_part(find_source(spec), "train").counts() == {"3": 6, "7": 6}


@pytest.mark.parametrize("folders", [("7/one writer",), ("seven",), ("seven", "seven/one writer")])
def test_a_lone_class_folder_stays_one(tmp_path: Path, folders: tuple[str, ...]) -> None:
    root = save(tmp_path / "mine", *folders)
    assert read_part(find_source(f"folder:{root}"), "train").classes == (folders[0].split("/")[0],)
