"""The verb that looks for better settings: tune."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import in_kilobytes, percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.learn.tune.results import Entry, Results

SHOWN = 10  # of the best trials


def tune(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="experiment=NAME, key=value, and what varies: key=a,b,c, key=1..9, key=log:1e-4..1e-1."),
    ] = None,
    trials: Annotated[
        int, typer.Option(help="Trials in all, those of earlier calls and other processes included.")
    ] = 40,
    study: Annotated[str, typer.Option(help="The name of the search; the experiment's by default.")] = "",
    storage: Annotated[
        str, typer.Option(help="A journal file or a database (sqlite:///FILE, postgresql://...) that processes share.")
    ] = "",
    prune: Annotated[bool, typer.Option(help="Give a trial up when it lags behind half of the others.")] = True,
    runs: Annotated[Path, typer.Option(help="Where the folder of the search is made.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")] = False,
) -> None:
    """Search for better settings of a recipe, by validation alone, and write the best as an experiment."""
    from digitkit.learn.tune.search import Listener, Plan, tune

    plan = Plan(tuple(words or ()), trials, study, storage, prune, runs)
    with progress_bar(not json) as progress:
        results = tune(plan, Listener(say, progress, in_kilobytes(progress)))
    if json:
        _print_all(results)
        return
    keys = [axis.key for axis in results.space.axes]
    rows = [_row(entry, keys) for entry in results.entries[:SHOWN]]
    counts = ", ".join(f"{count} {word}" for word, count in results.counts().items())
    print_table(
        f"{results.name}: {counts}",
        ("trial", "val accuracy", "val loss", "seconds", *(key.replace(".", ".\n") for key in keys)),
        rows,
    )
    if results.importance:
        shares = [(key, percent(share, 0)) for key, share in results.importance.items()]
        print_table("What makes the difference", ("key", "share"), shares)
    say(f"Train the best with: digitkit train experiment={results.experiment}")


def _row(entry: "Entry", keys: list[str]) -> tuple[str, ...]:
    accuracy = entry.state if entry.state != "finished" or entry.accuracy is None else percent(entry.accuracy)
    loss = "" if entry.loss is None else f"{entry.loss:.4f}"
    seconds = "" if entry.seconds is None else f"{entry.seconds:.1f}"
    settings = (entry.settings.get(key, "") for key in keys)
    shown = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in settings)
    return (str(entry.trial), accuracy, loss, seconds, *shown)


def _print_all(results: "Results") -> None:
    """A line for each trial, the best first, and one for the search."""
    for entry in results.entries:
        print_json(asdict(entry))
    best = asdict(results.best) if results.best else None
    print_json(
        {
            "study": results.name, "folder": str(results.folder), "trials": results.finished,
            "counts": results.counts(), "best": best, "importance": results.importance,
            "experiment": str(results.experiment) if best else None,
        }
    )  # fmt: skip
