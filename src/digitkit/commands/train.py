"""The verb train: recipe, splits, training, scores, bundle and card."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitkit.commands.export import write_bundle
from digitkit.commands.printing import (
    in_kilobytes,
    keep_quiet,
    percent,
    print_json,
    print_table,
    progress_bar,
    say,
    talkative,
)

if TYPE_CHECKING:
    from digitkit.data.splits import Splits
    from digitkit.export.parity import Progress
    from digitkit.learn.run import Run

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")]


def train(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="experiment=NAME and key=value pairs, as in seed=1 budget.epochs=8.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run instead of starting one.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Go on although data, recipe or code have changed.")] = False,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only, and what --json asks for.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks, and all that Lightning says.")] = False,
) -> None:
    """Train a reader, score it, export it: one folder holds all of it."""
    from digitkit.core.errors import ConfigError
    from digitkit.data.splits import build
    from digitkit.learn import train as learn
    from digitkit.learn.compose import compose
    from digitkit.learn.gathering import follows
    from digitkit.learn.parts import split_plan
    from digitkit.learn.resuming import Start
    from digitkit.learn.run import Run
    from digitkit.learn.trackers.threads import check_trackers, trackers_of

    if follows():  # another process of the same training has read the request, and answers
        learn.follow()
        return
    begun, tell = time.perf_counter(), keep_quiet if quiet else say
    if force and not resume:
        raise ConfigError("--force belongs to --resume: it goes on although something has changed.")
    if resume and overrides:
        raise ConfigError("--resume goes on with the run's own recipe; leave out the overrides, or start a new run.")
    run = Run.open(resume) if resume else None
    if run and run.file("report.json").is_file():
        raise ConfigError(
            f"{run.path} has finished, there is nothing to go on with."
            f" `digitkit export {run.path}` writes its bundle; `digitkit train` starts another run."
        )
    recipe = run.recipe() if run else compose(overrides or [])
    check_trackers(recipe.run.trackers)
    start = Start(resume=resume is not None, force=force, say=tell)
    with progress_bar(recipe.run.progress and not (json or quiet)) as progress, talkative(debug):
        plan = split_plan(recipe.data)
        splits = build(plan, tell, in_kilobytes(progress))
        run = run or Run.create(recipe)
        with nullcontext() if resume else run.begun_or_gone(), trackers_of(recipe, run, tell) as trackers:
            learn.train(recipe, splits, run, progress, start=start, trackers=trackers)
            bundle = _finish(run, splits, recipe.run.export, progress)
            trackers.finish(run)
    if json or not quiet:
        _tell_training(run, bundle, time.perf_counter() - begun, json)


def _finish(run: "Run", splits: "Splits", exported: bool, progress: "Progress") -> dict[str, Any] | None:
    _write_card(run, None)  # whatever becomes of the bundle
    bundle = write_bundle(run, splits, progress=progress) if exported else None
    if bundle:
        _write_card(run, bundle)
    return bundle


def _write_card(run: "Run", bundle: dict[str, Any] | None) -> None:
    from digitkit.learn import card

    card.write(run, bundle)


def _tell_training(run: "Run", bundle: dict[str, Any] | None, total_seconds: float, json: bool) -> None:
    from digitkit.core.intervals import wilson

    stored = run.report()
    seconds = {key: stored[key] for key in ("train_seconds", "prepare_seconds")}
    seconds["total_seconds"] = round(total_seconds, 3)
    if json:
        shares = {f"{part}_accuracy": stored[part]["accuracy"] if stored[part] else None for part in ("val", "test")}
        viewed = stored["test"]["accuracy_views"] if stored["test"] else {}
        print_json({"run": str(run.path), **seconds, **shares, "test_accuracy_views": viewed, "bundle": bundle})
        return
    rows: list[tuple[str, str]] = []
    for part in ("val", "test"):
        if stored[part]:
            low, high = map(percent, stored[part]["interval"])
            share, n = percent(stored[part]["accuracy"]), stored[part]["n"]
            rows.append((f"{part} accuracy", f"{share} of {n:,} (95 % interval {low} to {high})"))
    for count, share in (stored["test"] or {}).get("accuracy_views", {}).items():
        n = stored["test"]["n"]
        low, high = map(percent, wilson(round(share * n), n))
        rows.append((f"test, {count} views", f"{percent(share)} ({low} to {high})"))
    rows += [(key.replace("_", " "), f"{value:.1f} s") for key, value in seconds.items()]
    if bundle:
        rows.append(("bundle", f"{bundle['file']}, {bundle['bytes'] / 1000:,.0f} kB, {bundle['id']}"))
    rows.append(("card", str(run.file("card.md"))))
    print_table(f"{stored['name']}: trained", ("what", "figure"), rows)
