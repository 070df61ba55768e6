"""The part of a recipe that decides what happens to pictures in training only.

Shares are of the images and lie in 0..1; 0 switches a change off. Lengths in px are those of the prepared image.
"""

import inspect
import re
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import ClassVar

from digitkit.core.errors import ConfigError
from digitkit.learn.ranges import check_range


class Outside(Enum):
    """What comes in where an image moves away from its border."""

    paper = "paper"
    edge = "edge"


@dataclass
class AfterConfig:
    """Geometry of the hand, drawn anew for each image in each step."""

    KEY: ClassVar[str] = "augment.after"

    shift_px: float = 2.0  # furthest shift in x and in y
    rotate_deg: float = 8.0  # furthest turn
    scale: float = 0.08  # furthest change of width and of height, each for itself, as a share
    shear: float = 0.08  # furthest slant, px per px
    zoom: float = 0.0  # furthest change of size: 0.25 is from 1.25 times as small to 1.25 times as large
    perspective: float = 0.0  # furthest tilt: 0.1 makes one side at most 10 % nearer and the other 10 % farther
    keep: float = 0.0  # middle of the picture, as a share of its side, that stays in sight; 1 = all of it
    outside: Outside = Outside.paper  # paper: 0 comes in at the border; edge: what stands there goes on
    flip_x: float = 0.0  # share mirrored left to right, of labels that stay the same: 0, 8, 88, but not 6 or 12
    flip_y: float = 0.0  # share turned upside down as in water, of labels that stay the same: 0, 8, 80
    elastic: float = 0.0  # furthest any point is pulled to a side, and up or down, px of the image
    thicken: float = 0.0  # share whose strokes are made 1 px wider on each side
    thin: float = 0.0  # share whose strokes are made 1 px less wide
    erase: float = 0.0  # share that loses a rectangle to paper, or to the mean colour where `outside` is edge
    erase_area: float = 0.15  # the largest such rectangle, as a share of the image; the smallest is .02

    def __post_init__(self) -> None:
        """Check the ranges."""
        highest = {"shift_px": 1000, "rotate_deg": 180, "scale": 0.9, "shear": 2, "zoom": 4, "perspective": 0.45}
        shares = ("keep", "flip_x", "flip_y", "thicken", "thin", "erase")
        for name, high in {**highest, "elastic": 10, **dict.fromkeys(shares, 1)}.items():
            check_range(f"{self.KEY}.{name}", getattr(self, name), 0, high)
        check_range(f"{self.KEY}.erase_area", self.erase_area, 0.02, 0.9)

    @property
    def bends(self) -> bool:
        """Whether more than a shift by whole pixels is drawn, so that pixels have to be interpolated."""
        moves = self.rotate_deg or self.scale or self.shear or self.zoom or self.perspective or self.keep
        return bool(moves or self.elastic or self.outside is not Outside.paper)


@dataclass
class LateConfig(AfterConfig):
    """The same for the end of a training, where it holds instead: milder changes let the weights settle."""

    KEY: ClassVar[str] = "augment.late"

    last: float = 0.0  # share of the steps, at the end, in which these hold instead of `augment.after`; 0 = none

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_range("augment.late.last", self.last, 0, 1)


@dataclass
class ColourConfig:
    """Light and colour; grey images have no hue and no saturation to change."""

    hue: float = 0.0  # furthest turn of the colour circle, as a share of it; at most half
    saturation: float = 0.0  # furthest change, as a share: 0.7 is from 0.3 times as colourful to 1.7 times
    brightness: float = 0.0  # furthest change, as a share of each value
    contrast: float = 0.0  # furthest change of the distance to the image's mean, as a share
    swap: float = 0.0  # share of the images whose red and blue change places

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("augment.colour.hue", self.hue, 0, 0.5)
        for name in ("saturation", "brightness", "contrast", "swap"):
            check_range(f"augment.colour.{name}", getattr(self, name), 0, 1)


@dataclass
class FlawsConfig:
    """What lenses, sensors and files do to a picture; each has a share of the images and a furthest degree."""

    blur: float = 0.0  # share that is out of focus
    blur_px: float = 1.5  # standard deviation at most
    shrink: float = 0.0  # share that was small once and was made large again, smoothly
    shrink_by: float = 3.0  # times fewer px at most
    pixelate: float = 0.0  # share that shows square blocks of one colour
    pixelate_px: float = 3.0  # side of a block at most
    noise: float = 0.0  # share with noise
    noise_std: float = 0.08  # standard deviation at most, of values 0..1
    jpeg: float = 0.0  # share that was a JPEG once
    jpeg_low: int = 5  # least quality, 1..100
    jpeg_high: int = 55  # best quality

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("blur", "shrink", "pixelate", "noise", "jpeg"):
            check_range(f"augment.flaws.{name}", getattr(self, name), 0, 1)
        check_range("augment.flaws.blur_px", self.blur_px, 0.1, 100)
        check_range("augment.flaws.shrink_by", self.shrink_by, 1, 100)
        check_range("augment.flaws.pixelate_px", self.pixelate_px, 1, 100)
        check_range("augment.flaws.noise_std", self.noise_std, 0, 1)
        check_range("augment.flaws.jpeg_low", self.jpeg_low, 1, 100)
        if not self.jpeg_low <= self.jpeg_high <= 100:
            raise ConfigError(
                f"augment.flaws.jpeg_high must lie in {self.jpeg_low} (jpeg_low)..100, got {self.jpeg_high}"
            )


@dataclass
class BeforeConfig:
    """What the world does to a picture before it comes through the one door; mode ink only.

    Variants of the native pictures are made, and a share of the images drawn are these. The other shares are of the
    variants; `side_` is their size in px, `fill_` the share of it that the digit's longer side takes.
    """

    k: int = 0  # variants of each picture that are kept at a time; 0 = none
    refresh: int = 1  # epochs after which all of them are made anew
    share: float = 0.5  # of the images drawn that are variants; the others are learnt from as they came
    last: float = 0.0  # share of the steps, at the end, in which `last_share` holds instead; 0 = none
    last_share: float = 0.0  # of the images drawn then that are variants
    side_low: int = 20  # px, side of a variant at least
    side_high: int = 56  # px, side of a variant at most
    fill_low: float = 0.4  # share of that side that the digit takes at least
    fill_high: float = 1.0  # share of that side that the digit takes at most
    pencil: float = 0.0  # share that is faint and grainy, as pencil is
    outline: float = 0.0  # share of which only the outlines are drawn, as of hollow letters
    ragged: float = 0.0  # share whose edges are torn, as by ink that runs or rippled glass
    binary: float = 0.0  # share that was scanned in black and white, with frayed edges
    neighbours: float = 0.0  # share with a piece of another digit at the border; single digits only
    bleed: float = 0.0  # share on which writing of the other side shows through; single digits only
    lines: float = 0.0  # share with lines of a form near the border
    ruled: float = 0.0  # share written across the lines of ruled or squared paper
    stains: float = 0.0  # share with specks and blots
    hairs: float = 0.0  # share that a hair, a scratch or a crease lies across
    holes: float = 0.0  # share that lacks a patch of its ink, as under a reflection
    card: float = 0.0  # share on a card, plate or slip that ends near the digit, with something else behind it
    light: float = 0.0  # share under uneven light
    shadow: float = 0.0  # share that the edge of a shadow crosses
    colour: float = 0.0  # share written with a coloured pen on tinted paper
    blur: float = 0.0  # share that is out of focus
    noise: float = 0.0  # share with noise of a sensor
    specks: float = 0.0  # share with single pixels black and white
    jpeg: float = 0.0  # share that was a JPEG once
    invert: float = 0.0  # share with bright ink on dark paper

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("augment.before.k", self.k, 0, 16)
        check_range("augment.before.refresh", self.refresh, 1, 1000)
        check_range("augment.before.side_low", self.side_low, 12, 256)
        check_range("augment.before.side_high", self.side_high, self.side_low, 256)
        check_range("augment.before.fill_low", self.fill_low, 0.2, 1.2)
        check_range("augment.before.fill_high", self.fill_high, self.fill_low, 1.2)
        for name in ("share", "last", "last_share", *self.changes()):
            check_range(f"augment.before.{name}", getattr(self, name), 0, 1)

    @classmethod
    def changes(cls) -> tuple[str, ...]:
        """The names of the changes that a share of the variants gets, in the order of the world."""
        names = [each.name for each in fields(cls)]
        return tuple(names[names.index("pencil") :])


@dataclass
class AugmentConfig:
    """What happens to pictures in training only."""

    share: float = 1.0  # of the images that are changed at all; the others are learnt from as they are
    before: BeforeConfig = field(default_factory=BeforeConfig)
    after: AfterConfig = field(default_factory=AfterConfig)
    late: LateConfig = field(default_factory=LateConfig)
    colour: ColourConfig = field(default_factory=ColourConfig)
    flaws: FlawsConfig = field(default_factory=FlawsConfig)

    def __post_init__(self) -> None:
        """Check the range."""
        check_range("augment.share", self.share, 0, 1)


def meanings(record: object, prefix: str = "") -> dict[str, str]:
    """What each key of a record of this module does, as the comment beside it says it."""
    found: dict[str, str] = {}
    for kind in reversed(type(record).__mro__[:-1]):
        found.update(re.findall(r"^    (\w+): .*?  # (.+)$", inspect.getsource(kind), flags=re.MULTILINE))
    told: dict[str, str] = {}
    for each in fields(record):  # type: ignore[arg-type]
        value = getattr(record, each.name)
        inner = is_dataclass(value)
        told |= meanings(value, f"{prefix}{each.name}.") if inner else {f"{prefix}{each.name}": found[each.name]}
    return told
