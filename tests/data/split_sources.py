"""Folders of pictures to be split, and what to ask of the parts."""

from pathlib import Path

import numpy as np
from PIL import Image

from digitkit.core.digitset import DigitSet
from digitkit.data.splits import Splits
from tests.strokes import draw_digits


def save(path: Path, seed: int) -> None:
    """A small picture that no other seed gives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)).save(path)


def source(folder: Path, sizes: dict[str, int], first_seed: int = 0) -> str:
    """A folder with so many pictures in each class folder, such as `train/7`."""
    seed = first_seed
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            save(folder / name / f"{index}.png", seed := seed + 1)
    return f"folder:{folder}"


def drawn_parts(folder: Path, sizes: dict[str, int] | None = None) -> Path:
    """Drawn digits, all different, with so many in each class folder."""
    sizes = sizes or {
        f"{part}/{name}": count for part, count in (("train", 4), ("val", 2), ("test", 2)) for name in "37"
    }
    pictures = iter(draw_digits(sum(sizes.values()), np.random.default_rng(0)).pictures[index] for index in range(100))
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for index in range(size):
            Image.fromarray(next(pictures)).save(folder / name / f"{index}.png")
    return folder


def spoil(path: Path, copy: Path) -> None:
    """Save a picture again: one pixel to the left, inverted, as JPEG."""
    with Image.open(path) as picture:
        pixels = 255 - np.roll(np.asarray(picture), -1, axis=1)
    Image.fromarray(pixels).save(copy, quality=80)


def names(digits: DigitSet) -> list[str]:
    return [str(origin).split("/", 1)[1] for origin in digits.origins]


def contents(digits: DigitSet) -> list[bytes]:
    return [digits.pictures[index].tobytes() for index in range(len(digits))]


def parts(splits: Splits) -> list[DigitSet]:
    return [splits.primary, splits.val, splits.test]
