import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.digitset import Dense, DigitSet, Encoded
from digitkit.core.picture import Pixels
from digitkit.data import album
from digitkit.data.catalogue import find_source
from digitkit.data.fingerprint import marks_of
from digitkit.data.splits import SplitPlan, build

NOWHERE = Path()


def photo(seed: int, side: int = 64, colour: bool = True) -> Pixels:
    """A soft picture, which JPEG makes small."""
    few = np.random.default_rng(seed).integers(0, 256, (3, 3, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC))
    return pixels if colour else pixels[..., 0]


def save(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def read(folder: Path) -> DigitSet:
    return find_source(f"folder:{folder}").read(NOWHERE, "train")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight photos in colour and two without."""
    for index in range(10):
        save(tmp_path / "photos" / str(index % 2) / f"{index}.jpg", photo(index, colour=index < 8))
    return tmp_path / "photos"


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large for this test, and written at once."""
    monkeypatch.setattr(album, "LARGE_BYTES", 30_000)
    monkeypatch.setattr(album, "PIECE_BYTES", 20_000)


def test_few_photos_are_kept_as_pixels(photos: Path) -> None:
    assert not isinstance(read(photos).pictures, Encoded)


@pytest.mark.usefixtures("few_bytes")
def test_many_photos_are_kept_as_the_bytes_of_their_files(photos: Path) -> None:
    pictures = read(photos).pictures
    assert isinstance(pictures, Encoded)
    files = sorted(photos.rglob("*.jpg"))
    assert pictures.buffer.tobytes() == b"".join(file.read_bytes() for file in files)
    assert all(np.array_equal(pictures[i], np.asarray(Image.open(file))) for i, file in enumerate(files))


@pytest.mark.usefixtures("few_bytes")
def test_photos_know_their_sizes_and_marks_without_being_decoded(photos: Path) -> None:
    pictures = read(photos).pictures
    assert isinstance(pictures, Encoded)
    assert pictures.shapes is not None
    assert pictures.shapes.tolist() == [[64, 64, 3]] * 4 + [[64, 64, 1]] + [[64, 64, 3]] * 4 + [[64, 64, 1]]
    assert marks_of(pictures).tolist() == marks_of(Encoded(pictures.buffer, pictures.offsets, pictures.sizes)).tolist()


@pytest.mark.usefixtures("few_bytes")
def test_a_photo_and_its_copy_without_loss_are_one_picture(photos: Path, tmp_path: Path) -> None:
    with Image.open(photos / "1" / "3.jpg") as copied:
        save(tmp_path / "small" / "test" / "1" / "copy.png", np.asarray(copied))
    save(tmp_path / "small" / "train" / "1" / "other.png", photo(99, side=8))
    splits = build(SplitPlan((f"folder:{photos}", f"folder:{tmp_path / 'small'}"), val_size=0))
    assert splits.report.test_copies == 1
    assert splits.report.counts["primary"] == 10
    assert not any("3.jpg" in origin for origin in splits.primary.origins)


@pytest.mark.usefixtures("few_bytes")
def test_pictures_that_are_hardly_larger_than_their_files_are_kept_as_pixels(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64), np.uint8)
    for index, pixels in enumerate(noise):
        save(tmp_path / "noise" / "0" / f"{index:02}.bmp", pixels)
    pictures = read(tmp_path / "noise").pictures
    assert isinstance(pictures, Dense)
    assert np.array_equal(pictures.pixels, noise)


@pytest.mark.usefixtures("few_bytes")
def test_tiny_files_that_unpack_to_much_take_no_more_room_than_the_files(tmp_path: Path, cache: Path) -> None:
    buffer = io.BytesIO()
    Image.new("L", (1000, 1000)).save(buffer, "PNG")
    (tmp_path / "bombs" / "0").mkdir(parents=True)
    for index in range(50):
        (tmp_path / "bombs" / "0" / f"{index}.png").write_bytes(buffer.getvalue())
    read(tmp_path / "bombs")
    assert sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) < 200_000


def test_names_of_any_length_have_an_origin_of_their_own(tmp_path: Path) -> None:
    deep = tmp_path / "digits" / "3" / ("a" * 200) / ("b" * 200)
    for index in range(2):
        save(deep / f"{'c' * 100}{index}.png", photo(index, 8))
    origins = read(tmp_path / "digits").origins.tolist()
    assert len(set(origins)) == 2
    assert max(map(len, origins)) < 250
