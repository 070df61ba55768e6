"""Draw docs/assets/prepare.png: what the one door makes of twelve kinds of picture, step by step.

    python docs/make_prepare.py

Everything is made from the pictures in examples/ and tests/fixtures/.
"""

from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitkit.core.picture import Pixels, decode
from digitkit.learn.ink import Ink
from digitkit.learn.recipe import PrepareConfig

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
DIGITS = HERE.parent / "tests" / "fixtures" / "digits.npz"
COLUMNS = 2  # kinds beside each other
STEPS = ("what goes in", "coarse look", "close look", "image")


def kinds() -> dict[str, Pixels]:
    """Twelve pictures, uint8 (H,W) or (H,W,3), by what is special in them."""
    given = {
        "sketch, thick pen": "two-marker.png", "chalk on a board": "four-chalk.png",
        "blue pen": "three-blue-pen.png", "red pen, JPEG": "nine-red-pen.jpg",
        "pencil, uneven light": "five-pencil.jpg", "in a corner": "six-in-a-corner.jpg",
        "tiny": "eight-tiny.png", "empty paper": "blank-paper.jpg",
    }  # fmt: skip
    made = {name: decode(EXAMPLES / file) for name, file in given.items()}
    with np.load(DIGITS, allow_pickle=False) as stored:
        drawn, binary = stored["pendigits_images"], stored["semeion_images"]
    rng = np.random.default_rng(4)
    lined = np.pad(drawn[3], 5)
    lined[:2] = lined[:, -1] = 230
    made["form lines at the edge"] = lined
    made["slices of neighbours"] = np.concatenate([drawn[5][:, -10:], drawn[7], drawn[8][:, :10]], axis=1)
    made["specks"] = np.where(rng.random((56, 56)) < 0.01, 255, np.kron(drawn[14], np.ones((2, 2)))).astype(np.uint8)
    made["tight crop, black and white"] = binary[6]
    return made


@torch.inference_mode()
def draw(door: Ink, title: str, picture: Pixels, axes: list[Axes]) -> None:
    """One kind of picture through the door: the found frame, both looks, the image."""
    shown = decode(picture)
    pixels = torch.from_numpy(shown)[None]
    found = door.find(pixels)
    close = door.look_close(found)
    image, share, contrast = door(pixels)
    for each, values in zip(axes, (shown, found.ink[0, 0], close.ink[0], image[0, 0].clamp(0, 1)), strict=True):
        each.imshow(values, cmap="gray", vmin=0, vmax=255 if values is shown else 1, interpolation="nearest")
        each.set_xticks([])
        each.set_yticks([])
    (top, left), (bottom, right) = found.first[:, 0].tolist(), found.last[:, 0].tolist()
    frame = Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color="#d1242f", linewidth=1.5)
    axes[0].add_patch(frame)
    size = f"{shown.shape[1]}x{shown.shape[0]}"
    axes[0].set_ylabel(f"{title}\n{size}", fontsize=8)
    axes[3].set_xlabel(f"ink {float(share):.2f}, contrast {float(contrast):.2f}", fontsize=7, labelpad=2)


def main() -> None:
    """Draw the sheet."""
    door = Ink(PrepareConfig())
    pictures = kinds()
    rows = -(-len(pictures) // COLUMNS)
    figure = Figure(figsize=(5.2 * COLUMNS, 1.35 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, 4 * COLUMNS)
    for index, (title, picture) in enumerate(pictures.items()):
        row, column = divmod(index, COLUMNS)
        draw(door, title, picture, list(grid[row, 4 * column : 4 * column + 4]))
    for column, axes in enumerate(grid[0]):
        axes.set_title(STEPS[column % 4], fontsize=8)
    FigureCanvasAgg(figure)
    figure.savefig(HERE / "assets" / "prepare.png", dpi=90)


if __name__ == "__main__":
    main()
