"""The verbs of `digitkit data`: what there is, get it, prepare it, look at it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.data.source import Source
    from digitkit.data.statistics import Statistics

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only files that are here already.")]


def list_sources(json: Json = False) -> None:
    """List the data sets that digitkit knows by name, and whether they are here."""
    from digitkit.data.catalogue import SOURCES
    from digitkit.data.stock import is_here

    rows = []
    for source in SOURCES.values():
        facts = {"source": source.name, "title": source.title, "parts": list(source.parts), "licence": source.licence}
        size, here = sum(file.size for file in source.files), is_here(source)
        rows.append((source.name, source.title, ", ".join(source.parts), source.licence, "yes" if here else "no"))
        if json:
            print_json({**facts, "homepage": source.homepage, "bytes": size, "here": here})
    if not json:
        print_table("Data sets", ("name", "what", "parts", "licence", "here"), rows)
        print("Pictures of your own: folder:PATH, with one folder per class in it.")


def fetch(
    names: Annotated[list[str], typer.Argument(help="Data sets by name, as `digitkit data list` shows them.")],
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Get data sets, each file checked by its sha256; an interrupted download goes on where it stopped."""
    from digitkit.core.errors import DigitkitError
    from digitkit.data.catalogue import find_source

    sources = [find_source(name) for name in names]  # a mistyped name stops before the first download
    errors: list[DigitkitError] = []
    for source in sources:
        try:
            folder = _fetch(source, offline, json)
        except DigitkitError as error:
            errors.append(error)
            if json:
                print_json({"source": source.name, "error": str(error)})
            continue
        place = str(folder) if source.files else None
        if json:
            print_json({"source": source.name, "folder": place, "files": [file.name for file in source.files]})
        else:
            print(f"{source.name}: {place or 'here, nothing to fetch'}")
    for earlier in errors[:-1]:
        say(f"error: {earlier}")
    if errors:
        raise errors[-1]


def _fetch(source: "Source", offline: bool, json: bool) -> Path:
    """Fetch with a bar; what fails on the way is said."""
    from digitkit.data.fetch import fetch

    with progress_bar(not json) as show:
        return fetch(source, lambda name, done, total: show(done // 1000, total // 1000, f"{name}, kB"), offline, say)


def prepare(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="experiment=NAME and key=value pairs, as for `digitkit train`.")
    ] = None,
    json: Json = False,
) -> None:
    """Get and prepare the pictures of a training, so that it can start at once; a second time takes no time."""
    from digitkit.data.splits import build
    from digitkit.learn.compose import compose
    from digitkit.learn.parts import prepare_parts, split_plan

    recipe = compose(overrides or [])
    with progress_bar(not json) as show:
        splits = build(
            split_plan(recipe.data), say, lambda name, done, total: show(done // 1000, total // 1000, f"{name}, kB")
        )
        parts = prepare_parts(recipe, splits, show)
    mean, std = parts.train.statistics()
    facts: dict[str, object] = {
        "sources": list(splits.report.sources), "classes": list(splits.primary.classes),
        "train": len(parts.train), "val": len(parts.val), "test": len(parts.test),
        "size": recipe.prepare.size, "channels": recipe.prepare.channels,
        "mean": mean, "std": std, "prepare_seconds": round(parts.prepare_seconds, 3), "fingerprint": splits.fingerprint,
    }  # fmt: skip
    if json:
        print_json(facts)
    else:
        print_table("Prepared", ("what", "value"), list(facts.items()))


def inspect(
    spec: Annotated[str, typer.Argument(help="A data set by name, or folder:PATH.")],
    part: Annotated[str, typer.Option(help="Look at one part only: train, val or test.")] = "",
    picture: Annotated[Path | None, typer.Option(help="Write a sheet with examples of each class to this PNG.")] = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Look at a data set: pictures per class, sizes, ink, and a sheet of examples."""
    from digitkit.data.catalogue import find_source
    from digitkit.data.fetch import read_part
    from digitkit.data.sheet import write_sheet
    from digitkit.data.statistics import describe

    source = find_source(spec)
    folder = _fetch(source, offline, json)
    described: dict[str, Statistics] = {}
    for name in [part] if part else source.parts:
        digits = read_part(source, name, offline)
        if picture is not None and not described:
            write_sheet(digits, picture)
        described[name] = describe(digits)
        for line in source.notes(folder, name):
            say(f"{name}: skipped {line}")
        if json:
            print_json({"source": spec, "part": name, **described[name].to_plain()})
    if not json:
        _print_statistics(spec, described)
    if picture is not None:
        say(f"Examples of {spec} {next(iter(described))} are in {picture}")


def _print_statistics(spec: str, described: "Mapping[str, Statistics]") -> None:
    """One table of classes, one of everything else; a column for each part."""
    names = sorted({name for part in described.values() for name in part.counts})
    rows = [(name, *(f"{part.counts.get(name, 0):,}" for part in described.values())) for name in names]
    total = ("all", *(f"{part.pictures:,}" for part in described.values()))
    print_table(f"{spec}: pictures per class", ("class", *described), [*rows, total])
    lines = {
        "height, px (least, median, most)": [" ".join(map(str, part.heights)) for part in described.values()],
        "width, px (least, median, most)": [" ".join(map(str, part.widths)) for part in described.values()],
        "pictures in colour": [percent(part.colour) for part in described.values()],
        "pictures with dark ink": [percent(part.dark_ink) for part in described.values()],
        "pictures that show nothing": [percent(part.blank) for part in described.values()],
        "pixels that are ink": [percent(part.inked) for part in described.values()],
    }
    print_table(f"{spec}: sizes and ink", ("what", *described), [(what, *cells) for what, cells in lines.items()])
