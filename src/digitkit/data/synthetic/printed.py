"""Printed numbers: on paper, on things, on displays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitkit.data.synthetic.colours import PALETTE, Pair, choose_pair
from digitkit.data.synthetic.device import print_display, print_label, print_meter
from digitkit.data.synthetic.dice import Dice, Plane
from digitkit.data.synthetic.layout import Setting, fill_for, lay_out
from digitkit.data.synthetic.lettering import Sheet, pick_face
from digitkit.data.synthetic.paper import print_book, print_form, print_newspaper, print_receipt
from digitkit.data.synthetic.scene import Cast, Drawing, Order
from digitkit.data.synthetic.warp import Pose, bend

LOOKS = {"book": 3.0, "newspaper": 2.0, "form": 2.5, "receipt": 1.5, "label": 2.5, "meter": 2.0, "display": 2.0}


@dataclass(frozen=True)
class _Look:
    """What one kind of print has for faces, colours and room, and how its surface is painted."""

    designs: tuple[str, ...]
    paint: Callable[[Sheet, Pair, Dice], Plane]
    pairs: Callable[[Dice, float], Pair]
    fill: tuple[float, float] = (0.5, 0.95)
    gap: tuple[float, float] = (0.08, 0.2)
    tilt: float = 0.3


def draw_print(order: Order, cast: Cast, dice: Dice) -> Drawing:
    """A number as machines print or show it."""
    look = _looks()[dice.weigh(LOOKS)]
    fitting = [face for face in cast.faces if face.design in look.designs] or list(cast.faces)
    face = pick_face(fitting, dice)
    pose = Pose(
        turn_deg=dice.lean(20) * look.tilt, slant=dice.lean(0.1) * look.tilt, yaw=dice.lean(0.4) * look.tilt,
        pitch=dice.lean(0.4) * look.tilt, bulge=dice.between(0, 0.1) * look.tilt, sag=dice.lean(0.1) * look.tilt,
    )  # fmt: skip
    warp = bend(order.frame, pose, dice)
    share = fill_for(dice.between(*look.fill), warp.safe, order.frame.fine)
    setting = Setting(
        fill=share, stretch=dice.between(0.85, 1.15), narrowest=0.6, gap=dice.between(*look.gap),
        weight=dice.between(0, 0.015), off_centre=dice.between(0, 1),
    )  # fmt: skip
    plane = np.zeros(order.frame.flat, np.uint8)
    box = lay_out(order.label, face, warp.safe, plane, setting, dice)
    pair = order.pair or look.pairs(dice, order.contrast)
    sheet = Sheet(order, cast, warp, face, box, plane, warp.look(plane))
    surface = look.paint(sheet, pair, dice)
    surface *= warp.shade
    return Drawing(surface, sheet.number, face.name, pair)


def _looks() -> dict[str, _Look]:
    """Every look by name."""
    return {
        "book": _Look(("font",), print_book, _dark_on_light, fill=(0.4, 0.9)),
        "newspaper": _Look(("font",), print_newspaper, _dark_on_light, fill=(0.4, 0.9)),
        "form": _Look(("font",), print_form, _dark_on_light, gap=(0.1, 0.5)),
        "receipt": _Look(("dots", "font"), print_receipt, _dark_on_light, gap=(0.12, 0.3)),
        "label": _Look(("font", "round", "block"), print_label, _coloured, fill=(0.5, 0.8), tilt=0.8),
        "meter": _Look(("font", "round"), print_meter, _wheel, fill=(0.55, 0.8), gap=(0.35, 0.6), tilt=0.3),
        "display": _Look(("segment", "segment", "dots"), print_display, _lit, gap=(0.16, 0.34), tilt=0.4),
    }


def _dark_on_light(dice: Dice, least: float) -> Pair:
    """Ink on paper."""
    return Pair(dice.weigh({"black": 8, "navy": 1, "maroon": 0.4, "blue": 0.6, "red": 0.4}), "white")


def _coloured(dice: Dice, least: float) -> Pair:
    """Any two colours that can be told apart."""
    return choose_pair(dice, tuple(PALETTE), ("white", "yellow", *PALETTE), max(least, 0.35))


def _wheel(dice: Dice, least: float) -> Pair:
    """The wheels of a meter: black, the last ones red or white."""
    return dice.weigh({Pair("white", "black"): 6, Pair("white", "red"): 1.5, Pair("black", "white"): 2})


def _lit(dice: Dice, least: float) -> Pair:
    """Lamps on black, or black on the grey green of liquid crystal."""
    return dice.weigh({Pair("red", "black"): 2, Pair("lime", "black"): 2, Pair("black", "silver"): 3,
                       Pair("gold", "black"): 1, Pair("sky", "black"): 1, Pair("white", "black"): 1})  # fmt: skip
