"""Small copies of pictures, so that a page of sixty weighs little."""

from io import BytesIO

from PIL import Image

from digitkit.core.errors import PictureError
from digitkit.core.picture import Pixels, decode

SIDE = 256  # px, of the longest side: twice what is shown, for screens of phones


def thumbnail(picture: bytes) -> bytes:
    """A small PNG of a picture; of what is no picture, an empty sheet."""
    try:
        small = Image.fromarray(decode(picture))
    except PictureError:
        small = Image.new("RGB", (SIDE, SIDE), "white")
    small.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    small.save(buffer, "PNG")
    return buffer.getvalue()


def pixels_of(picture: bytes) -> Pixels | None:
    """A picture to show in full, uint8 (H,W,3); None when it cannot be read."""
    try:
        return decode(picture)
    except PictureError:
        return None
