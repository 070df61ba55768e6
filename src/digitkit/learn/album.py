"""The pictures of validations on the way: kept as numbers when a validation is scored, drawn when there is time.

Drawing takes as long as many steps of a short training, so it waits for its end; a long one draws once a minute.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from digitkit.learn.evaluate import Report
from digitkit.learn.loader import Images

MOST_DRAWN = 20  # validations of a run that leave pictures, evenly chosen, the last one always among them
MOST_SHOWN = 40  # images on a grid


@dataclass(frozen=True)
class Page:
    """What the pictures of one validation show; plain values, for they travel in the checkpoint until they are drawn.

    `best` and `share` are the class and its probability for each image of the grid.
    """

    step: int
    n: int
    accuracy: float
    confusion: list[list[int]]
    best: list[int]
    share: list[float]
    due: bool  # false: drawn only if no later one comes


class Album:
    """Confusion and predictions of the validations of a run, as `confusion-step-000300.png` and `grid-step-000300.png`.

    The grid shows the same validation images every time, evenly chosen.
    """

    def __init__(self, folder: Path, images: Images, classes: Sequence[str]) -> None:
        self.folder, self.classes = folder, classes
        count = min(MOST_SHOWN, len(images))
        self.shown = torch.arange(count) * len(images) // max(1, count)
        places = self.shown.to(images.pixels.device)
        self.images = Images(images.pixels[places].cpu(), images.labels[places].cpu())
        self.scored = 0
        self.pages: list[Page] = []  # not drawn yet

    def keep(self, step: int, made: Report, answers: Tensor, validations: int) -> None:
        """Remember what one of so many validations found; answers are probabilities (N,K)."""
        if self.pages and not self.pages[-1].due:
            self.pages.pop()
        self.scored += 1
        due = self.scored % -(-validations // MOST_DRAWN) == 0
        share, best = answers[self.shown].max(1)
        self.pages.append(Page(step, made.n, made.accuracy, made.confusion, best.tolist(), share.tolist(), due))

    def draw(self, *, rest: bool = False) -> Iterator[tuple[int, dict[str, Path]]]:
        """Draw what is due, or all that is left; gives the step and its pictures, by what they show."""
        while self.pages and (rest or self.pages[0].due):
            yield self.pages[0].step, self._draw(self.pages[0])
            self.pages.pop(0)

    def _draw(self, page: Page) -> dict[str, Path]:
        from digitkit.learn import pictures  # drawing libraries take a second to load, and the steps come first

        paths = {name: self.folder / f"{name}-step-{page.step:06}.png" for name in ("confusion", "grid")}
        title = f"val, step {page.step:,}: {page.accuracy:.2%} of {page.n:,}"
        pictures.confusion(page.confusion, self.classes, title, paths["confusion"])
        pictures.grid(self.images, pictures.Read(page.best, page.share), self.classes, title, paths["grid"])
        return paths

    def state_dict(self) -> dict[str, Any]:
        """What has been kept and not drawn, as plain values."""
        return {"scored": self.scored, "pages": [asdict(page) for page in self.pages]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self.scored, self.pages = int(state["scored"]), [Page(**page) for page in state["pages"]]
