"""One picture of many: a row of examples for each class.

N pictures, H height, W width in px.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from digitkit.core.digitset import DigitSet
from digitkit.core.files import atomic_path
from digitkit.core.picture import Pixels

CELL = 56  # px, side of one example
GAP = 4  # px between examples
MARGIN = 72  # px at the left, for the name of the class
TEXT_PX = 15
PAPER, TEXT = (250, 250, 250), (20, 20, 20)


def write_sheet(digits: DigitSet, path: Path, per_class: int = 12) -> None:
    """Draw a sheet into a PNG file.

    Raises: StoreError when it cannot be written.
    """
    with atomic_path(path) as temporary:
        draw_sheet(digits, per_class).save(temporary, format="PNG")


def draw_sheet(digits: DigitSet, per_class: int = 12) -> Image.Image:
    """Examples of each class, spread evenly over the set, with the name and the number of pictures beside them."""
    step = CELL + GAP
    sheet = Image.new("RGB", (MARGIN + per_class * step, max(1, len(digits.classes)) * step + GAP), PAPER)
    pencil = ImageDraw.Draw(sheet)
    for row, (name, count) in enumerate(digits.counts().items()):
        top = GAP + row * step
        pencil.text((2 * GAP, top + GAP), f"{name[:9]}\n{count:,}", fill=TEXT, font_size=TEXT_PX)
        members = np.flatnonzero(digits.labels == row)
        chosen = (
            members[np.unique(np.linspace(0, len(members) - 1, per_class).round().astype(int))] if count else members
        )
        for column, index in enumerate(chosen):
            cell = _fit(digits.pictures[int(index)])
            left = MARGIN + column * step
            sheet.paste(cell, (left + (CELL - cell.width) // 2, top + (CELL - cell.height) // 2))
    return sheet


def _fit(pixels: Pixels) -> Image.Image:
    """A picture of any size as large as a cell lets it; pixels of small ones stay visible."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    share = CELL / max(picture.size)
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    return picture.resize(size, Image.Resampling.NEAREST if share >= 1 else Image.Resampling.BOX)
