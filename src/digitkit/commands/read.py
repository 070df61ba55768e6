"""The verb that reads pictures."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import say
from digitkit.core.errors import ConfigError, DataError
from digitkit.core.registry import nearest

if TYPE_CHECKING:
    from digitkit.commands.answers import Outcome, SeenFolder
    from digitkit.commands.asked import Asked
    from digitkit.core.picture import Pixels
    from digitkit.runtime.predictor import Predictor

FORMATS = ("table", "json", "csv", "kaggle")
CHUNK = 64  # pictures that are decoded before they are read together
CHUNK_BYTES = 16 * 2**20  # of their pixels


def predict(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, quoted patterns such as 'scans/**/*.png', Kaggle's test.csv, or - for standard input."
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(metavar="SOURCE/PART", help="Read a random picture of a data set, e.g. mnist/test.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Makes --sample choose the same picture again.")] = None,
    bundle: Annotated[str, typer.Option(help='The model: a bundle (.onnx), or "default", which ships.')] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    top_k: Annotated[int, typer.Option(min=1, help="How many of the most probable labels to show.")] = 1,
    form: Annotated[str, typer.Option("--format", help="table, json, csv or kaggle (a submission).")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per picture instead of a table.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one CSV row per picture instead of a table.")] = False,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answers to this file.")] = None,
    seen: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write what the model saw of each picture as PNG here.")
    ] = None,
) -> None:
    """Read the digits in pictures: any size, dark on bright or bright on dark."""
    if not pictures and sample is None:
        raise ConfigError("Nothing to read. Name files or folders, - for standard input, or --sample mnist/test.")
    form = _choose_format(form, json, csv)
    from digitkit.commands import answers, asked
    from digitkit.runtime.predictor import Predictor

    predictor = Predictor.load(bundle, device)
    wanted = [*([asked.sample(sample, seed)] if sample is not None else []), *asked.expand(pictures or [])]
    kept = frozenset(os.path.realpath(each.source) for each in wanted if isinstance(each.source, Path))
    folder = answers.SeenFolder(seen, kept=kept) if seen is not None else None
    failed: list[str] = []
    outcomes = _noting_failures(read(predictor, wanted, folder), failed)
    with answers.written_to(output):
        match form:
            case "json":
                answers.answer_json(outcomes, top_k)
            case "csv":
                answers.answer_csv(outcomes, top_k)
            case "kaggle":
                answers.answer_kaggle(outcomes, predictor.bundle)
            case _:
                answers.answer_table(outcomes, top_k, f"Read with {predictor.bundle.id}")
    summary = f"{len(wanted) - len(failed)} read, {len(failed)} failed"
    if failed:
        raise DataError(summary)
    if len(wanted) > 1:
        say(summary)


def _choose_format(form: str, json: bool, csv: bool) -> str:
    """The form of the answers; two wishes at once, or an unknown one, are a mistake."""
    chosen = [name for name, wish in ((form, form), ("json", json), ("csv", csv)) if wish]
    if len(chosen) > 1:
        raise ConfigError("--format, --json and --csv exclude each other. Choose one.")
    if form and form not in FORMATS:
        raise ConfigError(f"--format {form}: {nearest(form, list(FORMATS))}")
    return chosen[0] if chosen else "table"


def read(predictor: "Predictor", wanted: Iterable["Asked"], folder: "SeenFolder | None") -> Iterator["Outcome"]:
    """What becomes of each picture, in order, a chunk at a time; bad ones do not stop the others."""
    from digitkit.core.parallel import in_threads
    from digitkit.core.picture import DECODERS
    from digitkit.runtime.session import usable_cores

    chunk: list[tuple[Asked, Pixels | DataError]] = []
    size = 0
    threads = min(usable_cores(), DECODERS)
    for each, pixels in in_threads(_opened, wanted, threads, lambda asked: asked.is_opened_here()):
        size += 0 if isinstance(pixels, DataError) else pixels.nbytes
        chunk.append((each, pixels))
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield from _read_chunk(predictor, chunk, folder)
            chunk, size = [], 0
    yield from _read_chunk(predictor, chunk, folder)


def _opened(asked: "Asked") -> "tuple[Asked, Pixels | DataError]":
    """What was asked for, and the picture or why there is none."""
    try:
        return asked, asked.pixels()
    except DataError as error:
        return asked, error


def _read_chunk(
    predictor: "Predictor", chunk: "list[tuple[Asked, Pixels | DataError]]", folder: "SeenFolder | None"
) -> Iterator["Outcome"]:
    """The pictures of a chunk go through the graph together."""
    from digitkit.commands.answers import Outcome

    good = [pixels for _, pixels in chunk if not isinstance(pixels, DataError)]
    predictions = iter(predictor.predict(good))
    images = iter(predictor.images(good) if folder else [])
    for each, pixels in chunk:
        if isinstance(pixels, DataError):
            yield Outcome(each.name, pixels, each.true_label)
            continue
        short = each.name if each.true_label is not None else Path(each.name).name
        path = folder.write(short, next(images)) if folder else None
        yield Outcome(each.name, next(predictions), each.true_label, path)


def _noting_failures(outcomes: Iterable["Outcome"], failed: list[str]) -> Iterator["Outcome"]:
    """Pass outcomes on and note the names of pictures that failed."""
    for outcome in outcomes:
        if isinstance(outcome.result, Exception):
            failed.append(outcome.name)
        yield outcome
