"""How fast numbers are drawn, in pictures per second of one core, and sheets of 8x8 pictures to look at.

    python benchmarks/synthetic.py --pictures 1000 --sheets sheets

The first pictures of a process also draw the digits of each font; they are not counted.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from digitkit.data.catalogue import find_source
from digitkit.data.synthetic.plan import STYLES, Job
from digitkit.data.synthetic.plan_file import parse_plan
from digitkit.data.synthetic.studio import Studio, open_studio

LABELS = ("0", "1", "7", "00", "10", "23", "88", "100")
PICTURE, GAP = 64, 4  # px


def prepare(style: str, hand: str, share: float | None = None) -> Studio:
    """A studio for one style at 64 px; `share` of the pictures are degraded, the style's own share when None."""
    sources: dict[str, object] = {"sources": [hand]} if style == "handwriting" else {}
    how: dict[str, object] = {} if share is None else {"degrade": {"share": share}}
    plan = parse_plan({"style": style, "classes": list(LABELS), "aspect": 1, **sources, **how}, Path("benchmark.toml"))
    return open_studio(plan, find_source)


def rates(studio: Studio, pictures: int, rounds: int) -> list[float]:
    """Pictures per second of processor time, PNG included, of each round."""
    jobs = [Job("train", LABELS[index % len(LABELS)], index) for index in range(pictures)]
    found = []
    for _ in range(rounds + 1):
        start = time.process_time()
        for job in jobs:
            studio.encode(job)
        found.append(pictures / (time.process_time() - start))
    return found[1:]


def draw_sheet(studios: Sequence[Studio], path: Path, rows: int, zoom: int) -> None:
    """A column for each label and some rows for each studio."""
    side = PICTURE * zoom
    size = len(LABELS) * (side + GAP) + GAP, len(studios) * rows * (side + GAP) + GAP
    sheet = Image.new("RGB", size, "#444444")
    for row in range(len(studios) * rows):
        for column, label in enumerate(LABELS):
            picture = Image.fromarray(studios[row // rows].make(Job("train", label, row % rows)))
            cell = picture.resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(cell, (GAP + column * (side + GAP), GAP + row * (side + GAP)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def main() -> None:
    """Measure each style and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000, help="pictures of a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that are counted")
    parser.add_argument("--hand", default="optdigits", help="the source of single handwritten digits")
    parser.add_argument("--sheets", type=Path, help="a folder for sheets, clean ones and degraded ones")
    asked = parser.parse_args()
    table = Table(
        "style", "n", "pictures/s, mean", "deviation", title="64 px, one core, processor time", title_justify="left"
    )
    for style in STYLES:
        found = rates(prepare(style, asked.hand), asked.pictures, asked.rounds)
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        table.add_row(style, str(len(found)), f"{statistics.mean(found):.0f}", f"{spread:.0f}")
        if asked.sheets:
            draw_sheet([prepare(style, asked.hand, 0.0)], asked.sheets / f"{style}.png", rows=8, zoom=2)
            draw_sheet([prepare(style, asked.hand)], asked.sheets / f"{style}-degraded.png", rows=8, zoom=2)
    if asked.sheets:
        draw_sheet([prepare(style, asked.hand) for style in STYLES], asked.sheets / "overview.png", rows=2, zoom=1)
    Console().print(table)


if __name__ == "__main__":
    main()
