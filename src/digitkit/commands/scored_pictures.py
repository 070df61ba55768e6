"""Pictures of what was scored: the surest mistakes, what confidence is worth, pictures spoilt in 15 ways."""

from pathlib import Path

import numpy as np

from digitkit.commands.printing import percent
from digitkit.commands.scoring import Part, Scored, spoil
from digitkit.data.sheet import Cell, draw_cells, write_picture
from digitkit.learn import pictures
from digitkit.learn.corruptions import CORRUPTIONS, canvas

MOST_MISTAKES = 48
MOST_SPOILT = 10  # rows of the sheet, one picture of a class each


def draw_mistakes(scored: Scored, path: Path) -> None:
    """The surest mistakes, each picture beside what the network saw of it.

    Raises: StoreError when the file cannot be written.
    """
    wrong = scored.report.mistakes[:MOST_MISTAKES]
    digits, classes = scored.part.digits.take(np.array(wrong, np.int64)), scored.reader.classes
    seen = scored.reader.seen(digits) if wrong else []
    cells: list[Cell] = []
    for place, index in enumerate(wrong):
        best = int(scored.answers[index].argmax())
        label, read = (pictures.named(classes[each]) for each in (int(digits.labels[place]), best))
        caption = f"is {label}\nread {read}, {percent(float(scored.answers[index, best]), 1)}"
        cells.append(([digits.pictures[place], seen[place]], caption))
    made = scored.report
    title = f"{made.split}: {len(made.mistakes):,} mistakes of {made.n:,}, the surest first; right: what the model saw"
    write_picture(draw_cells(title, cells), path)


def draw_reliability(scored: Scored, path: Path) -> None:
    """How often each confidence is right.

    Raises: StoreError when the file cannot be written.
    """
    measured = scored.report.reliability
    assert measured is not None, "whatever is scored here has its reliability measured"
    title = f"{scored.part.name}: calibration error {percent(measured.ece)} of {scored.report.n:,}"
    pictures.reliability(measured, title, path)


def draw_spoilt(part: Part, seed: int, path: Path) -> None:
    """One picture of each class per row, as it is and spoilt in each way.

    Raises: StoreError when the file cannot be written.
    """
    digits = part.digits
    firsts = np.sort(np.unique(digits.labels, return_index=True)[1])[:MOST_SPOILT]
    firsts = firsts[np.argsort(digits.labels[firsts])]
    clean = np.stack([canvas(digits.pictures[int(index)]) for index in firsts])
    columns = {"as it is": clean} | {name: spoil(clean, name, part.indices[firsts], seed) for name in CORRUPTIONS}
    cells: list[Cell] = [
        ([pixels[row]], name.replace("_", "\n")) for row in range(len(clean)) for name, pixels in columns.items()
    ]
    write_picture(draw_cells(f"{part.name}, spoilt in {len(CORRUPTIONS)} ways, seed {seed}", cells), path)
