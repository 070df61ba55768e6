"""The verb `digitkit data inspect`: figures, copies, likely wrong labels and pages of pictures of a data set."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.data import Json, Offline, fetch_with_bar
from digitkit.commands.printing import percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.core.digitset import DigitSet
    from digitkit.data.sheet import Cell
    from digitkit.data.source import Source
    from digitkit.data.statistics import Statistics
    from digitkit.learn.labels import Suspect
    from digitkit.learn.recipe import Recipe

PER_PAGE = 160  # pictures on the page of a class
SUSPECTS_DRAWN = 240
SUSPECTS_PRINTED = 20
MOST_VALUES = 8  # of a key of metadata, in the table


def inspect(
    spec: Annotated[
        str,
        typer.Argument(help="A data set by name, or your own: folder:, archive:, jsonl:, npz: or kaggle:PLACE."),
    ],
    part: Annotated[
        str, typer.Option(help="Look at one part only: train, val, test or extra (which is fetched only then).")
    ] = "",
    picture: Annotated[Path | None, typer.Option(help="Write a sheet with examples of each class to this PNG.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Write sheets into this folder: examples, a page for each class, what is found.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="Look for labels that are likely wrong; trains.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="key=value of the recipe that judges labels; repeatable.")
    ] = None,
    duplicates: Annotated[
        str, typer.Option(help="Copies to look for: near, exact (to the pixel only, quicker), or keep (none).")
    ] = "near",
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Look at a data set: classes, sizes, ink, copies within and across parts, and labels that are likely wrong."""
    from digitkit.core.errors import ConfigError
    from digitkit.data.catalogue import find_source
    from digitkit.data.copies import KEEP, METHODS, NEAR
    from digitkit.data.fetch import read_part
    from digitkit.data.sheet import write_sheet
    from digitkit.data.statistics import describe

    if duplicates not in METHODS:
        raise ConfigError(f"--duplicates must be one of {', '.join(METHODS)}, got {duplicates!r}.")
    recipe = _judging(labels, settings)  # a mistyped key stops before anything is fetched
    source = find_source(spec)
    folder = fetch_with_bar(source, part, offline, json)
    source = source.when_fetched()
    names = [part] if part else _here(source)
    parts = {name: read_part(source, name, offline) for name in names}
    for line in [f"{name}: skipped {note}" for name in parts for note in source.notes(folder, name)]:
        say(line)
    _tell(spec, {name: describe(digits) for name, digits in parts.items()}, json)
    _tell_metadata(spec, {name: source.metadata(folder, name) for name in parts}, json)
    if duplicates != KEEP:
        _tell_copies(spec, parts, duplicates == NEAR, pictures, json)
    if picture is not None:
        write_sheet(parts[names[0]], picture)
        say(f"Examples of {spec} {names[0]} are in {picture}")
    if pictures is not None:
        _write_pages(spec, parts, pictures)
    if recipe is not None:
        _judge(spec, names[0], parts[names[0]], recipe, pictures, json)


def _here(source: "Source") -> list[str]:
    """The parts that need no more files; the extra one of a large set is seldom among them."""
    from digitkit.data.stock import missing

    return [part for part in source.parts if part in source.usual_parts or not missing(source, (part,))]


def _tell(spec: str, described: "Mapping[str, Statistics]", json: bool) -> None:
    """One table of classes, one of everything else; a column for each part."""
    if json:
        for name, figures in described.items():
            print_json({"source": spec, "part": name, **figures.to_plain()})
        return
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


def _tell_metadata(spec: str, found: "Mapping[str, Mapping[str, Mapping[str, int]]]", json: bool) -> None:
    """How many pictures have which value of which key of their metadata, the most frequent first."""
    if json:
        for part, keys in found.items():
            if keys:
                print_json({"source": spec, "part": part, "metadata": keys})
        return
    rows = [
        (
            part,
            key,
            ", ".join(f"{value}: {count:,}" for value, count in sorted(counts.items(), key=_rarity)[:MOST_VALUES]),
        )
        for part, keys in found.items()
        for key, counts in sorted(keys.items())
    ]
    if rows:
        print_table(f"{spec}: metadata", ("part", "key", "rows with each value"), rows)


def _rarity(value: tuple[str, int]) -> tuple[int, str]:
    return -value[1], value[0]


def _tell_copies(spec: str, parts: "Mapping[str, DigitSet]", near: bool, folder: Path | None, json: bool) -> None:
    """Which parts share pictures, as a table or as JSON, and pairs of them as a sheet."""
    from digitkit.data.dedup import group_copies
    from digitkit.data.fingerprint import MarkedSet
    from digitkit.data.pools import RIGHTS

    marked = {name: MarkedSet.of(parts[name]) for name in RIGHTS if name in parts}
    _, copies = group_copies(marked, near, say)
    if json:
        print_json({"source": spec, "copies": copies.to_plain()})
    else:
        rows = [(found.part, found.of, f"{found.exact:,}", f"{found.near:,}") for found in copies.overlaps]
        print_table(
            f"{spec}: copies", ("part", "of pictures in", "to the pixel", "near"), rows or [("none", "", "", "")]
        )
        print(f"Drawings whose copies have different labels: {copies.conflicts:,}")
    if folder is not None and copies.pairs:
        copies.write_sheet(folder / "copies.png")


def _write_pages(spec: str, parts: "Mapping[str, DigitSet]", folder: Path) -> None:
    """Of each part examples of all classes on one sheet, and a page for each class."""
    from digitkit.data.sheet import draw_cells, examples, write_picture, write_sheet

    for part, digits in parts.items():
        write_sheet(digits, folder / f"{part}.png")
        for label, (name, count) in enumerate(digits.counts().items()):
            chosen = examples(digits, label, PER_PAGE)
            title = f"{part} {name!r}: {count:,} pictures" + (f", {len(chosen)} of them" if len(chosen) < count else "")
            cells: Iterator[Cell] = (([digits.pictures[int(index)]], "") for index in chosen)
            write_picture(draw_cells(title, cells), folder / f"{part}-{label:03}{_file_safe(name)}.png")
    say(f"Sheets of {spec} are in {folder}")


def _file_safe(name: str) -> str:
    """What of a label can stand in any file name."""
    kept = re.sub(r"[^\w-]+", "_", name, flags=re.ASCII)[:40]
    return f"-{kept}" if kept else ""


def _judging(wanted: bool, settings: Sequence[str] | None) -> "Recipe | None":
    """The recipe of the models that judge labels, where that is wanted."""
    if not wanted:
        return None
    from digitkit.learn.compose import compose
    from digitkit.learn.labels import OVERRIDES

    return compose([*OVERRIDES, *(settings or [])])


def _judge(spec: str, part: str, digits: "DigitSet", recipe: "Recipe", folder: Path | None, json: bool) -> None:
    """Likely wrong labels of one part: as a table or as JSON, and as a sheet."""
    from digitkit.learn.labels import find_label_errors

    with progress_bar(not json) as show:
        suspects = find_label_errors(digits, recipe, show)
    if json:
        for suspect in suspects:
            print_json({"source": spec, "part": part, **suspect.to_plain()})
    else:
        title = f"{spec} {part}: likely wrong labels, {len(suspects):,} of {len(digits):,}, the surest first"
        rows = [(each.picture, each.label, each.looks_like, each.margin) for each in suspects[:SUSPECTS_PRINTED]]
        print_table(title, ("picture", "label", "looks like", "margin"), rows)
    if folder is not None:
        _draw_suspects(part, digits, suspects, folder / f"{part}-labels.png")


def _draw_suspects(part: str, digits: "DigitSet", suspects: "Sequence[Suspect]", path: Path) -> None:
    """The surest suspects, each over its label and what it looks like."""
    from digitkit.data.sheet import draw_cells, write_picture

    drawn = suspects[:SUSPECTS_DRAWN]
    title = f"{part}: {len(drawn):,} of {len(suspects):,} likely wrong labels; label > what it looks like, place"
    cells = [
        ([digits.pictures[each.index]], f"{each.label[:4]} > {each.looks_like[:4]}\n{each.index}") for each in drawn
    ]
    write_picture(draw_cells(title, cells), path)
    say(f"Likely wrong labels are in {path}")
