"""A picture of a request to an answer: looked at by its bytes, decoded within limits, read."""

import base64
import io
import time
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from digitkit.core.errors import DigitkitError, TooLarge, UnknownMedia
from digitkit.core.picture import Pixels, decode, size_of_picture
from digitkit.core.prediction import Prediction
from digitkit.runtime.predictor import Predictor
from digitkit.service.uploads import Content
from digitkit.wire import PredictionOut

# By their first bytes; whatever a request calls them is not looked at.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    *((f"P{kind}".encode(), "image/x-portable-anymap") for kind in range(1, 7)),
)
LARGE_PIXELS = 4_000_000  # from here on one at a time is decoded: 50 million take up to 200 MB while they are
NAME = "picture"  # in messages; what the sender called the file is not repeated


def sniff(content: bytes) -> str | None:
    """The media type of a picture by its bytes; None for anything that is no picture."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in SIGNATURES if content.startswith(signature)), None)


def checked(content: Content, most_bytes: int) -> tuple[bytes, str]:
    """The bytes of a picture and their media type.

    Raises: UnknownMedia for what is no picture, TooLarge for one over the limit; what is wrong with it already.
    """
    if isinstance(content, DigitkitError):
        raise content
    if len(content) > most_bytes:
        raise TooLarge(f"{NAME}: {len(content):,} bytes; expected at most {most_bytes:,}. Save it smaller.")
    media_type = sniff(content)
    if media_type is None:
        raise UnknownMedia(f"{NAME}: not a picture. Give a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file.")
    return content, media_type


class Eye:
    """Reads pictures; large ones one after the other, so that they never fill the memory together."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        # A thread of its own rather than a lock: what each thread frees stays with it for its next pictures.
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large")

    def read(self, predictor: Predictor, content: Content, top_k: int, explain: bool = False) -> PredictionOut:
        """What the model says of one picture.

        Raises: UnknownMedia, TooLarge, PictureError.
        """
        start = time.perf_counter()
        prediction, pixels = self.look(predictor, checked(content, self.most_bytes)[0])
        seen = None
        if explain:
            seen = base64.b64encode(_png(predictor.images([pixels])[0])).decode()
        return PredictionOut.of(prediction, 1_000 * (time.perf_counter() - start), top_k, seen)

    def look(self, predictor: Predictor, content: bytes) -> tuple[Prediction, Pixels]:
        """The prediction for a picture, and its pixels, uint8 (H,W,3)."""
        width, height = size_of_picture(content, NAME)
        is_large = width * height > LARGE_PIXELS
        pixels = self._large.submit(decode, content, NAME).result() if is_large else decode(content, NAME)
        return predictor.predict([pixels])[0], pixels

    def close(self) -> None:
        """Let its thread go."""
        self._large.shutdown()


def _png(image: Pixels) -> bytes:
    """An image as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
