"""The part of a recipe that decides what happens to pictures in training only."""

from dataclasses import dataclass, field

from digitkit.learn.ranges import check_range


@dataclass
class AfterConfig:
    """Geometry of the hand, drawn anew for each image in each step."""

    shift_px: float = 2.0  # furthest shift in x and in y
    rotate_deg: float = 8.0  # furthest turn
    scale: float = 0.08  # furthest change of size, as a share
    shear: float = 0.08  # furthest slant, px per px
    thicken: float = 0.0  # share of images whose strokes are made 1 px wider on each side
    thin: float = 0.0  # share of images whose strokes are made 1 px less wide

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("augment.after.shift_px", self.shift_px, 0, 100)
        check_range("augment.after.rotate_deg", self.rotate_deg, 0, 180)
        check_range("augment.after.scale", self.scale, 0, 0.9)
        check_range("augment.after.shear", self.shear, 0, 2)
        check_range("augment.after.thicken", self.thicken, 0, 1)
        check_range("augment.after.thin", self.thin, 0, 1)


@dataclass
class AugmentConfig:
    """What happens to pictures in training only."""

    after: AfterConfig = field(default_factory=AfterConfig)
