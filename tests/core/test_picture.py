"""The door for pictures: what comes in, what is refused, and how it is said."""

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitkit.core.errors import PictureError, PictureTooLarge
from digitkit.core.picture import LIMITS, decode, decode_stack, is_plain_stack


def encode(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(height: int = 6, width: int = 4) -> NDArray[np.uint8]:
    return (np.arange(height * width, dtype=np.uint8) * 7).reshape(height, width)


def png_of_size(width: int, height: int) -> bytes:
    """A whole header and no pixels: a picture that claims any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_every_kind_of_source_gives_the_same_pixels(tmp_path: Path) -> None:
    content = encode(Image.fromarray(grey()))
    path = tmp_path / "seven.png"
    path.write_bytes(content)
    expected = np.repeat(grey()[:, :, None], 3, axis=2)
    with path.open("rb") as file, path.open("rb", buffering=0) as raw:
        seen = [decode(source) for source in (path, str(path), content, file, cast(BinaryIO, raw))]
    seen += [decode(io.BytesIO(content)), decode(Image.open(path)), decode(grey()), decode(grey()[:, :, None])]
    assert all(np.array_equal(pixels, expected) for pixels in seen)


def test_the_result_is_uint8_rgb_of_its_own_in_c_order() -> None:
    source = np.asfortranarray(np.repeat(grey()[:, :, None], 3, axis=2))
    pixels = decode(source)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert not np.shares_memory(pixels, source)


@pytest.mark.parametrize(
    ("array", "first"),
    [
        (np.array([[True, False]]), (255, 255, 255)),
        (np.array([[65535, 0]], np.uint16), (255, 255, 255)),
        (np.array([[128 * 257, 0]], np.uint16), (128, 128, 128)),
        (np.array([[0.5, 0.0]], np.float32), (128, 128, 128)),
        (np.array([[1.0, 0.0]], np.float16), (255, 255, 255)),
        (np.array([[[10, 20, 30]]], np.uint8), (10, 20, 30)),
        (np.array([[[10, 20, 30, 0]]], np.uint8), (255, 255, 255)),
        (np.array([[[10, 20, 30, 255]]], np.uint8), (10, 20, 30)),
        (np.array([[[0.0, 0.0, 0.0, 0.0]]]), (255, 255, 255)),
    ],
)
def test_arrays_of_other_types_are_scaled_to_8_bit(array: NDArray[Any], first: tuple[int, ...]) -> None:
    assert tuple(decode(array)[0, 0]) == first


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.full((3, 3), np.nan), "range 0..1"),
        (np.full((3, 3), 1.5), "range 0..1, got 1.5..1.5"),
        (np.full((3, 3), -0.1), "range 0..1"),
        (np.full((3, 3), np.inf), "range 0..1"),
        (np.zeros((3, 3), np.int64), "expected uint8, bool, uint16 or floats"),
        (np.zeros((3, 3), object), "expected uint8, bool, uint16 or floats"),
        (np.zeros((3, 3, 2), np.uint8), r"shape \(3, 3, 2\); expected \(H,W\)"),
        (np.zeros((3, 3, 3, 3), np.uint8), "shape"),
        (np.zeros(3, np.uint8), "shape"),
        (np.zeros((0, 3), np.uint8), "3 x 0 px"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_with_what_was_expected(array: NDArray[Any], says: str) -> None:
    with pytest.raises(PictureError, match=f"^row 7: .*{says}"):
        decode(array, name="row 7")


def test_a_picture_is_reduced_to_the_longest_side_by_averaging() -> None:
    stripes = np.zeros((2048, 4096), np.uint8)
    stripes[:, ::2] = 200
    pixels = decode(stripes)
    assert pixels.shape == (512, 1024, 3)
    assert np.all(pixels == 100)


def test_bands_leave_no_seams() -> None:
    ramp = np.repeat(np.linspace(0, 65535, 5000).astype(np.uint16)[:, None], 2100, axis=1)
    pixels = decode(ramp)[:, 0, 0].astype(int)
    assert len(pixels) == 1024
    assert np.abs(pixels - np.linspace(0, 255, 1024)).max() < 1
    assert np.diff(pixels).min() >= 0


def test_a_reduced_picture_equals_the_one_reduced_at_once() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (2500, 3700, 3), dtype=np.uint8)
    whole = Image.fromarray(noise).resize((1024, 692), Image.Resampling.BOX)
    assert np.array_equal(decode(noise), np.asarray(whole))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 20000)])
def test_very_small_and_very_long_pictures_keep_at_least_one_pixel(shape: tuple[int, int]) -> None:
    pixels = decode(encode(Image.fromarray(np.full(shape, 9, np.uint8))))
    assert max(pixels.shape[:2]) == min(1024, max(shape))
    assert min(pixels.shape[:2]) >= 1
    assert np.all(pixels == 9)


def test_a_large_jpeg_is_reduced_to_the_same_size_as_other_formats() -> None:
    picture = Image.fromarray(np.repeat(np.linspace(0, 255, 3000).astype(np.uint8)[:, None], 4000, axis=1))
    photo, scan = decode(encode(picture, "JPEG", quality=95)), decode(encode(picture))
    assert photo.shape == scan.shape == (768, 1024, 3)
    assert np.abs(photo.astype(int) - scan).max() <= 3


def test_the_header_of_a_huge_picture_is_refused_before_decoding() -> None:
    with pytest.raises(PictureTooLarge, match=r"^huge\.png: .*Save the picture smaller"):
        decode(png_of_size(50_000, 50_000), name="huge.png")


@pytest.mark.parametrize("size", [(20_001, 1), (1, 20_001), (10_000, 5_001), (9_500, 9_500)])
def test_sides_and_pixels_over_the_limits_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(PictureTooLarge, match=r"expected sides up to 20000 px and 50 million pixels|exceeds limit"):
        decode(png_of_size(*size))


@pytest.mark.parametrize("size", [(20_001, 1), (10_000, 5_001)])
def test_the_limits_hold_for_arrays_and_pillow_pictures_too(size: tuple[int, int]) -> None:
    array = np.zeros(size, np.uint8)
    with pytest.raises(PictureTooLarge):
        decode(array)
    with pytest.raises(PictureTooLarge):
        decode(Image.fromarray(array))


def test_a_file_over_20_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(LIMITS.content_bytes + 1)
    with pytest.raises(PictureTooLarge, match=r"large\.png: over 20 MB"):
        decode(path)


def test_a_stream_is_never_read_further_than_the_limit() -> None:
    class Endless:
        given = 0

        def read(self, count: int = -1) -> bytes:
            piece = b"\0" * min(count, 2**20)
            self.given += len(piece)
            return piece

    endless = Endless()
    with pytest.raises(PictureTooLarge):
        decode(cast(BinaryIO, endless))
    assert endless.given == LIMITS.content_bytes + 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"nowhere\.png: cannot be read \(No such file"):
        decode(tmp_path / "nowhere.png")


def test_a_folder_is_not_a_picture(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be read"):
        decode(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(encode(Image.fromarray(grey())))
    path.chmod(0)
    with pytest.raises(PictureError, match=r"locked\.png: cannot be read \(Permission denied"):
        decode(path)


@pytest.mark.parametrize("source", ["a\0b.png", io.StringIO("text"), 7, None])
def test_what_cannot_be_a_picture_at_all_is_refused(source: Any) -> None:
    with pytest.raises(PictureError, match="cannot be read"):
        decode(source)


def test_a_closed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.png"
    path.write_bytes(encode(Image.fromarray(grey())))
    with path.open("rb") as file:
        pass
    with pytest.raises(PictureError, match=r"closed\.png: cannot be read"):
        decode(file)


def test_an_empty_file_says_that_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(PictureError, match=r"empty\.png: the file is empty"):
        decode(path)


def test_text_named_png_is_refused_with_the_formats_that_are_read() -> None:
    with pytest.raises(PictureError, match=r"^notes\.png: not a picture .* PNG, JPEG, WebP"):
        decode(b"dear diary, today I drew a seven", name="notes.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_truncated_file_is_an_error(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = encode(Image.fromarray(noise), kind)
    with pytest.raises(PictureError, match=r"^half: "):
        decode(content[: int(len(content) * share)], name="half")


@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO", "TGA", "PCX", "JPEG2000"])
def test_formats_outside_the_list_are_not_opened(kind: str) -> None:
    content = encode(Image.fromarray(grey(32, 32)).convert("RGB"), kind)
    with pytest.raises(PictureError, match="not a picture that can be read"):
        decode(content)


def test_a_picture_of_the_user_is_left_as_it_was() -> None:
    picture = Image.open(io.BytesIO(encode(Image.fromarray(grey(1500, 2000)), "JPEG")))
    decode(picture)
    assert picture.size == (2000, 1500)
    assert picture.mode == "L"


def test_a_pillow_picture_whose_file_is_closed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "gone.png"
    path.write_bytes(encode(Image.fromarray(grey())))
    with Image.open(path) as picture:
        pass
    with pytest.raises(PictureError, match=r"gone\.png: damaged"):
        decode(picture)


def test_decoding_in_many_threads_leaves_the_filters_of_warnings_alone() -> None:
    content = encode(Image.fromarray(grey(40, 40)), "TIFF")
    before = list(warnings.filters)
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(decode(content).shape == (40, 40, 3))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 16
    assert warnings.filters == before


@pytest.mark.parametrize("shape", [(3, 5, 7), (3, 5, 7, 1), (3, 5, 7, 3), (3, 1, 1024)])
def test_a_plain_stack_is_decoded_like_each_of_its_pictures(shape: tuple[int, ...]) -> None:
    stack = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert is_plain_stack(stack)
    for given in (stack, stack[:, ::-1]):  # in a row, and a view
        made = decode_stack(given, "stack")
        assert made.flags.c_contiguous
        assert np.array_equal(made, np.stack([decode(picture) for picture in given]))


@pytest.mark.parametrize(
    "stack",
    [
        np.zeros((2, 5, 5)),
        np.zeros((2, 5, 5, 4), np.uint8),
        np.zeros((2, 1025, 5), np.uint8),
        np.zeros((5, 5), np.uint8),
    ],
)
def test_stacks_that_need_decoding_are_not_plain(stack: NDArray[Any]) -> None:
    assert not is_plain_stack(stack)


def test_a_stack_of_pictures_without_pixels_is_refused() -> None:
    with pytest.raises(PictureError, match="nothing to see"):
        decode_stack(np.zeros((2, 0, 5), np.uint8), "stack")
