"""Numpy files: those that we know, those of people's own, and those that are damaged or hostile."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import HashMismatch, SourceError
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data.catalogue import find_source
from digitkit.data.npz import PREFIX, shown_in
from digitkit.data.npz_records import RECORDS
from tests.conftest import DrawDigits

NOWHERE = Path()
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
COUNTS = {
    "usps16": {"test": 9298},
    "semeion16": {"train": 1274, "test": 319},
    "optdigits32": {"train": 1934, "test": 946},
    "pendigits_rendered28": {"train": 7494, "test": 3498},
    "kensanata_numbers16": {"train": 12296, "test": 2904},
    "hwd1000": {"train": 800, "test": 200},
    "jcprogjava_handdrawn28": {"test": 10780},
    "sudoku_phone_cells32": {"train": 4366, "test": 972},
    "emnist_letters_test": {"train": 10880, "test": 4160},
    "notmnist_test": {"test": 10000},
    "fashion_ood2000": {"train": 1600, "test": 400},
}
PICTURES = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
LABELS = np.array([3, 1, 4, 1, 5, 9])


def save(path: Path, **arrays: object) -> str:
    """A file of arrays, as a source is named."""
    np.savez_compressed(path, allow_pickle=True, **{name: np.asarray(values) for name, values in arrays.items()})
    return f"{PREFIX}{path}"


def test_a_file_of_ones_own_keeps_its_labels_and_is_one_training_part(tmp_path: Path) -> None:
    source = find_source(save(tmp_path / "mine.npz", images=PICTURES, labels=["7", "", "23", "A", "7", "00"]))
    digits = source.read(NOWHERE, "train")
    assert source.parts == ("train",)
    assert digits.classes == ("", "00", "23", "7", "A")
    assert [label for _, label in digits] == ["7", "", "23", "A", "7", "00"]
    assert np.array_equal(digits.pictures[2], PICTURES[2])
    assert str(digits.origins[2]) == "mine/train/2"


def test_whole_numbers_are_labels_too_and_colour_stays(tmp_path: Path) -> None:
    coloured = np.stack([PICTURES, PICTURES + 1, PICTURES + 2], axis=-1)
    digits = find_source(save(tmp_path / "mine.npz", images=coloured, labels=LABELS)).read(NOWHERE, "train")
    assert digits.classes == ("1", "3", "4", "5", "9")
    assert np.array_equal(digits.pictures[5], coloured[5])


def test_an_array_split_makes_parts_in_their_order(tmp_path: Path) -> None:
    split = ["test", "train", "val", "train", "extra", "test"]
    source = find_source(save(tmp_path / "mine.npz", images=PICTURES, labels=LABELS, split=split))
    assert source.parts == ("train", "val", "test", "extra")
    assert [label for _, label in source.read(NOWHERE, "train")] == ["1", "1"]
    assert [label for _, label in source.read(NOWHERE, "test")] == ["3", "9"]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    find_source(save(path, images=PICTURES, labels=LABELS)).read(NOWHERE, "train")
    digits = find_source(save(path, images=PICTURES[::-1], labels=LABELS[::-1])).read(NOWHERE, "train")
    assert np.array_equal(digits.pictures[0], PICTURES[5])


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"images": PICTURES}, "labels.npy"),
        ({"labels": LABELS}, "images.npy"),
        ({"images": PICTURES[:5], "labels": LABELS}, "pictures (5, 4, 5) and 6 labels"),
        ({"images": PICTURES.astype(float), "labels": LABELS}, "expected `images` uint8"),
        ({"images": PICTURES[0], "labels": LABELS[:4]}, "expected `images` uint8"),
        ({"images": PICTURES[:, :, :0], "labels": LABELS}, "do not belong together"),
        ({"images": PICTURES, "labels": LABELS.astype(float)}, "whole numbers or text"),
        ({"images": PICTURES, "labels": LABELS[:, None]}, "whole numbers or text"),
        ({"images": PICTURES[:0], "labels": LABELS[:0]}, "whole numbers or text"),
        ({"images": PICTURES, "labels": LABELS, "split": ["a", *["train"] * 5]}, "names the part 'a'"),
        ({"images": PICTURES, "labels": LABELS, "split": ["train"] * 5}, "5 parts and labels (6,) do not belong"),
        ({"images": PICTURES, "labels": np.array([{}, *"12345"], object)}, "no plain array"),
        ({"images": np.asfortranarray(PICTURES), "labels": LABELS}, "lies in Fortran's order. Save it again with"),
    ],
)
def test_a_file_with_something_else_in_it_is_one_error(tmp_path: Path, arrays: dict[str, object], says: str) -> None:
    path = tmp_path / "mine.npz"
    with pytest.raises(SourceError) as caught:
        find_source(save(path, **arrays)).read(NOWHERE, "train")
    assert says in str(caught.value)
    assert "mine.npz" in str(caught.value)


def test_a_header_that_promises_more_than_there_is_reserves_nothing(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)})
    with zipfile.ZipFile(tmp_path / "mine.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(1000))
        labels = io.BytesIO()
        np.save(labels, LABELS)
        archive.writestr("labels.npy", labels.getvalue())
    with pytest.raises(SourceError, match="does not fit its header"):
        find_source(f"{PREFIX}{tmp_path / 'mine.npz'}").read(NOWHERE, "train")


def test_a_folder_is_answered_with_the_files_in_it_and_a_missing_file_with_its_path(tmp_path: Path) -> None:
    save(tmp_path / "mine.npz", images=PICTURES, labels=LABELS)
    with pytest.raises(SourceError, match=r"name one file of that folder: mine\.npz"):
        find_source(f"{PREFIX}{tmp_path}")
    with pytest.raises(SourceError, match="no file"):
        find_source(f"{PREFIX}{tmp_path / 'other.npz'}")


def test_another_file_under_a_known_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match="give your own file another name"):
        find_source(save(tmp_path / "hwd1000.npz", images=PICTURES, labels=LABELS))


def test_pictures_of_one_photo_are_in_one_part(tmp_path: Path, drawn_digits: DrawDigits) -> None:
    record = next(record for record in RECORDS.values() if record.name == "sudoku_phone_cells32")
    drawn = drawn_digits(200, np.random.default_rng(0), 32)
    images = np.stack([drawn.pictures[index] for index in range(200)])
    photos = np.arange(200) // 10
    images[:, 0, 0] = photos
    save(tmp_path / record.file, images=images, labels=drawn.labels, source=[f"photo{number}" for number in photos])
    parts = {part: record.source().read(tmp_path, part) for part in record.parts}
    found = {part: {int(picture[0, 0]) for picture, _ in digits} for part, digits in parts.items()}
    assert found["train"].isdisjoint(found["test"])
    assert len(found["train"]) > len(found["test"]) > 0
    assert sum(digits.counts()[NOT_A_DIGIT] for digits in parts.values()) == int((drawn.labels == 0).sum())
    assert all("0" not in digits.classes for digits in parts.values())


def test_of_letters_every_fifth_tests_and_those_like_digits_are_not_learnt_from(tmp_path: Path) -> None:
    record = next(record for record in RECORDS.values() if record.name == "emnist_letters_test")
    images = np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)
    letters = [*"QACGX" * 8]
    save(tmp_path / record.file, images=images, labels=letters)
    train, test = (record.source().read(tmp_path, part) for part in ("train", "test"))
    assert [int(picture[0, 0]) for picture, _ in test] == list(range(0, 40, 5))
    assert shown_in(test).tolist() == ["Q"] * 8
    assert shown_in(train).tolist() == ["A", "C", "X"] * 8
    assert str(test.origins[3]) == "emnist_letters_test/test/3-Q"
    assert train.classes == test.classes == (NOT_A_DIGIT,)


def test_every_record_is_counted_here() -> None:
    assert set(COUNTS) == {record.name for record in RECORDS.values()}


@pytest.mark.parametrize("name", COUNTS)
def test_the_published_file_has_the_parts_that_the_docs_say_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    if not (SHARED / f"{name}.npz").is_file():
        pytest.skip(f"../shared/data/{name}.npz is not there")
    (tmp_path / "any.npz").write_bytes((SHARED / f"{name}.npz").read_bytes())
    source = find_source(f"{PREFIX}{tmp_path / 'any.npz'}")
    assert {part: len(source.read(NOWHERE, part)) for part in source.parts} == COUNTS[name]
    assert source.licence != "your own"
    for count in COUNTS[name].values():
        assert f"{count:,}" in (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
