"""One picture of many: a row of examples for each class, a page of one class, or cells with words under them.

N pictures, H height, W width in px.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from digitkit.core.digitset import DigitSet, Indices
from digitkit.core.files import atomic_path
from digitkit.core.picture import Pixels

CELL = 56  # px, side of one example
GAP = 4  # px between examples
MARGIN = 72  # px at the left, for the name of the class
TEXT_PX = 15
CAPTION_PX = 12  # of the words under a cell
LINE = CAPTION_PX + 3  # px, height of one line of them
COLUMNS = 16  # of a page
PAPER, TEXT = (250, 250, 250), (20, 20, 20)

Cell = tuple[list[Pixels], str]  # pictures that stand together, and the words under them, lines parted by \n


def write_sheet(digits: DigitSet, path: Path, per_class: int = 12) -> None:
    """Draw a sheet into a PNG file.

    Raises: StoreError when it cannot be written.
    """
    write_picture(draw_sheet(digits, per_class), path)


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG file, whole or not at all.

    Raises: StoreError when it cannot be written.
    """
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")


def draw_sheet(digits: DigitSet, per_class: int = 12) -> Image.Image:
    """Examples of each class, spread evenly over the set, with the name and the number of pictures beside them."""
    step = CELL + GAP
    sheet = Image.new("RGB", (MARGIN + per_class * step, max(1, len(digits.classes)) * step + GAP), PAPER)
    pencil = ImageDraw.Draw(sheet)
    for row, (name, count) in enumerate(digits.counts().items()):
        top = GAP + row * step
        pencil.text((2 * GAP, top + GAP), f"{name[:9]}\n{count:,}", fill=TEXT, font_size=TEXT_PX)
        for column, index in enumerate(examples(digits, row, per_class)):
            _paste(sheet, digits.pictures[int(index)], MARGIN + column * step, top)
    return sheet


def examples(digits: DigitSet, label: int, most: int) -> Indices:
    """Up to so many pictures of a class, spread evenly over the set."""
    members = np.flatnonzero(digits.labels == label)
    if len(members) <= most:
        return members
    return members[np.linspace(0, len(members) - 1, most).round().astype(np.int64)]


def draw_cells(title: str, cells: Iterable[Cell], columns: int = COLUMNS) -> Image.Image:
    """Cells from left to right and top to bottom, each with its pictures side by side and its words under them."""
    laid = list(cells)
    abreast = max((len(pictures) for pictures, _ in laid), default=1)
    lines = max((caption.count("\n") + bool(caption) for _, caption in laid), default=0)
    across, down = abreast * CELL + 3 * GAP, CELL + lines * LINE + 2 * GAP
    columns = max(1, columns // abreast)
    rows = -(-len(laid) // columns)
    head = TEXT_PX + 3 * GAP
    sheet = Image.new("RGB", (columns * across + GAP, rows * down + head + GAP), PAPER)
    pencil = ImageDraw.Draw(sheet)
    pencil.text((2 * GAP, GAP), title, fill=TEXT, font_size=TEXT_PX)
    for place, (pictures, caption) in enumerate(laid):
        left, top = GAP + place % columns * across, head + place // columns * down
        for beside, picture in enumerate(pictures):
            _paste(sheet, picture, left + beside * CELL, top)
        pencil.text((left, top + CELL + 1), caption, fill=TEXT, font_size=CAPTION_PX, spacing=1)
    return sheet


def _paste(sheet: Image.Image, pixels: Pixels, left: int, top: int) -> None:
    """A picture of any size in the middle of a cell, as large as it lets it; pixels of small ones stay visible."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    share = CELL / max(picture.size)
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    fitted = picture.resize(size, Image.Resampling.NEAREST if share >= 1 else Image.Resampling.BOX)
    sheet.paste(fitted, (left + (CELL - fitted.width) // 2, top + (CELL - fitted.height) // 2))
