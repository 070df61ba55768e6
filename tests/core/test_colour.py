"""Every mode of every format decodes to what a person sees: golden values, worked out by hand."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from digitkit.core.colour import see, turn
from digitkit.core.errors import PictureError
from digitkit.core.picture import decode

WHITE, BLACK, RED, BLUE = (255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 0, 255)


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def row(pixels: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    return [tuple(int(value) for value in pixel) for pixel in pixels[0]]


def wide(values: list[int], kind: str) -> Image.Image:
    return Image.fromarray(np.array([values], kind))


def palette(colours: list[tuple[int, int, int]]) -> Image.Image:
    """One row that shows each colour of a palette once."""
    picture = Image.new("P", (len(colours), 1))
    picture.putpalette([value for colour in colours for value in colour])
    picture.putdata(range(len(colours)))
    return picture


def test_one_bit_is_black_and_white() -> None:
    picture = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert row(decode(encode(picture, "PNG"))) == [BLACK, WHITE]


def test_grey_stays_grey() -> None:
    assert row(decode(encode(wide([0, 77, 255], "u1"), "PNG"))) == [BLACK, (77, 77, 77), WHITE]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_to_8_bit(kind: str) -> None:
    content = encode(wide([0, 100 * 257, 32768, 65535], "u2"), kind)
    assert row(decode(content)) == [BLACK, (100, 100, 100), (128, 128, 128), WHITE]


def test_dark_16_bit_grey_stays_dark() -> None:
    assert row(decode(encode(wide([0, 200], "u2"), "PPM"))) == [BLACK, (1, 1, 1)]


def test_16_bit_tiff_in_which_white_is_zero_is_turned() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    content = encode(wide([0, 65535], "u2"), "TIFF", tiffinfo=tags)
    assert row(decode(content)) == [WHITE, BLACK]


def test_8_bit_tiff_in_which_white_is_zero_is_turned() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    content = encode(wide([0, 255], "u1"), "TIFF", tiffinfo=tags)
    assert row(decode(content)) == row(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))


def test_the_transparent_grey_of_a_16_bit_png_is_paper() -> None:
    content = encode(wide([0, 500, 65535], "u2"), "PNG", transparency=500)
    assert row(decode(content)) == [BLACK, WHITE, WHITE]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0, 128, 255], "i4", [0, 128, 255]),
        ([0, 257, 65535], "i4", [0, 1, 255]),
        ([0, 2**30, 2**31 - 1], "i4", [0, 128, 255]),
        ([0, 1], "f4", [0, 255]),
        ([0, 128, 255], "f4", [0, 128, 255]),
        ([0, 257, 65535], "f4", [0, 1, 255]),
    ],
)
def test_32_bit_values_are_scaled_by_the_smallest_usual_range_that_holds_them(
    values: list[int], kind: str, expected: list[int]
) -> None:
    content = encode(wide(values, kind), "TIFF")
    assert [pixel[0] for pixel in row(decode(content))] == expected


@pytest.mark.parametrize("values", [[-1, 5], [float("nan"), 1], [float("inf"), 1], [1e12, 1]])
def test_floats_that_are_no_brightness_are_refused(values: list[float]) -> None:
    picture = Image.fromarray(np.array([values], np.float32))
    with pytest.raises(PictureError, match="no brightness, expected 0 to 1, 255 or 65535"):
        decode(encode(picture, "TIFF"))


def test_a_palette_shows_its_colours() -> None:
    assert row(decode(encode(palette([RED, BLUE, BLACK]), "PNG"))) == [RED, BLUE, BLACK]


@pytest.mark.parametrize("clear", [1, bytes([255, 0])])
def test_transparent_palette_colours_are_paper(clear: int | bytes) -> None:
    content = encode(palette([RED, BLACK]), "PNG", transparency=clear)
    assert row(decode(content)) == [RED, WHITE]


def test_half_transparent_palette_colours_are_blended_with_paper() -> None:
    content = encode(palette([BLACK, BLACK]), "PNG", transparency=bytes([255, 128]))
    assert row(decode(content)) == [BLACK, (127, 127, 127)]


def test_alpha_is_laid_on_white_paper() -> None:
    picture = Image.fromarray(np.array([[[0, 0, 0, 255], [0, 0, 0, 0], [255, 0, 0, 128]]], np.uint8))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        assert row(decode(encode(picture, kind, **options))) == [BLACK, WHITE, (255, 127, 127)]


def test_grey_with_alpha_is_laid_on_white_paper() -> None:
    picture = Image.fromarray(np.array([[[0, 255], [0, 0]]], np.uint8), "LA")
    assert row(decode(encode(picture, "PNG"))) == [BLACK, WHITE]


@pytest.mark.parametrize(("picture", "clear"), [(wide([7, 9], "u1"), 9), (wide([0, 255], "u1").convert("1"), 255)])
def test_the_transparent_grey_of_a_png_is_paper(picture: Image.Image, clear: int) -> None:
    first, second = row(decode(encode(picture, "PNG", transparency=clear)))
    assert first != WHITE
    assert second == WHITE


def test_the_transparent_colour_of_a_png_is_paper() -> None:
    picture = Image.fromarray(np.array([[RED, BLUE]], np.uint8))
    assert row(decode(encode(picture, "PNG", transparency=RED))) == [WHITE, BLUE]


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_alpha_is_laid_on_white_paper(mode: str) -> None:
    source = Image.fromarray(np.array([[[0, 0, 0, 255], [0, 0, 0, 0]]], np.uint8))
    assert row(decode((source.convert("LA") if mode == "La" else source).convert(mode))) == [BLACK, WHITE]


def test_a_palette_with_alpha_is_laid_on_white_paper() -> None:
    picture = palette([RED, BLACK])
    picture.putalpha(wide([255, 0], "u1"))
    assert picture.mode == "PA"
    assert row(decode(picture)) == [RED, WHITE]


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_has_dark_ink_on_white_paper(kind: str) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:, 8:, 3] = 255
    pixels = decode(encode(Image.fromarray(ink, "CMYK"), kind))
    assert tuple(pixels[8, 2]) == WHITE
    assert tuple(pixels[8, 13]) == BLACK


def test_cmyk_jpeg_is_written_inverted_as_adobe_does_and_read_upright() -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    content = encode(ink, "JPEG", quality=100)
    assert b"Adobe" in content
    assert np.abs(decode(content)[8, 8].astype(int) - RED).max() <= 2


def test_ycbcr_jpeg_shows_its_colour() -> None:
    content = encode(Image.new("RGB", (16, 16), RED), "JPEG", quality=100)
    assert np.abs(decode(content)[8, 8].astype(int) - RED).max() <= 2


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "RGBX"])
def test_pillow_pictures_in_other_colour_spaces_show_their_colour(mode: str) -> None:
    assert np.abs(decode(Image.new("RGB", (1, 1), RED).convert(mode))[0, 0].astype(int) - RED).max() <= 1


def test_lab_tiff_shows_its_colour() -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.new("RGB", (4, 4), (180, 40, 90)), *profiles, outputMode="LAB")
    assert lab is not None
    assert np.abs(decode(encode(lab, "TIFF"))[0, 0].astype(int) - (180, 40, 90)).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_read(kind: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (BLACK, WHITE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert np.all(decode(content) == 0)


def test_the_photo_of_a_phone_with_a_second_picture_inside_is_read() -> None:
    first = Image.fromarray(np.full((1500, 2000, 3), 40, np.uint8))
    content = encode(first, "MPO", save_all=True, append_images=[Image.new("RGB", (40, 30), WHITE)])
    assert Image.open(io.BytesIO(content)).format == "MPO"
    pixels = decode(content)
    assert pixels.shape == (768, 1024, 3)
    assert np.abs(pixels.astype(int) - 40).max() <= 2


CORNERS = np.zeros((16, 32, 3), np.uint8)
CORNERS[:8, :16] = RED
CORNERS[8:, 16:] = BLUE


def stored_as(orientation: int) -> Image.Image:
    """How a camera stores `CORNERS` when it writes this orientation: the inverse of the turn."""
    upright = Image.fromarray(CORNERS)
    inverse = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    return upright if inverse is None else upright.transpose(inverse)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_photo_is_upright(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(encode(stored_as(orientation), kind, exif=exif, **options))
    assert pixels.shape == CORNERS.shape
    assert np.abs(pixels.astype(int) - CORNERS).max() <= 3


def test_a_turned_photo_is_reduced_and_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encode(Image.new("L", (3000, 2000)), "JPEG", exif=exif)).shape == (1024, 683, 3)


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0garbage", b"Exif\0\0", b"Exif\0\0" + bytes(40), b"nonsense"])
def test_exif_that_cannot_be_read_does_not_spoil_the_picture(exif: bytes) -> None:
    content = encode(Image.new("L", (8, 8), 200), "JPEG", exif=exif)
    assert decode(content).shape == (8, 8, 3)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_leaves_the_picture_as_it_is(orientation: int) -> None:
    assert np.array_equal(turn(CORNERS, orientation), CORNERS)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "F", "I", "I;16", "LAB"])
def test_every_mode_can_be_reduced(mode: str) -> None:
    white: dict[str, int | tuple[int, ...]] = {"I": 65535, "I;16": 65535, "LAB": (255, 128, 128)}
    picture = (
        Image.new(mode, (300, 150), white[mode]) if mode in white else Image.new("L", (300, 150), 255).convert(mode)
    )
    pixels = see(picture, 30)
    assert pixels.shape == (15, 30, 3)
    assert pixels.min() >= 254
