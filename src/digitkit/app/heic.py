"""Photos of iPhones (HEIC) as PNG, where the extra `heic` is installed; all else stays as it is."""

from importlib import import_module
from importlib.util import find_spec
from io import BytesIO

from PIL import Image

from digitkit.core.picture import LIMITS

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
READER = "pi_heif"


def as_readable(picture: bytes) -> bytes:
    """A HEIC photo as PNG, longest side at most 1,024 px; anything else, or a damaged photo, unchanged."""
    if picture[4:8] != b"ftyp" or picture[8:12] not in BRANDS or find_spec(READER) is None:
        return picture
    try:
        import_module(READER).register_heif_opener()
        with Image.open(BytesIO(picture), formats=["HEIF"]) as photo:
            if photo.width * photo.height > LIMITS.pixels:
                return picture
            photo.thumbnail((LIMITS.longest, LIMITS.longest))
            buffer = BytesIO()
            photo.convert("RGB").save(buffer, "PNG")
    except (OSError, ValueError, RuntimeError, SyntaxError):
        return picture  # the service says what is wrong with it
    return buffer.getvalue()
