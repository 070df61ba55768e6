"""The one door for pictures: a path, bytes, a file, a Pillow picture or an array becomes uint8 RGB.

H height, W width in px.
"""

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from digitkit.core.colour import Pixels, in_colour, see, turn
from digitkit.core.errors import PictureError, PictureTooLarge

__all__ = [
    "DECODERS", "LIMITS", "Limits", "PictureSource", "Pixels", "decode", "decode_stack", "is_decoded_here",
    "is_plain_stack", "size_of_picture", "without_needless_colour",
]  # fmt: skip

QUICK_BYTES = 16 * 2**10  # of a file; smaller ones are decoded before a thread has begun
DECODERS = 4  # files that are decoded at once at most; the largest that is allowed takes some 300 MB for a moment

PictureSource = str | Path | bytes | BinaryIO | Image.Image | NDArray[Any]


@dataclass(frozen=True)
class Limits:
    """How large a picture may be, at every door."""

    content_bytes: int = 20 * 2**20  # of the file, before anything is looked at
    pixels: int = 50_000_000  # width * height in the header, before anything is decoded
    side: int = 20_000  # px, width and height in the header, from 1
    longest: int = 1_024  # px, the longest side after decoding


LIMITS = Limits()
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # MPO, the photos of phones, comes in through JPEG
ADVICE = "Give a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM picture."

# All that Pillow's decoders let out for bad bytes; each was met by the fuzz tests or stands in Pillow's source.
PILLOW_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, MemoryError, RuntimeError,
    AssertionError, AttributeError, struct.error, zlib.error, ImageCms.PyCMSError,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip

_filters = threading.Lock()  # the filters of warnings belong to the whole process


def decode(source: PictureSource, name: str | None = None) -> Pixels:
    """Open any picture as a person sees it: turned upright, on white paper, longest side at most 1,024 px.

    `name` stands in error messages; a path names itself.
    Arrays: uint8, bool, uint16 or floats in 0..1, shaped (H,W), (H,W,1), (H,W,3) or (H,W,4) with alpha.
    Shapes: returns uint8 (H,W,3), C-contiguous.
    Raises: PictureTooLarge over the `LIMITS`, PictureError when it cannot be read.
    """
    name = name or _name_of(source)
    if isinstance(source, np.ndarray):
        return _decode_array(source, name)
    if isinstance(source, Image.Image):
        _check_size(*source.size, name)
        return _show(source, name)
    content = _read(source, name)
    picture = _open(content, name)
    _check_size(*picture.size, name)
    share = max(picture.size) / LIMITS.longest
    if share > 1:  # a JPEG can be decoded at 1/2, 1/4 or 1/8 for less time and memory; others ignore this
        picture.draft(None, (int(picture.width / share) or 1, int(picture.height / share) or 1))
    return _show(picture, name)


def is_decoded_here(source: PictureSource) -> bool:
    """Whether a picture is decoded where it is asked for instead of in a thread of its own.

    Small files are, since a thread takes longer to begin, and all that is no file: the same stream or Pillow picture
    may stand in a list twice.
    """
    if isinstance(source, str | Path):
        try:
            return os.stat(source).st_size < QUICK_BYTES
        except (OSError, ValueError):
            return True
    return not isinstance(source, bytes) or len(source) < QUICK_BYTES


def size_of_picture(content: bytes, name: str) -> tuple[int, int]:
    """Width and height in px that the header of a file claims, once they are within the `LIMITS`.

    Raises: as `decode`; what follows the header is not looked at.
    """
    picture = _open(_read(content, name), name)
    _check_size(*picture.size, name)
    return picture.size


def without_needless_colour(pixels: Pixels) -> Pixels:
    """A picture without any colour as grey.

    Shapes: `pixels` uint8 (H,W,3); returns uint8 (H,W), or (H,W,3) as it was.
    """
    grey = pixels[..., 0]
    is_grey = np.array_equal(grey, pixels[..., 1]) and np.array_equal(grey, pixels[..., 2])
    return np.ascontiguousarray(grey) if is_grey else pixels


def _name_of(source: PictureSource) -> str:
    """What to call a picture in messages."""
    if isinstance(source, str | Path):
        return str(source)
    given = getattr(source, "name", None) or getattr(source, "filename", None)
    return given if isinstance(given, str) else "picture"


def _read(source: str | Path | bytes | BinaryIO, name: str) -> bytes:
    """The bytes of a file, a stream or bytes; never more than one over the limit is read."""
    try:
        if isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                content = _read_stream(file)
        else:
            content = source if isinstance(source, bytes) else _read_stream(source)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PictureError(f"{name}: cannot be read ({reason}). Give a file that exists and may be read.") from error
    if not content:
        raise PictureError(f"{name}: the file is empty. {ADVICE}")
    if len(content) > LIMITS.content_bytes:
        raise PictureTooLarge(f"{name}: over {LIMITS.content_bytes // 2**20} MB. Save the picture smaller.")
    return content


def _read_stream(stream: BinaryIO) -> bytes:
    """All bytes of a stream up to one over the limit; raw streams give less than they are asked for."""
    pieces: list[bytes] = []
    room = LIMITS.content_bytes + 1
    while room > 0 and (piece := stream.read(room)):
        pieces.append(piece)
        room -= len(piece)
    return b"".join(pieces)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's warnings are silent, except the one for decompression bombs, which is an error."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _open(content: bytes, name: str) -> Image.Image:
    """Read the header only."""
    try:
        with _quiet():
            return Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureTooLarge(f"{name}: {error} Save the picture smaller.") from error
    except PILLOW_ERRORS as error:
        raise PictureError(f"{name}: not a picture that can be read, or a damaged one. {ADVICE}") from error


def _check_size(width: int, height: int, name: str) -> None:
    """Refuse a picture by its header, before it is decoded."""
    if min(width, height) < 1:
        raise PictureError(f"{name}: the picture is {width} x {height} px, nothing to see. {ADVICE}")
    if max(width, height) > LIMITS.side or width * height > LIMITS.pixels:
        raise PictureTooLarge(
            f"{name}: {width} x {height} px; expected sides up to {LIMITS.side} px"
            f" and {LIMITS.pixels // 10**6} million pixels at most. Save the picture smaller."
        )


def _show(picture: Image.Image, name: str) -> Pixels:
    """Decode the first frame, reduce it, turn it upright."""
    try:
        with _quiet() if picture.format == "TIFF" else nullcontext():  # reads its EXIF only now, and warns of it
            picture.load()
        return turn(see(picture, LIMITS.longest), _orientation(picture))
    except PILLOW_ERRORS as error:
        raise PictureError(f"{name}: damaged, or of an unusual kind ({error}). Save it again as PNG.") from error


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 when there is none; EXIF that cannot be read does not spoil a good picture."""
    try:
        with _quiet():
            orientation = picture.getexif().get(ExifTags.Base.Orientation)
    except PILLOW_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1


def _decode_array(array: NDArray[Any], name: str) -> Pixels:
    """An array as a person would see it, reduced like a file."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise PictureError(f"{name}: an array of shape {array.shape}; expected (H,W), (H,W,1), (H,W,3) or (H,W,4).")
    _check_size(array.shape[1], array.shape[0], name)
    levels = _levels(array, name)
    height, width = levels.shape[:2]
    if channels != 4 and max(height, width) <= LIMITS.longest:  # nothing to do, and arrays come by the ten thousand
        return levels.copy(order="C") if channels == 3 else in_colour(levels.reshape(height, width))
    return _show(Image.fromarray(levels[:, :, 0] if levels.shape[2:] == (1,) else levels), name)


def is_plain_stack(array: NDArray[Any]) -> bool:
    """Whether an array holds pictures that need no decoding: uint8 (N,H,W), (N,H,W,1) or (N,H,W,3), small enough."""
    channels = array.shape[3] if array.ndim == 4 else 1
    sizes = array.shape[1:3]
    return array.dtype == np.uint8 and array.ndim in (3, 4) and channels in (1, 3) and max(sizes) <= LIMITS.longest


def decode_stack(array: NDArray[Any], name: str) -> Pixels:
    """What `decode` makes of each picture of a plain stack, all at once.

    Shapes: uint8 (N,H,W), (N,H,W,1) or (N,H,W,3) -> uint8 (N,H,W,3), C-contiguous.
    Raises: PictureError when the pictures have no pixels.
    """
    count, height, width = array.shape[:3]
    _check_size(width, height, name)
    if array.shape[3:] == (3,):
        return np.ascontiguousarray(array)
    return in_colour(array.reshape(count, height, width))


def _levels(array: NDArray[Any], name: str) -> Pixels:
    """The values of an array as 0..255, rounded."""
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if array.dtype.kind != "f":
        expected = "expected uint8, bool, uint16 or floats in 0..1"
        raise PictureError(f"{name}: an array of {array.dtype}; {expected}. Convert it, e.g. by .astype('uint8').")
    darkest, brightest = float(array.min()), float(array.max())
    if not 0 <= darkest <= brightest <= 1:  # NaN fails too
        found = f"got {darkest:g}..{brightest:g}"
        raise PictureError(f"{name}: floats must lie in the range 0..1, {found}. Scale them or give uint8.")
    return np.rint(array * 255.0).astype(np.uint8)
