"""The verb `digitkit data synthesize`: draw numbers that nobody wrote, by a plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.data.synthetic.source import Commission


def synthesize(
    plan: Annotated[
        str, typer.Argument(help="A plan: a TOML file that says what to draw (docs/synthetic.md), or jersey.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(help="Write the pictures to this new folder. Without it, synthetic:PLAN is made ready."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be drawn.")] = False,
    workers: Annotated[int, typer.Option(min=0, max=256, help="Processes that draw; 0: one for each core.")] = 0,
    picture: Annotated[Path | None, typer.Option(help="Write a sheet with examples of each class to this PNG.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")] = False,
) -> None:
    """Draw numbers on jerseys, in print or by hand, as a plan says; the same plan gives the same bytes."""
    from digitkit.data.catalogue import find_source
    from digitkit.data.fetch import read_part
    from digitkit.data.sheet import write_sheet
    from digitkit.data.source import TRAIN
    from digitkit.data.synthetic.plan_file import find_plan
    from digitkit.data.synthetic.source import PREFIX, commission, keep, write_folder

    ready = commission(find_plan(plan), find_source)
    _print_counts(ready, json)
    if dry_run:
        return
    spec, drawn = (f"folder:{to}", "") if to is not None else (f"{PREFIX}{plan}", "")
    with progress_bar(not json) as show:

        def made(done: int, total: int) -> None:
            show(done, total, f"drawing {ready.plan.name}")

        if to is not None:
            drawn = write_folder(ready, to, workers or count_cores(), made)
        else:
            keep(ready, workers or count_cores(), made)
    if picture is not None:
        write_sheet(read_part(find_source(spec), TRAIN), picture)
        say(f"Examples are in {picture}")
    if json:
        print_json({"source": spec, "sha256": drawn or None})
    else:
        print(f"Drawn. Use them with data.sources=[{spec}]")


def count_cores() -> int:
    """The processor cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_counts(ready: "Commission", json: bool) -> None:
    """How many pictures each class gets in each part, and with how many fonts."""
    parts = list(ready.jobs)
    counts = {part: ready.count(part) for part in parts}
    fonts = {part: len(ready.studio.casts[part].faces) for part in parts}
    if json:
        for part in parts:
            print_json({"part": part, "pictures": counts[part], "fonts": fonts[part]})
        return
    rows = [(name, *(f"{counts[part].get(name, 0):,}" for part in parts)) for name in ready.plan.classes]
    total = ("all", *(f"{len(ready.jobs[part]):,}" for part in parts))
    used = ("fonts", *(f"{fonts[part]}" for part in parts))
    print_table(f"{ready.plan.name}: {ready.plan.style} numbers", ("class", *parts), [*rows, total, used])
