"""The verbs of `digitkit data`: what there is, get it, prepare it, look at it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import in_kilobytes, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.data.source import Source

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use only files that are here already.")]


def list_sources(json: Json = False) -> None:
    """List the data sets that digitkit knows by name: licence, size, and whether they are here."""
    from digitkit.core.errors import DigitkitError
    from digitkit.data.catalogue import OWN, SOURCES
    from digitkit.data.stock import is_here

    rows = []
    for source in SOURCES.values():
        facts = {"source": source.name, "title": source.title, "parts": list(source.parts), "licence": source.licence}
        try:
            (kept, lacking), here = _sizes(source), is_here(source)
        except DigitkitError as error:  # of one source; the others are listed all the same
            say(f"{source.name}: {error}")
            (kept, lacking), here = (0, None), False
        rows.append((source.name, source.title, source.licence, "yes" if here else "no", _in_words(kept, lacking)))
        if json:
            sizes = {"bytes_here": kept, "bytes_to_get": lacking}
            print_json({**facts, "homepage": source.homepage, "ink": source.ink, "here": here, **sizes})
    if not json:
        print_table("Data sets", ("name", "what", "licence", "here", "size"), rows)
        print(f"Pictures of your own: {', '.join(f'{prefix}PLACE' for prefix in OWN)}.")


def _sizes(source: "Source") -> tuple[int, int | None]:
    """The bytes of a source that are here, and of what is still to be got; None: its publisher does not say."""
    from digitkit.data.stock import missing, source_folder

    lacking = missing(source)
    absent = {file.name for file in lacking}
    paths = [source_folder(source) / file.name for file in source.files if file.name not in absent]
    known = all(file.download_size for file in lacking)
    return sum(path.stat().st_size for path in paths), sum(file.download_size for file in lacking) if known else None


def _in_words(kept: int, lacking: int | None) -> str:
    """The two sizes for people; a source that comes with a package has none."""
    here = [f"{kept / 1e6:,.1f} MB here"] if kept else []
    away = ["more to get"] if lacking is None else [f"{lacking / 1e6:,.1f} MB to get"] if lacking else []
    return ", ".join(here + away)


def fetch(
    names: Annotated[list[str], typer.Argument(help="Data sets by name, as `digitkit data list` shows them.")],
    part: Annotated[
        str, typer.Option(help="Get one part only: train, val, test, or extra, which is left alone otherwise.")
    ] = "",
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
            folder = fetch_with_bar(source, part, offline, json)
        except DigitkitError as error:
            errors.append(error)
            if json:
                print_json({"source": source.name, "error": str(error)})
            continue
        place = str(folder) if source.files else None
        if json:
            files = [file.name for file in source.files if file.belongs_to(_wanted(source, part))]
            print_json({"source": source.name, "folder": place, "files": files})
        else:
            print(f"{source.name}: {place or 'here, nothing to fetch'}")
    for earlier in errors[:-1]:
        say(f"error: {earlier}")
    if errors:
        raise errors[-1]


def _wanted(source: "Source", part: str) -> tuple[str, ...]:
    """The part that was asked for, or those that are usual."""
    return (part,) if part else source.usual_parts


def fetch_with_bar(source: "Source", part: str, offline: bool, json: bool) -> Path:
    """Fetch the files of a part, or of the usual ones, with a bar; what fails on the way is said."""
    from digitkit.data.fetch import check_part, fetch

    if part:
        check_part(source, part)
    with progress_bar(not json) as show:
        folder = fetch(source, in_kilobytes(show), offline, say, _wanted(source, part))
    if part:
        check_part(source.when_fetched(), part)
    return folder


def prepare(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="experiment=NAME and key=value pairs, as for `digitkit train`.")
    ] = None,
    json: Json = False,
) -> None:
    """Get and prepare the pictures of a training, so that it can start at once; a second time takes no time."""
    from digitkit.data import ready

    asked = overrides or []
    known = ready.recall(asked)
    if known is not None:
        say("Everything is prepared already, and nothing was touched since.")
    facts = _prepare(asked, json) if known is None else known | {"prepare_seconds": 0.0}
    if json:
        print_json(facts)
    else:
        print_table("Prepared", ("what", "value"), list(facts.items()))


def _prepare(asked: list[str], json: bool) -> dict[str, object]:
    """Prepare all parts, with a bar, and leave a note for the next time; returns the facts."""
    from digitkit.data import ready
    from digitkit.data.source import SOURCES, TRAIN
    from digitkit.data.splits import build
    from digitkit.learn.compose import compose
    from digitkit.learn.parts import prepare_parts, split_plan

    recipe = compose(asked)
    beside = [*recipe.data.extra, *recipe.data.negatives]  # no more of these is needed than what is learnt from
    trained = [f"{spec}/{TRAIN}" if spec in SOURCES else spec for spec in beside]
    before, _ = ready.stamps([*recipe.data.sources, *trained])
    with progress_bar(not json) as show:
        splits = build(split_plan(recipe.data), say, in_kilobytes(show))
        parts = prepare_parts(recipe, splits, show)
    mean, std = parts.train.statistics()
    facts: dict[str, object] = {
        "sources": list(splits.report.sources), "classes": list(splits.primary.classes),
        "train": parts.primary, "extra": len(parts.train) - parts.primary,
        "val": len(parts.val), "test": len(parts.test), "negatives": len(parts.negatives),
        "size": recipe.prepare.size, "channels": recipe.prepare.channels,
        "mean": mean, "std": std, "prepare_seconds": round(parts.prepare_seconds, 3), "fingerprint": splits.fingerprint,
    }  # fmt: skip
    if splits.report.sources == (*recipe.data.sources, *recipe.data.extra):  # not when another took its place
        ready.remember(asked, before, parts.keys, facts)
    return facts
