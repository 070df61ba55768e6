"""The verb benchmark: one table over the runtimes that can read a model."""

from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import keep_quiet, percent, print_json, print_table, say

if TYPE_CHECKING:
    from digitkit.commands.timing import Row

COLUMNS = ("runtime", "kB", "cold, s", "one, ms", "of 256, /s")
SCORES = ("accuracy", "agrees")


def benchmark(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[BUNDLE_OR_RUN]...", help='Bundles (.onnx), runs, or "default".')
    ] = None,
    on: Annotated[str, typer.Option(help="SOURCE/PART to score them on, as in mnist/test.")] = "",
    threads: Annotated[list[int] | None, typer.Option(help="Repeatable; by default 1, and all cores.")] = None,
    side: Annotated[int, typer.Option(help="Side of the pictures that are timed, px.")] = 28,
    seconds: Annotated[float, typer.Option(help="Time spent on each figure in each process.")] = 1.0,
    repeats: Annotated[int, typer.Option(help="Fresh processes for each row.")] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not say what is being measured.")] = False,
) -> None:
    """Measure how fast models read on this machine in each runtime, preparation included, and whether they agree."""
    from digitkit.commands import timing

    asked = timing.Asked(device, seconds, side, repeats, tuple(threads or ()), on)
    names = list(dict.fromkeys(targets or ["default"]))
    rows = timing.measure(names, asked, keep_quiet if quiet else say)
    if json:
        for row in rows:
            print_json(row.to_plain())
        return
    scored = f"; accuracy on {rows[0].n:,} of {on}" if on else ""
    for name in names:
        title = f"{name}: pictures of {side}x{side}, median, least-most of {repeats} processes{scored}"
        columns = COLUMNS + SCORES if on else COLUMNS
        print_table(title, columns, [_cells(row)[: len(columns)] for row in rows if row.target == name])


def _cells(row: "Row") -> tuple[str, ...]:
    shares = ["-" if share is None else percent(share) for share in (row.accuracy, row.agreement)]
    if row.interval:
        shares[0] += "\n{:.2f}-{:.2f}".format(*(100 * end for end in row.interval))
    threads = f"{row.job.threads} thread{'s' if row.job.threads > 1 else ''}"
    figures = (_told(row.cold_start_s, 1), _told(row.ms, 2), _told(row.pictures_per_s, 0))
    return f"{row.runtime}\n{threads}", f"{row.bytes / 1000:,.0f}", *figures, *shares


def _told(values: list[float], digits: int) -> str:
    middle, least, most = (f"{each:,.{digits}f}" for each in (median(values), min(values), max(values)))
    return f"{middle}\n{least}-{most}"  # two lines, so that all columns find room in a terminal
