import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import Dense, DigitSet, Ragged
from digitkit.core.errors import SourceError
from digitkit.core.picture import Pixels
from digitkit.data.catalogue import find_source
from digitkit.data.folder import folder_source
from digitkit.data.splits import SplitPlan, build

NOWHERE = Path()
GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def save(path: Path, pixels: Pixels = GREY, mode: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path)
    return path


def read(folder: Path, part: str = "train") -> DigitSet:
    return find_source(f"folder:{folder}").read(NOWHERE, part)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A folder of two classes."""
    folder = tmp_path / "digits"
    for name in ("3/b.png", "3/a.png", "7/c.bmp"):
        save(folder / name)
    return folder


def test_labels_are_the_names_of_the_folders(digits: Path) -> None:
    read_digits = read(digits)
    assert read_digits.classes == ("3", "7")
    assert read_digits.counts() == {"3": 2, "7": 1}
    assert read_digits.origins.tolist() == ["digits/train/3/a.png", "digits/train/3/b.png", "digits/train/7/c.bmp"]


def test_grey_pictures_of_one_size_are_dense_and_keep_every_level(digits: Path) -> None:
    pictures = read(digits).pictures
    assert isinstance(pictures, Dense)
    assert np.array_equal(pictures.pixels, np.stack([GREY] * 3))


def test_pictures_of_several_sizes_are_ragged(digits: Path) -> None:
    save(digits / "7" / "d.png", GREY[:4])
    pictures = read(digits).pictures
    assert isinstance(pictures, Ragged)
    assert [pictures[index].shape for index in range(4)] == [(6, 8), (6, 8), (6, 8), (4, 8)]
    assert np.array_equal(pictures[3], GREY[:4])


def test_colour_is_kept_beside_grey(digits: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    save(digits / "7" / "d.png", colour)
    pictures = read(digits).pictures
    assert pictures[0].shape == (6, 8)
    assert np.array_equal(pictures[3], colour)


@pytest.mark.parametrize("name", ["x.jpg", "x.gif", "x.tiff", "x.webp", "x.PNG", "no-ending-but-a-png"])
def test_any_type_of_picture_is_read(digits: Path, name: str) -> None:
    path = save(digits / "9" / "x.png")
    if name != "no-ending-but-a-png":
        Image.open(path).save(digits / "9" / name)
        path.unlink()
    else:
        path.rename(digits / "9" / name)
    assert read(digits).counts()["9"] == 1


def test_odd_pictures_are_read_as_a_person_sees_them(tmp_path: Path) -> None:
    alpha = np.zeros((6, 8, 2), np.uint8)
    alpha[2:4, :, 1] = 255  # black ink, everything else clear
    save(tmp_path / "1" / "alpha.png", alpha)
    save(tmp_path / "1" / "bits.png", GREY * 5, mode="1")
    save(tmp_path / "1" / "palette.png", GREY, mode="P")
    save(tmp_path / "1" / "wide.png", (GREY.astype(np.uint16) * 257).astype(np.uint16))
    pictures = read(tmp_path).pictures
    assert np.array_equal(pictures[0], np.where(alpha[..., 1] > 0, 0, 255))
    assert set(np.unique(pictures[1])) == {0, 255}
    assert np.array_equal(pictures[3], GREY)


def test_files_that_are_no_pictures_are_listed_and_skipped(digits: Path) -> None:
    (digits / "3" / "empty.png").touch()
    (digits / "3" / "notes.txt").write_text("not a picture")
    whole = (digits / "3" / "a.png").read_bytes()
    (digits / "7" / "cut.png").write_bytes(whole[:40])
    source = folder_source(f"folder:{digits}")
    assert source.read(NOWHERE, "train").counts() == {"3": 2, "7": 1}
    notes = source.notes(NOWHERE, "train")
    assert [line.split(":")[0] for line in notes] == ["3/empty.png", "3/notes.txt", "7/cut.png", "in all"]
    assert notes[-1] == "in all: 3 pictures that cannot be read"


def test_hidden_files_and_folders_are_no_pictures(digits: Path) -> None:
    save(digits / ".thumbnails" / "a.png")
    save(digits / "__MACOSX" / "a.png")
    (digits / "3" / ".DS_Store").write_bytes(b"x")
    source = folder_source(f"folder:{digits}")
    assert source.read(NOWHERE, "train").classes == ("3", "7")
    assert source.notes(NOWHERE, "train") == ()


def test_pictures_in_folders_within_a_class_belong_to_it(digits: Path) -> None:
    save(digits / "7" / "by hand" / "today" / "e.png")
    assert "digits/train/7/by hand/today/e.png" in read(digits).origins


@pytest.mark.parametrize("valid", ["valid", "val", "Val"])
def test_folders_for_training_validation_and_test_are_its_parts(tmp_path: Path, valid: str) -> None:
    for part in ("train", valid, "test"):
        save(tmp_path / part / "5" / f"{part}.png")
    source = find_source(f"folder:{tmp_path}")
    assert source.parts == ("train", "val", "test")
    assert [str(source.read(NOWHERE, part).origins[0].split("/")[-1]) for part in source.parts] == [
        "train.png",
        f"{valid}.png",
        "test.png",
    ]


def test_class_folders_alone_are_one_training_part(digits: Path) -> None:
    assert find_source(f"folder:{digits}").parts == ("train",)


def test_a_second_reading_takes_the_pixels_from_the_cache(digits: Path, cache: Path) -> None:
    read(digits)
    pictures = read(digits).pictures
    assert isinstance(pictures, Dense)
    assert not pictures.pixels.flags.writeable
    assert len([path for path in (cache / "arrays").iterdir() if path.is_dir()]) == 1


def test_a_changed_picture_is_never_taken_from_the_cache(digits: Path) -> None:
    read(digits)
    save(digits / "3" / "a.png", 255 - GREY)
    assert np.array_equal(read(digits).pictures[0], 255 - GREY)


def test_a_picture_moved_to_another_class_is_noticed(digits: Path) -> None:
    read(digits)
    (digits / "3" / "a.png").rename(digits / "7" / "a.png")
    assert read(digits).counts() == {"3": 1, "7": 2}


def test_a_class_without_pictures_is_counted_as_empty(digits: Path) -> None:
    (digits / "8").mkdir()
    assert read(digits).counts() == {"3": 2, "7": 1, "8": 0}


def test_many_pictures_are_decoded_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitkit.data.album.PIECE_BYTES", 3 * GREY.size)
    for index in range(10):
        save(tmp_path / "0" / f"{index}.png", GREY + index)
    pictures = read(tmp_path).pictures
    assert all(np.array_equal(pictures[index], GREY + index) for index in range(10))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no folder .*absent"):
        find_source(f"folder:{tmp_path / 'absent'}")


def test_an_empty_folder_is_told_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="one folder per class"):
        read(tmp_path)


def test_pictures_beside_no_class_folder_are_told_where_to_go(tmp_path: Path) -> None:
    save(tmp_path / "seven.png")
    with pytest.raises(SourceError, match="one folder per class"):
        read(tmp_path)


def test_class_folders_without_pictures_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "4").mkdir()
    with pytest.raises(SourceError, match="no pictures in them"):
        read(tmp_path)


def test_class_folders_with_nothing_that_can_be_read_are_an_error_and_leave_no_cache(
    tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "digits" / "4"
    folder.mkdir(parents=True)
    (folder / "a.png").write_text("text")
    with pytest.raises(SourceError, match=r"none of 1 files is a picture.*4/a\.png"):
        read(tmp_path / "digits")
    assert [path for path in (cache / "arrays").iterdir() if path.is_dir()] == []


def test_one_name_in_two_class_folders_is_two_pictures(tmp_path: Path) -> None:
    for level, label in enumerate("37"):
        save(tmp_path / "digits" / label / "a.png", GREY + level)
    both = read(tmp_path / "digits")
    assert both.origins.tolist() == ["digits/train/3/a.png", "digits/train/7/a.png"]
    assert [int(both.pictures[index][0, 0]) for index in range(2)] == [0, 1]


def test_an_empty_class_is_no_class_of_a_training_and_does_not_stop_it(digits: Path) -> None:
    (digits / "8").mkdir()
    assert build(SplitPlan((f"folder:{digits}",), val_size=0)).primary.classes == ("3", "7")


def test_links_that_lead_out_of_the_folder_are_listed_and_not_followed(digits: Path, tmp_path: Path) -> None:
    secret = save(tmp_path / "elsewhere" / "secret.png")
    (digits / "3" / "inside.png").symlink_to(digits / "7" / "c.bmp")
    (digits / "3" / "nowhere.png").symlink_to(tmp_path / "absent.png")
    (digits / "3" / "out.png").symlink_to(secret)
    (digits / "3" / "out").symlink_to(secret.parent)
    (digits / "9").symlink_to(secret.parent)
    source = folder_source(f"folder:{digits}")
    assert source.read(NOWHERE, "train").counts() == {"3": 3, "7": 1}
    notes = source.notes(NOWHERE, "train")
    assert {line.split(":")[0] for line in notes} == {"3/nowhere.png", "3/out.png", "3/out", "9", "in all"}
    assert notes[-1] == "in all: 4 links"


def test_a_part_that_is_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "3" / "a.png")
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "train").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="a link that leads out"):
        find_source(f"folder:{tmp_path / 'digits'}")


def test_the_folder_itself_may_be_a_link(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(digits)
    assert len(read(tmp_path / "link")) == 3


def test_a_pipe_is_listed_and_not_waited_for(digits: Path) -> None:
    os.mkfifo(digits / "3" / "pipe.png")
    source = folder_source(f"folder:{digits}")
    assert len(source.read(NOWHERE, "train")) == 3
    assert source.notes(NOWHERE, "train") == (
        "3/pipe.png: a pipe or a device, no picture.",
        "in all: 1 files of another kind",
    )


def close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look into a folder, root neither."""

    def refusing(look: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def refuse(path: Any) -> Any:
            if Path(path) == folder:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return look(path)

        return refuse

    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))


def test_a_folder_that_cannot_be_looked_into_is_listed_and_the_rest_is_read(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(digits / "7" / "private" / "d.png")
    close(digits / "7" / "private", monkeypatch)
    source = folder_source(f"folder:{digits}")
    assert len(source.read(NOWHERE, "train")) == 3
    assert source.notes(NOWHERE, "train")[0] == "7/private: the folder cannot be looked into (Permission denied)."


def test_a_set_that_cannot_be_looked_into_says_what_to_do(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    close(digits, monkeypatch)
    with pytest.raises(SourceError, match=r"digits cannot be looked into \(Permission denied\). Make it readable"):
        folder_source(f"folder:{digits}")


def test_names_that_are_no_text_are_shown_as_text(digits: Path) -> None:
    os.rename(digits / "3" / "a.png", os.fsencode(digits / "3") + b"/a\xff\n.png")
    origins = [str(origin) for origin in read(digits).origins]
    assert "digits/train/3/a\\udcff\\n.png" in origins
    assert all(origin.encode() for origin in origins)


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    for name in ("train", "val", "valid"):
        save(tmp_path / name / "3" / "a.png")
    with pytest.raises(SourceError, match="two folders for one part: val and valid"):
        find_source(f"folder:{tmp_path}")
