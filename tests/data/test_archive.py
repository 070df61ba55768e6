import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError, SourceError, StoreError
from digitkit.data import zipped
from digitkit.data.catalogue import find_source
from tests.fixtures.runs import full_disk
from tests.fixtures.zips import pack, picture

NOWHERE = Path()


def read(path: Path | str, part: str = "train") -> DigitSet:
    return find_source(f"archive:{path}").read(NOWHERE, part)


def labels(digits: DigitSet) -> dict[str, str]:
    """The label of each picture by its name in the archive."""
    names = [str(origin).split("/", 2)[2] for origin in digits.origins]
    return dict(zip(names, [label for _, label in digits], strict=True))


def notes(path: Path | str, part: str = "train") -> tuple[str, ...]:
    return find_source(f"archive:{path}").notes(NOWHERE, part)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "digits.zip"


def test_the_label_stands_at_the_end_of_the_name(path: Path) -> None:
    pack(
        path,
        {"a_label3.png": picture(0), "deep/in/it/b_c_label7.jpg": picture(1, "JPEG"), "x_label_label0": picture(2)},
    )
    digits = read(path)
    assert digits.classes == ("0", "3", "7")
    assert labels(digits) == {"a_label3.png": "3", "deep/in/it/b_c_label7.jpg": "7", "x_label_label0": "0"}
    assert digits.origins[0] == "digits/train/a_label3.png"
    assert notes(path) == ()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_any_type_of_picture_is_read(path: Path, kind: str) -> None:
    pack(path, {f"a_label3.{kind.lower()}": picture(0, kind)})
    assert read(path).pictures[0].shape[:2] == (6, 8)


def test_photos_are_turned_as_the_camera_says(path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    buffer = io.BytesIO()
    Image.new("L", (8, 6)).save(buffer, "JPEG", exif=exif)
    pack(path, {"a_label3.jpg": buffer.getvalue()})
    assert read(path).pictures[0].shape == (8, 6)


def test_names_without_a_label_are_listed_and_the_rest_is_read(path: Path) -> None:
    pack(path, {"a_label3.png": picture(), "b_label12.png": picture(), "readme.txt": b"x", "c_labelx.png": picture()})
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path) == (
        "b_label12.png: no label.",
        "c_labelx.png: no label.",
        "readme.txt: no label.",
        "in all: 3 files with no label",
    )


def test_another_pattern_stands_behind_the_place(path: Path) -> None:
    pack(path, {"23-photo.png": picture(0), "7-photo.png": picture(1), "photo.png": picture(2)})
    spec = rf"{path}#^(\d+)-"
    assert labels(read(spec)) == {"23-photo.png": "23", "7-photo.png": "7"}
    assert notes(spec)[-1] == "in all: 1 files with no label"


def test_a_pattern_can_be_written_in_a_recipe(path: Path) -> None:
    compose = pytest.importorskip("digitkit.learn.compose", reason="recipes need the extra train").compose
    spec = rf"archive:{path}#-(\d+)$"
    assert compose([f"data.sources=['{spec}']"]).data.sources == [spec]


@pytest.mark.parametrize(("pattern", "message"), [("(", "no regular expression"), (r"\d$", "where the label is")])
def test_a_pattern_that_is_none_is_a_bad_request(path: Path, pattern: str, message: str) -> None:
    pack(path, {"a_label3.png": picture()})
    with pytest.raises(ConfigError, match=message):
        find_source(f"archive:{path}#{pattern}")


def test_a_file_may_have_the_mark_of_a_pattern_in_its_name(tmp_path: Path) -> None:
    assert labels(read(pack(tmp_path / "digits #2.zip", {"a_label3.png": picture()}))) == {"a_label3.png": "3"}


def test_where_no_name_has_a_label_the_class_folders_count(path: Path) -> None:
    pack(
        path, {"my/digits/7/a.png": picture(0), "my/digits/00/deep/b.png": picture(1), "my/digits/note.png": picture(2)}
    )
    assert labels(read(path)) == {"my/digits/7/a.png": "7", "my/digits/00/deep/b.png": "00"}
    assert notes(path)[0] == "my/digits/note.png: no label."


@pytest.mark.parametrize("name", ["{part}/x_label{label}.png", "{part}/{label}/x.png", "all/{part}/{label}/x.png"])
def test_folders_for_training_validation_and_test_are_its_parts(path: Path, name: str) -> None:
    parts = ("train", "valid", "test")
    pack(path, {name.format(part=part, label=label): picture(label) for label, part in enumerate(parts)})
    source = find_source(f"archive:{path}")
    assert source.parts == ("train", "val", "test")
    assert [list(labels(source.read(NOWHERE, part)).values()) for part in source.parts] == [["0"], ["1"], ["2"]]


def test_hidden_members_are_no_pictures(path: Path) -> None:
    pack(path, {"a_label3.png": picture(), "__MACOSX/._a_label3.png": b"x", ".DS_Store": b"x", "b/": b""})
    assert list(labels(read(path))) == ["a_label3.png"]
    assert notes(path) == ()


def test_a_member_that_leads_out_is_listed_and_never_read(path: Path, tmp_path: Path) -> None:
    names = ["../up_label1.png", "/abs_label2.png", "a/../../b_label4.png", "..\\win_label5.png", "C:\\win_label6.png"]
    pack(path, {"a_label3.png": picture(), **dict.fromkeys(names, picture(1))})
    before = sorted(tmp_path.parent.iterdir())
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[-1] == "in all: 5 members that lead out"
    assert notes(path)[0] == "../up_label1.png: leads out of the archive."
    assert sorted(tmp_path.parent.iterdir()) == before


def test_of_two_members_with_one_name_the_last_is_taken(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a_label3.png", picture(0))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a_label3.png", picture(1))
    pixels = read(path).pictures
    assert len(pixels) == 1
    assert np.array_equal(pixels[0], np.asarray(Image.open(io.BytesIO(picture(1)))))
    assert notes(path)[0] == "a_label3.png: twice in the archive; the last is taken."


def test_one_name_in_two_folders_is_two_pictures(path: Path) -> None:
    pack(path, {"a/x_label3.png": picture(0), "b/x_label3.png": picture(1)})
    assert len(read(path)) == 2


def test_damaged_members_are_listed_and_the_rest_is_read(path: Path) -> None:
    stored = {"a_label3.png": picture(0), "b_label4.png": picture(1)}
    content = pack(path, stored, zipfile.ZIP_STORED).read_bytes()
    path.write_bytes(content.replace(picture(1), picture(1)[:-9] + b"123456789"))
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[0].startswith("b_label4.png: damaged in the archive (Bad CRC-32")
    assert notes(path)[1] == "in all: 1 pictures that cannot be read"


def test_members_that_are_no_pictures_are_listed(path: Path) -> None:
    pack(
        path, {"a_label3.png": picture(), "b_label4.png": b"text", "c_label5.png": b"", "d_label6.png": picture()[:40]}
    )
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[-1] == "in all: 3 pictures that cannot be read"


def test_ten_gigabytes_of_zeros_are_not_unpacked(path: Path, cache: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a_label3.png", picture())
        archive.writestr("zeros_label0.png", bytes(2**25))
        archive.getinfo("zeros_label0.png").file_size = 10 * 2**30  # as the list of members has it
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[0] == "zeros_label0.png: 10,737,418,240 bytes, over 20 MB."
    assert sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) < 100_000


def test_a_bomb_of_many_members_that_share_their_bytes_is_refused_as_a_whole(path: Path, cache: Path) -> None:
    packed = pack(path, {"000_label0.png": bytes(2**24)}).read_bytes()
    size, start = struct.unpack("<II", packed[-10:-2])
    entries = [packed[start : start + size].replace(b"000", b"%03d" % number) for number in range(100)]
    ending = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100, 100, 100 * size, start, 0)
    path.write_bytes(packed[:start] + b"".join(entries) + ending)
    with pytest.raises(SourceError, match=r"would unpack to 1,677,721,600, expected 1,073,741,824 at most"):
        find_source(f"archive:{path}")
    assert not (cache / "arrays").exists()


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_says(path: Path) -> None:
    pack(path, {"a_label3.png": picture(), "b_label4.png": bytes(10 * 2**20)})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 10 * 2**20), struct.pack("<I", 50)))
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[0].startswith("b_label4.png: damaged in the archive")


def test_a_list_of_members_that_fills_the_memory_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(path, {f"{index}_label3.png": b"" for index in range(100)})
    monkeypatch.setattr(zipped, "MAX_READ", 5_000)
    with pytest.raises(SourceError, match=r"list of members takes 5,\d+ bytes, expected 5,000 at most"):
        find_source(f"archive:{path}")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_may_ask_for_gigabytes_is_not_unpacked(path: Path, method: int) -> None:
    pack(path, {"a_label3.png": picture()})
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("b_label4.png", picture())
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[0] == "b_label4.png: not packed by deflate; pack it so."


def test_encrypted_members_are_listed(path: Path) -> None:
    pack(path, {"a_label3.png": picture(), "b_label4.png": picture()})
    content = bytearray(path.read_bytes())
    content[content.rfind(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert labels(read(path)) == {"a_label3.png": "3"}
    assert notes(path)[0] == "b_label4.png: encrypted; pack it without a password."


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>Sign in</html>" * 99, b"PK\5\6" + b"\xff" * 18])
def test_a_file_that_is_no_zip_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"digits\.zip: no zip file that can be read"):
        find_source(f"archive:{path}")


def test_a_cut_archive_is_named(path: Path) -> None:
    content = pack(path, {"a_label3.png": picture()}).read_bytes()
    path.write_bytes(content[:-30])
    with pytest.raises(SourceError, match="no zip file that can be read"):
        find_source(f"archive:{path}")


def test_an_archive_without_any_label_says_what_was_looked_for(path: Path) -> None:
    pack(path, {"a.png": picture(), "b.png": picture()})
    with pytest.raises(SourceError, match=r"Expected _label\(\[0-9\]\)\$ in the names.*or one folder per class"):
        find_source(f"archive:{path}")


def test_an_archive_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*digits\.zip"):
        find_source(f"archive:{path}")


def test_a_changed_archive_is_never_taken_from_the_cache(path: Path) -> None:
    pack(path, {"a_label3.png": picture(0)})
    read(path)
    pack(path, {"a_label3.png": picture(1)})
    assert np.array_equal(read(path).pictures[0], np.asarray(Image.open(io.BytesIO(picture(1)))))


def test_a_full_disk_is_told_as_such(path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (99, 99), np.uint8)).save(buffer, "PNG")
    pack(path, {"a_label3.png": buffer.getvalue()})
    with pytest.raises(StoreError, match="Cannot write"), full_disk():
        read(path)
