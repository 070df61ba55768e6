"""Find the fonts of this machine whose digits are digits, and deal designs out to the parts of a set."""

import hashlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.core.registry import nearest
from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.drawn import drawn_faces
from digitkit.data.synthetic.faces import DIGITS, Face, cut_sides, font_drawer

SUFFIXES = (".ttf", ".otf", ".ttc")
MAX_BYTES = 16 * 2**20  # of one font file; larger ones hold the scripts of East Asia
MAX_FILES = 20_000  # of any kind, gone through in all: a folder of fonts is not a whole disk
FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
    "C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts",
)  # fmt: skip
CARRIER, CARRIED = (
    "matplotlib",
    Path("mpl-data") / "fonts" / "ttf",
)  # freely licensed fonts that come with the extra `train`
THUMB = (12, 16)  # px, width and height that shapes are compared at
LEAST_KNOWN = 6  # of ten digits must look most like the same digit of another face
REFERENCES = ("drawn block 01", "drawn block 03", "drawn round 01")
ITALIC = 0.25  # shear
BROKEN = (OSError, ValueError, OverflowError, MemoryError)  # what FreeType and Pillow let out for bad fonts


def find_faces(folders: Sequence[Path] = ()) -> list[Face]:
    """Every usable face: the drawn ones, the font that Pillow carries, those of this machine and of more folders.

    The order depends on names and contents only. Raises: ConfigError when a folder is none.
    """
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"font_folders names {folder}, and there is no such folder. Check the path.")
    fonts = [*_faces_in(_system_folders()), _aileron(), *_faces_in(tuple(folders))]
    named = {face.name: face for face in fonts}  # of two versions of one font the user's own, else the last
    return [*drawn_faces(), *(named[name] for name in sorted(named))]


def choose_faces(faces: Sequence[Face], patterns: Sequence[str]) -> list[Face]:
    """The faces whose name fits one of the patterns, such as `DejaVu*` or `drawn block *`; case does not matter.

    Raises: ConfigError when a pattern fits none.
    """
    chosen: dict[str, Face] = {}
    for pattern in patterns:
        fitting = [face for face in faces if fnmatchcase(face.name.lower(), pattern.lower())]
        if not fitting:
            raise ConfigError(
                f"fonts has {pattern!r}, and no font of this machine has such a name."
                f" {nearest(pattern, [face.name for face in faces])}"
            )
        chosen |= {face.sha256: face for face in fitting}
    return list(chosen.values())


def deal(faces: Sequence[Face], parts: Sequence[str], seed: int) -> Mapping[str, list[Face]]:
    """Faces for each part, so that no two parts share a family; the first part gets the most.

    Each design is dealt by itself: the other parts get a sixth of its families, one at least where it has enough.
    Raises: ConfigError when there are too few families for the parts.
    """
    dealt: dict[str, list[Face]] = {part: [] for part in parts}
    designs: dict[str, dict[str, list[Face]]] = {}
    for face in faces:
        designs.setdefault(face.design, {}).setdefault(face.family, []).append(face)
    for families in designs.values():
        names = sorted(families, key=lambda name: Dice("deal", seed, name).unit())
        share = max(1, len(names) // 6)
        for part in parts[1:]:
            taken = [names.pop() for _ in range(min(share, len(names) - 1))]
            dealt[part] += [face for name in taken for face in families[name]]
        dealt[parts[0]] += [face for name in names for face in families[name]]
    for part, mine in dealt.items():
        if not mine:
            raise ConfigError(
                f"fonts leaves too few kinds of digits for {len(parts)} parts with none in common: none is left for"
                f" {part}. Name more fonts, or fewer parts."
            )
    return dealt


def _system_folders() -> tuple[Path, ...]:
    """The folders that may hold fonts."""
    spec = importlib.util.find_spec(CARRIER)
    carried = [Path(spec.origin).parent / CARRIED] if spec and spec.origin else []
    return tuple(path for path in [*(Path(name).expanduser() for name in FOLDERS), *carried] if path.is_dir())


@cache
def _faces_in(folders: tuple[Path, ...]) -> tuple[Face, ...]:
    """The usable fonts in folders, looked at once in a process."""
    return tuple(face for path in _files(folders) if (face := _read(path)) is not None)


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    """Font files, in the order of their folders and names."""
    seen = 0
    for root in folders:
        for folder, inner, names in os.walk(root):
            inner.sort()
            seen += len(names)
            if seen > MAX_FILES:
                return
            yield from (Path(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES))


def _read(path: Path) -> Face | None:
    """A font file as a face; None when it cannot be read or has no digits."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return font_face(path.read_bytes())
    except BROKEN:
        return None


def font_face(content: bytes) -> Face | None:
    """The bytes of a font file as a face; None when its digits are none.

    Raises: OSError and its like when it is no font.
    """
    draw = font_drawer(content)
    family, style = ImageFont.truetype(io.BytesIO(content), 12).getname()
    name = " ".join(f"{family or 'unnamed'} {style or ''}".split())
    face = Face(name, name.split()[0].lower(), "font", hashlib.sha256(content).hexdigest(), draw, content)
    return face if has_digits(face) else None


def _aileron() -> Face:
    """Aileron Regular by Sora Sagano, CC0, which Pillow carries: the one font that is always there."""
    font = ImageFont.load_default(12)
    assert isinstance(font, ImageFont.FreeTypeFont), "the locked Pillow has FreeType"
    content = bytes(font.font_bytes)
    return Face(
        "Aileron Regular", "aileron", "font", hashlib.sha256(content).hexdigest(), font_drawer(content), content
    )


def has_digits(face: Face) -> bool:
    """Whether ten digits look like ten digits: symbol fonts draw others, and fonts without digits draw boxes."""
    shapes = [_thumb(face, digit) for digit in DIGITS]
    if min(int(shape.max()) for shape in shapes) < 128:
        return False
    known = 0
    for index, shape in enumerate(shapes):
        far = np.abs(_references() - shape.astype(np.int16)).mean(axis=(2, 3))  # (faces, digits)
        known += int(far.min(axis=0).argmin() == index)
    return known >= LEAST_KNOWN


def _thumb(face: Face, digit: str) -> Pixels:
    """A digit cut on all sides, in a small fixed size."""
    drawn = cut_sides(cut_sides(face.draw(digit, 48)).T).T
    return np.asarray(Image.fromarray(np.ascontiguousarray(drawn)).resize(THUMB, Image.Resampling.BOX))


@cache
def _references() -> NDArray[np.int16]:
    """The digits of faces that are known to be right, int16 (faces, 10, height, width)."""
    upright = [_aileron(), *(face for face in drawn_faces() if face.name in REFERENCES)]
    thumbs = [[_thumb(face, digit) for digit in DIGITS] for face in upright]
    thumbs += [[_thumb(replace(face, draw=_lean(face.draw), _drawn={}), digit) for digit in DIGITS] for face in upright]
    return np.array(thumbs, np.int16)


def _lean(draw: Callable[[str, int], Pixels]) -> Callable[[str, int], Pixels]:
    """The same digits in italics."""

    def leaning(character: str, height: int) -> Pixels:
        upright = Image.fromarray(np.pad(draw(character, height), ((0, 0), (height // 4, height // 4))))
        lean = (1, ITALIC, -ITALIC * height / 2, 0, 1, 0)
        slanted = upright.transform(upright.size, Image.Transform.AFFINE, lean, Image.Resampling.BILINEAR)
        return cut_sides(np.asarray(slanted))

    return leaning
