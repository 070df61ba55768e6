"""The verb export: a finished run, or several of them, to files that read pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitkit.commands.printing import percent, print_json, print_table, progress_bar, say

if TYPE_CHECKING:
    from digitkit.core.digitset import DigitSet
    from digitkit.data.splits import Splits
    from digitkit.export.ensemble import Joined
    from digitkit.export.parity import Progress
    from digitkit.learn.run import Run

MOST_ASKED = 0.06  # share of the pictures that the second run of a cascade may be asked about; time grows with it


def export(
    runs: Annotated[
        list[Path], typer.Argument(help="The folder of a run; of several, to make one bundle.", show_default=False)
    ],
    best: Annotated[int, typer.Option(min=0, help="Join at most so many of the runs, chosen on validation.")] = 0,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Of two runs, ask the second only where the first is not sure.")
    ] = False,
    asked: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Share of validation pictures that --cascade may ask the second about; 0.06 by default."
        ),
    ] = None,
    views: Annotated[int, typer.Option(help="Shifted views averaged in the graph: 1, 5 or 9.")] = 1,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; model.onnx in the run by default. Several runs need it.")
    ] = None,
    name: Annotated[str, typer.Option(help="The bundle's name; the experiment's by default.")] = "",
    opset: Annotated[int, typer.Option(help="The version of ONNX's operators, 18 to 23; 18 is the fastest.")] = 18,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write it in 8 bits too: model-int8.onnx beside model.onnx.")
    ] = False,
    torchscript: Annotated[Path | None, typer.Option(help="Write it as TorchScript too, to this file (.pt).")] = None,
    labels_json: Annotated[Path | None, typer.Option(help="Write the class mapping to this file too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")] = False,
) -> None:
    """Write a run's bundle: one .onnx file that holds preparation, network, classes and thresholds.

    Several runs become one bundle too: it says the mean of what they say or, with --cascade, asks two of them in turn.
    """
    _check(runs, views, opset, output)
    _check_joining(len(runs), best, cascade, asked)
    if cascade and asked is None:
        asked = MOST_ASKED
    made = _join(runs, best, asked, views, json) if len(runs) > 1 else _open(runs[0], views)
    bundle = output or made.run.file("model.onnx")
    if int8:
        _check_pictures(made)
    with progress_bar(not json) as progress:
        options = {"name": name, "opset": opset, "progress": progress}
        written = [_write(made, bundle, views, options)]
        written += _write_more(made, bundle, int8, torchscript, labels_json, progress)
    for facts in written:
        if json:
            print_json(facts)
        else:
            print_table(facts["id"], ("what", "value"), _rows(facts))


@dataclass(frozen=True)
class Exported:
    """What a bundle is written of: a run, or several that were joined, the best of them being `run`."""

    run: "Run"
    splits: "Splits"
    joined: "Joined | None" = None


def _check(runs: list[Path], views: int, opset: int, output: Path | None) -> None:
    """Refuse what cannot be met.

    Raises: ConfigError.
    """
    from digitkit.core.errors import ConfigError
    from digitkit.export.write import check_opset
    from digitkit.learn.views import COUNTS

    check_opset(opset)
    bundle = next((path for path in runs if path.is_file()), None)
    if bundle:
        raise ConfigError(f"{bundle} is a file: a bundle has been exported already. Name the folder of its run.")
    if views not in COUNTS:
        raise ConfigError(f"--views must be 1, 5 or 9, got {views}")
    if len(runs) > 1 and output is None:
        raise ConfigError("The bundle of several runs lies in none of them. Say where, as in --output ensemble.onnx.")


def _check_joining(count: int, best: int, cascade: bool, asked: float | None) -> None:
    """Refuse what these runs cannot become.

    Raises: ConfigError.
    """
    from digitkit.core.errors import ConfigError

    if best and count == 1:
        raise ConfigError("--best chooses among several runs, and one is named. Name the others, or leave --best out.")
    if asked is not None and not cascade:
        raise ConfigError("--asked is for --cascade, which was not given. Add it, or leave --asked out.")
    if cascade and (count != 2 or best):
        named = f"{count} {'run is' if count == 1 else 'runs are'} named{' with --best' if best else ''}"
        raise ConfigError(
            f"--cascade takes two runs, and {named}. Name the quick one, then the thorough one; leave --best out."
        )


def _check_pictures(made: Exported) -> None:
    """Refuse to score a file on pictures that are no longer those of its run.

    Raises: DataError.
    """
    from digitkit.learn.parts import check_same

    check_same(made.run.path, made.run.report()["data"]["fingerprint"], made.splits)


def _open(path: Path, views: int = 1) -> Exported:
    """A run. Of several views the mean has figures of its own, so it is an ensemble of one."""
    from digitkit.data.splits import build
    from digitkit.export import ensemble
    from digitkit.export.members import open_member
    from digitkit.learn.parts import split_plan
    from digitkit.learn.run import Run

    run = Run.open(path)
    splits = build(split_plan(run.recipe().data), report=say)
    if views > 1 and len(splits.val):
        return Exported(run, splits, ensemble.join([open_member(path)], splits, views))
    return Exported(run, splits)


def _join(paths: list[Path], best: int, asked: float | None, views: int, json: bool) -> Exported:
    """Several runs, joined, two of them in turn where the second may be `asked`; one run where only one was chosen."""
    from digitkit.commands import ensembling
    from digitkit.export.members import open_members

    members = open_members(paths)
    splits = _open(paths[0]).splits
    if asked is not None:
        members.sort(key=lambda member: paths.index(member.run.path))
        joined = ensembling.join_in_turn(members, splits, views, asked, json)
    else:
        joined = ensembling.join(members, splits, views, best, json)
    return Exported(joined.members[0].run, splits, joined if len(joined.members) > 1 or views > 1 else None)


def _write(made: Exported, bundle: Path, views: int, options: dict[str, Any]) -> dict[str, Any]:
    """Write the bundle; where it lies in its run, the card tells of it."""
    from digitkit.export import ensemble
    from digitkit.learn import card

    if made.joined:
        check_with = _to_check_with(made.splits)
        record, parity = ensemble.export(made.joined, made.splits, bundle, check_with, **options)
        members, val = len(made.joined.members), made.joined.val
        about: dict[str, Any] = {"members": members} if members > 1 else {}
        about |= {"views": record.views, "temperature": record.temperature}
        about |= {"val accuracy": val.accuracy, "val interval": list(val.interval)}
        facts = _told(record.id, bundle, **about, **_figures(parity))
    else:
        facts = write_bundle(made.run, made.splits, view_count=views, target=bundle, **options)
    if bundle == made.run.file("model.onnx"):
        card.write(made.run, facts)
    return facts


def _write_more(
    made: Exported, bundle: Path, int8: bool, torchscript: Path | None, labels_json: Path | None, progress: "Progress"
) -> Iterator[dict[str, Any]]:
    """Write the files that were asked for beside the bundle, and tell about each."""
    if labels_json:
        _write_labels(made.run, labels_json)
    if torchscript:
        yield _write_torchscript(made, bundle, torchscript, progress)
    if int8:
        yield _write_int8(made, bundle)


def write_bundle(run: "Run", splits: "Splits", **options: Any) -> dict[str, Any]:
    """Write the bundle of a run, with the options of `export.write.export`, and tell about it."""
    from digitkit.export.write import export as write

    bundle, parity = write(run, _to_check_with(splits), **options)
    path = options.get("target") or run.file("model.onnx")
    return _told(bundle.id, path, views=bundle.views, **_figures(parity))


def _to_check_with(splits: "Splits") -> "DigitSet":
    return next((part for part in (splits.test, splits.val) if len(part)), splits.primary)


def _told(name: str, path: Path, **facts: Any) -> dict[str, Any]:
    return {"id": name, "file": str(path), "bytes": path.stat().st_size, **facts}


def _figures(parity: Any) -> dict[str, Any]:
    return {"pictures": parity.pictures, "sizes": parity.sizes, "difference": parity.difference}


def _write_labels(run: "Run", target: Path) -> None:
    import json as codec

    from digitkit.core.files import write_text

    write_text(target, codec.dumps(dict(enumerate(run.report()["data"]["classes"])), indent=1))


def _write_torchscript(made: Exported, bundle: Path, target: Path, progress: "Progress") -> dict[str, Any]:
    from digitkit.export import torchscript

    check_with = _to_check_with(made.splits)
    if made.joined:
        parity = torchscript.export_graph(made.joined.graph(), bundle, check_with, target, progress)
    else:
        parity = torchscript.export(made.run, bundle, check_with, target, progress)
    return _told(target.name, target, **_figures(parity))


def _write_int8(made: Exported, bundle: Path) -> dict[str, Any]:
    from digitkit.export import quantise

    splits, reads_test = made.splits, made.joined.reads_test if made.joined else made.run.recipe().run.test
    parts = {"val": splits.val} | ({"test": splits.test} if reads_test else {})
    target = bundle.with_name(f"{bundle.stem}-int8{bundle.suffix}")
    record, scored = quantise.export(bundle, target, splits.primary, parts)
    shares = ("accuracy", "interval", "fp32_accuracy", "agreement")
    return _told(record.id, target, **{f"{part} {key}": scored[part][key] for part in scored for key in shares})


def _rows(facts: dict[str, Any]) -> list[tuple[str, object]]:
    return [(key, _shown(key, value)) for key, value in facts.items()]


def _shown(key: str, value: Any) -> object:
    """A fact as people read it."""
    if key.endswith("interval"):
        return " to ".join(map(percent, value))
    return percent(value) if key.endswith(("accuracy", "agreement")) else value
