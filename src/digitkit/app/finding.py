"""Where in a frame a digit may be: dark or bright marks on an even ground.

H height, W width in px, of the frame; h and w of the small copy in which is searched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitkit.core.picture import Pixels

LONGEST = 192  # px, of the small copy: a digit a tenth as high as the frame still has a dozen px
GROUND = 10  # the ground is the mean of this share of the copy's longest side, 1/10 to each side
LEAST_CONTRAST = 24  # of 255; fainter is the noise of a camera
GAP = 3  # px of the copy; strokes that are nearer than this belong to one mark
LOWEST, HIGHEST = 0.08, 0.9  # of the frame's shorter side: how high a mark may be
WIDEST = 2.5  # times its height; a digit is high
MARGIN = 0.25  # of the mark's longer side, to each side: the reader wants paper around the digit
MOST = 4  # marks that are looked at in one frame

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Box:
    """A piece of a frame in px: `left` and `top` are inside, `right` and `bottom` the first outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """In square px."""
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    @property
    def side(self) -> int:
        """The longer side."""
        return max(self.right - self.left, self.bottom - self.top)

    def cut(self, frame: Pixels) -> Pixels:
        """The piece of the frame, uint8 (H,W,3)."""
        return np.ascontiguousarray(frame[self.top : self.bottom, self.left : self.right])

    def likeness(self, other: "Box") -> float:
        """The share that two boxes have in common, 0..1."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        both = Box(left, top, max(left, right), max(top, bottom)).area
        return both / max(1, self.area + other.area - both)


def whole(frame: Pixels) -> Box:
    """The box around everything."""
    return Box(0, 0, frame.shape[1], frame.shape[0])


def find_marks(frame: Pixels) -> list[Box]:
    """Squares around marks that may be digits, largest first; none when nothing stands out.

    What touches the border is left out: sleeves, tables and the edge of the paper do.
    Shapes: `frame` uint8 (H,W,3).
    """
    scale = max(1.0, max(frame.shape[:2]) / LONGEST)
    picture = Image.fromarray(frame).convert("L")
    small = picture.resize((max(1, round(picture.width / scale)), max(1, round(picture.height / scale))))
    names = name_parts(_thickened(_marked(small)))
    boxes = [box for box in _boxes(names) if _may_be_digit(box, names.shape)]
    boxes.sort(key=lambda box: -box.area)
    return [_roomy(box, scale, frame) for box in boxes[:MOST]]


def _marked(small: Image.Image) -> Mask:
    """Where the picture differs from the ground around: bool (h,w)."""
    ground = small.filter(ImageFilter.BoxBlur(max(small.size) / GROUND))
    off = np.abs(np.asarray(small, np.int16) - np.asarray(ground, np.int16))
    strongest = float(np.percentile(off, 99.5))
    limit: float = max(LEAST_CONTRAST, 0.4 * strongest)
    return np.asarray(off >= limit, np.bool_)


def _thickened(mask: Mask) -> Mask:
    """The mask with its gaps closed, so that the strokes of one digit hang together: bool (h,w)."""
    grown = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(2 * (GAP // 2) + 1))
    return np.asarray(grown, np.uint8) > 0


def name_parts(mask: Mask) -> NDArray[np.int64]:
    """Number the parts that hang together, also over corners: int64 (h,w), 0 is no part.

    Each pixel takes the highest number beside it, then the number of the pixel which that one points to. This halves
    the way that is left, so a spiral too is done after some ten rounds.
    """
    numbers = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = np.pad(numbers, 1)
        height, width = mask.shape
        around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        highest = np.where(mask, np.max(around, axis=0), 0)
        pointed = np.concatenate([[0], highest.ravel()])
        highest = np.where(mask, pointed[highest], 0)
        if np.array_equal(highest, numbers):
            return numbers
        numbers = highest


def _boxes(names: NDArray[np.int64]) -> list[Box]:
    """The box of each part."""
    rows, columns = np.nonzero(names)
    numbers = names[rows, columns]
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    if not len(order):
        return []
    edges = [reduce(axis[order], starts) for axis in (columns, rows) for reduce in _EXTREMES]
    return [Box(left, top, right + 1, bottom + 1) for left, right, top, bottom in zip(*map(_ints, edges), strict=True)]


_EXTREMES = (np.minimum.reduceat, np.maximum.reduceat)


def _ints(values: NDArray[np.int64]) -> list[int]:
    """As numbers of Python."""
    return [int(value) for value in values]


def _may_be_digit(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a part has the size and the place of a digit."""
    height, width = shape
    high, wide = box.bottom - box.top, box.right - box.left
    inside = box.left > 0 and box.top > 0 and box.right < width and box.bottom < height
    side = min(height, width)
    return inside and LOWEST * side <= high <= HIGHEST * side and wide <= WIDEST * high


def _roomy(box: Box, scale: float, frame: Pixels) -> Box:
    """The square around a part with paper to each side, in px of the frame and inside it."""
    half = box.side * (0.5 + MARGIN) * scale
    across, down = (box.left + box.right) / 2 * scale, (box.top + box.bottom) / 2 * scale
    height, width = frame.shape[:2]
    return Box(
        max(0, round(across - half)), max(0, round(down - half)),
        min(width, round(across + half)), min(height, round(down + half)),
    )  # fmt: skip
