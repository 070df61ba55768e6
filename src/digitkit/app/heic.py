"""Photos of iPhones (HEIC) as PNG, where the extra `heic` is installed; all else stays as it is.

They are read in a process of their own: a photo with one wrong byte can end the process that reads it (pi-heif 1.4).
"""

import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO

from PIL import Image

from digitkit.core.errors import PictureError, PictureTooLarge
from digitkit.core.picture import LIMITS, PILLOW_ERRORS

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
READER = "pi_heif"
PATIENCE_S = 20  # for one photo
REFUSED = 3  # the other process has said why
CURE = "Send it as JPEG: on an iPhone under Settings, Camera, Formats, Most Compatible."

_one_at_a_time = threading.Lock()  # a photo of 50 million pixels takes some hundred MB while it is read


def as_readable(picture: bytes) -> bytes:
    """A HEIC photo as an upright PNG, longest side at most 1,024 px; anything else unchanged.

    Raises: PictureError for a photo that is damaged or over the `LIMITS`, or where no reader is installed.
    """
    if picture[4:8] != b"ftyp" or picture[8:12] not in BRANDS:
        return picture
    if find_spec(READER) is None:
        raise PictureError(f"This is a HEIC photo, which is not read here ('digitkit[heic]' is not installed). {CURE}")
    command = [sys.executable, "-P", "-m", __name__]  # -P: no module of the folder where the verb was started
    try:
        with _one_at_a_time:
            done = subprocess.run(command, input=picture, capture_output=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise PictureError(f"This HEIC photo takes longer than {PATIENCE_S} s to read. {CURE}") from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == REFUSED:
        raise PictureError(done.stderr.decode(errors="replace"))
    raise PictureError(f"This is a HEIC photo that is damaged or of a kind that is not read here. {CURE}")


def _png_of(photo: bytes) -> bytes:
    """The photo as PNG."""
    import_module(READER).register_heif_opener()
    buffer = BytesIO()
    with Image.open(BytesIO(photo), formats=["HEIF"]) as opened:
        if opened.width * opened.height > LIMITS.pixels:
            size = f"{opened.width} x {opened.height} px; at most {LIMITS.pixels:,} are read"
            raise PictureTooLarge(f"This HEIC photo has {size}. Send it smaller.")
        opened.thumbnail((LIMITS.longest, LIMITS.longest))
        opened.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def main() -> int:
    """Read a photo from standard input and write it as PNG to standard output."""
    try:
        sys.stdout.buffer.write(_png_of(sys.stdin.buffer.read()))
    except PictureTooLarge as error:
        sys.stderr.write(str(error))
        return REFUSED
    except PILLOW_ERRORS:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
