"""A number laid on its plane, and what stands around it: lines of letters, frames, bars.

H, W the picture in px; f its samples along each side. All lengths on the plane in flat px.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitkit.core.picture import Pixels
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.faces import Face, write_line
from digitkit.data.synthetic.scene import Cast, Order
from digitkit.data.synthetic.warp import Box, Warp


@dataclass(frozen=True)
class Sheet:
    """A number laid on the plane, before anything is painted."""

    order: Order
    cast: Cast
    warp: Warp
    face: Face
    box: Box
    plane: Pixels  # uint8 (flat)
    number: Plane  # (H, W), 0..1


def pick_face(faces: Sequence[Face], dice: Dice) -> Face:
    """One of some faces, each family as often as any other."""
    family = dice.pick(sorted({face.family for face in faces}))
    return dice.pick([face for face in faces if face.family == family])


def neighbours(sheet: Sheet, dice: Dice) -> Plane:
    """Lines of letters above and below the number, cut as they come; never digits."""
    fonts = [face for face in sheet.cast.faces if face.content]
    plane = np.zeros_like(sheet.plane)
    if not fonts:
        return sheet.warp.look(plane)
    content = sheet.face.content or dice.pick(fonts).content
    height = max(5, round(sheet.box.height * dice.between(0.55, 1.0)))
    gap = sheet.box.height * dice.between(0.25, 0.6)
    for top in (sheet.box.top - gap - height, sheet.box.bottom + gap):
        text = "".join(dice.pick(string.ascii_lowercase.replace("l", "") + "  ") for _ in range(14))
        line = write_line(content, text, height)
        lay_down(line, plane, int(dice.lean(plane.shape[1] / 3)), int(top))
    return sheet.warp.look(plane)


def gaps_of(plane: Pixels) -> list[float]:
    """The middles of the empty columns between two digits."""
    columns = np.flatnonzero(plane.max(axis=0) > 0)
    jumps = np.flatnonzero(np.diff(columns) > 1)
    return [float(columns[index] + columns[index + 1] + 1) / 2 for index in jumps]


def draw_bar(plane: Pixels, left: float, top: float, right: float, bottom: float) -> None:
    """Fill a rectangle, as far as it lies on the plane."""
    plane[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = 255


def draw_frame(plane: Pixels, box: Box, thick: float) -> None:
    """The four sides of a rectangle."""
    draw_bar(plane, box.left, box.top, box.right, box.top + thick)
    draw_bar(plane, box.left, box.bottom - thick, box.right, box.bottom)
    draw_bar(plane, box.left, box.top, box.left + thick, box.bottom)
    draw_bar(plane, box.right - thick, box.top, box.right, box.bottom)


def lay_down(piece: Pixels, plane: Pixels, left: int, top: int) -> None:
    """Put a piece onto the plane, as far as it is on it."""
    rows = slice(max(0, top), min(plane.shape[0], top + piece.shape[0]))
    columns = slice(max(0, left), min(plane.shape[1], left + piece.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        place = plane[rows, columns]
        np.maximum(
            place, piece[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left], out=place
        )
