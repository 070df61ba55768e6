"""Draw the pictures of the documentation: what goes into prepare, what comes out, and how it is read.

    python docs/make_pictures.py

Everything is made from the pictures in examples/ and the bundle that ships.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import digitkit
from digitkit.core.picture import decode
from digitkit.core.prediction import Prediction

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
SIDE, GAP, TEXT = 150, 10, 34  # px of a tile, between tiles, and of the line under a tile
COLUMNS = 6
INKS = {"digit": "#1b6e53", "unsure": "#9a6700", "not a digit": "#57606a", "blank": "#57606a"}


def tile(picture: Image.Image, seen: np.ndarray, answer: Prediction) -> Image.Image:
    """A picture with what the network saw of it in the corner and the answer below."""
    sheet = Image.new("RGB", (SIDE, SIDE + TEXT), "white")
    shown = picture.copy()
    shown.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    sheet.paste("#f0f0f0", (0, 0, SIDE, SIDE))
    sheet.paste(shown, ((SIDE - shown.width) // 2, (SIDE - shown.height) // 2))
    sheet.paste(Image.fromarray(seen).resize((56, 56), Image.Resampling.NEAREST), (SIDE - 56, SIDE - 56))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((SIDE - 57, SIDE - 57, SIDE - 1, SIDE - 1), outline="#888888")
    draw.text((SIDE / 2, SIDE + TEXT / 2), words(answer), INKS[answer.verdict], ImageFont.load_default(15), anchor="mm")
    return sheet


def words(answer: Prediction) -> str:
    """The answer as a person would say it."""
    if answer.verdict == "digit":
        return f"{answer.label}  ({answer.confidence:.1%})"
    return answer.verdict if answer.verdict != "unsure" else f"unsure: {answer.reason}"


def sheet_of(tiles: Sequence[Image.Image]) -> Image.Image:
    """The tiles in rows."""
    rows = -(-len(tiles) // COLUMNS)
    width, height = COLUMNS * (SIDE + GAP) + GAP, rows * (SIDE + TEXT + GAP) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    for index, each in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        sheet.paste(each, (GAP + column * (SIDE + GAP), GAP + row * (SIDE + TEXT + GAP)))
    return sheet


def main() -> None:
    """Draw docs/assets/examples.png."""
    predictor = digitkit.load("default")
    paths = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
    pictures = [decode(path) for path in paths]
    tiles = [
        tile(Image.fromarray(picture), seen, answer)
        for picture, seen, answer in zip(pictures, predictor.images(pictures), predictor.predict(pictures), strict=True)
    ]
    target = HERE / "assets" / "examples.png"
    target.parent.mkdir(exist_ok=True)
    sheet_of(tiles).save(target, optimize=True)


if __name__ == "__main__":
    main()
