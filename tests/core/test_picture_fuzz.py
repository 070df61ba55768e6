"""Whatever the bytes are: a picture of the promised shape, or one of our errors, never anything else."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from digitkit.core.errors import PictureError
from digitkit.core.picture import decode

SEEDS: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "L", {}),
    ("PNG", "P", {"transparency": 3}),
    ("PNG", "RGBA", {}),
    ("PNG", "I;16", {}),
    ("PNG", "1", {}),
    ("JPEG", "RGB", {}),
    ("JPEG", "CMYK", {}),
    ("JPEG", "L", {"progressive": True}),
    ("MPO", "RGB", {"save_all": True}),
    ("GIF", "P", {"save_all": True}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("WEBP", "RGB", {"save_all": True}),
    ("TIFF", "RGB", {}),
    ("TIFF", "L", {"compression": "tiff_lzw"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "F", {}),
    ("TIFF", "CMYK", {"compression": "jpeg"}),
    ("BMP", "P", {}),
    ("PPM", "RGB", {}),
]


def a_file(kind: str, mode: str, options: dict[str, Any]) -> bytes:
    """A small real picture in this format."""
    rng = np.random.default_rng(7)
    shape = {"RGB": (24, 18, 3), "RGBA": (24, 18, 4), "CMYK": (24, 18, 4)}.get(mode, (24, 18))
    values = rng.integers(0, 256, shape, dtype=np.uint8)
    picture = Image.fromarray(values.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(values)
    picture = picture if mode in ("RGB", "RGBA", "I;16") else picture.convert(mode)
    if options.get("save_all"):
        options = {**options, "append_images": [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {**options, "exif": exif} if kind in ("PNG", "JPEG", "WEBP", "MPO") else options
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = [a_file(*seed) for seed in SEEDS]


def decode_or_refuse(content: bytes) -> NDArray[np.uint8] | None:
    """The pixels, checked, or None for our error; any other error goes through."""
    try:
        pixels = decode(content, name="fuzz")
    except PictureError as error:
        refusal_names_the_picture(error)
        return None
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 1 <= min(pixels.shape[:2]) <= max(pixels.shape[:2]) <= 1024
    assert pixels.flags.c_contiguous
    return pixels


def refusal_names_the_picture(error: PictureError) -> None:
    assert str(error).startswith("fuzz: ")


@pytest.mark.parametrize("content", FILES, ids=[f"{kind}-{mode}" for kind, mode, _ in SEEDS])
def test_the_pictures_that_the_fuzz_starts_from_are_good(content: bytes) -> None:
    assert decode_or_refuse(content) is not None


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(content: bytes) -> None:
    assert decode_or_refuse(content) is None


@given(st.sampled_from([content[:16] for content in FILES]), st.binary(max_size=300))
def test_random_bytes_after_a_good_beginning_never_surprise(beginning: bytes, rest: bytes) -> None:
    pixels = decode_or_refuse(beginning + rest)
    assert pixels is None or (pixels.ndim == 3 and pixels.shape[2] == 3)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_pictures_never_surprise(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(FILES)))
    places = st.integers(0, len(content) - 1)
    early = st.integers(0, min(120, len(content) - 1))  # headers are where decoders trust the bytes
    for place in data.draw(st.lists(st.one_of(early, places), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), places))
    decode_or_refuse(bytes(content[:cut]))


DTYPES = st.one_of(
    arrays.boolean_dtypes(), arrays.unsigned_integer_dtypes(), arrays.integer_dtypes(), arrays.floating_dtypes()
)


@given(arrays.arrays(DTYPES, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_arrays_of_any_type_and_shape_never_surprise(array: NDArray[Any]) -> None:
    try:
        pixels = decode(array, name="fuzz")
    except PictureError as error:
        refusal_names_the_picture(error)
    else:
        assert pixels.shape == (*array.shape[:2], 3)
        assert pixels.dtype == np.uint8
