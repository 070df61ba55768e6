"""Draw docs/assets/before.png: two digits as the world may show them, and what the network sees of each.

    python docs/make_before.py

The digits are from tests/fixtures/digits.npz.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from digitkit.learn.augment.before import Lifted, generator, laid, lift
from digitkit.learn.augment.world import seen
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.ink import Ink
from digitkit.learn.recipe import PrepareConfig

HERE = Path(__file__).parent
DIGITS = HERE.parent / "tests" / "fixtures" / "digits.npz"
CHOSEN, OTHER = (3, 7), 13  # of the pen digits
SIDE, FILL = 56, 0.62
KINDS = (
    "pencil", "outline", "ragged", "binary", "neighbours", "bleed", "lines", "ruled", "stains", "hairs", "holes",
    "card", "light", "shadow", "colour", "blur", "noise", "specks", "jpeg",
)  # fmt: skip
COLUMNS = 10


def lifted_digits(door: Ink) -> tuple[Lifted, Lifted]:
    """The ink of the chosen digits, and of another as often."""
    with np.load(DIGITS, allow_pickle=False) as stored:
        drawn = torch.from_numpy(stored["pendigits_images"])
    ink = lift(door, drawn.unsqueeze(3).expand(-1, -1, -1, 3))
    own, others = torch.tensor(CHOSEN), torch.full((len(CHOSEN),), OTHER)
    return Lifted(*(part[own] for part in ink)), Lifted(*(part[others] for part in ink))


def world(name: str, own: Lifted, other: Lifted) -> Tensor:
    """The digits after one change, uint8 (2,A,A,3)."""
    fill, middle = torch.full((len(own.ink), 1), FILL), torch.full((len(own.ink), 2), 0.5)
    beside = laid(other, SIDE, fill, torch.tensor([[0.5, 1.05], [0.5, -0.05]]))
    below = laid(other, SIDE, fill, middle + 0.1).flip(3)
    only: dict[str, Any] = {name: 1.0}
    config = replace(BeforeConfig(k=1), **only)
    return seen(laid(own, SIDE, fill, middle), beside, below, config, generator((6, KINDS.index(name))))


@torch.inference_mode()
def main() -> None:
    """Draw the sheet."""
    door = Ink(PrepareConfig()).eval()
    own, other = lifted_digits(door)
    blocks = -(-len(KINDS) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 1.15, blocks * 4.6), layout="constrained")
    grid = figure.subplots(4 * blocks, COLUMNS)
    for axes in grid.flat:
        axes.axis("off")
    for index, name in enumerate(KINDS):
        block, column = divmod(index, COLUMNS)
        pictures = world(name, own, other)
        images = door(pictures)[0].clamp(0, 1)
        for number, (picture, image) in enumerate(zip(pictures, images, strict=True)):
            top = 4 * block + 2 * number
            grid[top, column].imshow(picture, interpolation="nearest")
            grid[top + 1, column].imshow(image[0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        grid[4 * block, column].set_title(name, fontsize=9)
    FigureCanvasAgg(figure)
    figure.savefig(HERE / "assets" / "before.png", dpi=80)


if __name__ == "__main__":
    main()
