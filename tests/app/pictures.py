"""Pictures of digits that the shipped model reads."""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image

from tests.strokes import FORMS, draw


@cache
def digit_png(label: int) -> bytes:
    """A digit, dark on white, as PNG."""
    picture = np.subtract(255, draw(FORMS[label][0], 140, pen=0.09))
    buffer = BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
