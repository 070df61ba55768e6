"""The verb export: a finished run to files that read pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitkit.commands.printing import percent, print_json, print_table, say

if TYPE_CHECKING:
    from digitkit.core.digitset import DigitSet
    from digitkit.data.splits import Splits
    from digitkit.learn.run import Run


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    views: Annotated[int, typer.Option(help="Shifted views averaged in the graph: 1, 5 or 9.")] = 1,
    output: Annotated[Path | None, typer.Option(help="The file to write; model.onnx in the run by default.")] = None,
    name: Annotated[str, typer.Option(help="The bundle's name; the experiment's by default.")] = "",
    opset: Annotated[int, typer.Option(help="The version of ONNX's operators, 18 to 23.")] = 20,
    int8: Annotated[
        bool, typer.Option("--int8", help="Write it in 8 bits too: model-int8.onnx beside model.onnx.")
    ] = False,
    torchscript: Annotated[Path | None, typer.Option(help="Write it as TorchScript too, to this file (.pt).")] = None,
    labels_json: Annotated[Path | None, typer.Option(help="Write the class mapping to this file too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")] = False,
) -> None:
    """Write a run's bundle: one .onnx file that holds preparation, network, classes and thresholds."""
    from digitkit.core.errors import ConfigError
    from digitkit.data.splits import build
    from digitkit.learn import card
    from digitkit.learn.parts import split_plan
    from digitkit.learn.run import Run
    from digitkit.learn.views import COUNTS

    if views not in COUNTS:
        raise ConfigError(f"--views must be 1, 5 or 9, got {views}")
    opened = Run.open(run)
    splits = build(split_plan(opened.recipe().data), report=say)
    written = [facts := write_bundle(opened, splits, view_count=views, target=output, name=name, opset=opset)]
    bundle = output or opened.file("model.onnx")
    if output is None:
        card.write(opened, facts)
    if labels_json:
        _write_labels(opened, labels_json)
    if torchscript:
        written.append(_write_torchscript(opened, bundle, splits, torchscript))
    if int8:
        written.append(_write_int8(opened, bundle, splits))
    for facts in written:
        if json:
            print_json(facts)
        else:
            print_table(facts["id"], ("what", "value"), _rows(facts))


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


def _write_torchscript(run: "Run", bundle: Path, splits: "Splits", target: Path) -> dict[str, Any]:
    from digitkit.export import torchscript

    parity = torchscript.export(run, bundle, _to_check_with(splits), target)
    return _told(target.name, target, **_figures(parity))


def _write_int8(run: "Run", bundle: Path, splits: "Splits") -> dict[str, Any]:
    from digitkit.export import quantise

    parts = {"val": splits.val} | ({"test": splits.test} if run.recipe().run.test else {})
    target = bundle.with_name(f"{bundle.stem}-int8{bundle.suffix}")
    record, scored = quantise.export(bundle, target, splits.primary, parts)
    shares = ("accuracy", "fp32_accuracy", "agreement")
    return _told(record.id, target, **{f"{part} {key}": scored[part][key] for part in scored for key in shares})


def _rows(facts: dict[str, Any]) -> list[tuple[str, object]]:
    shares = ("accuracy", "agreement")
    return [(key, percent(value) if key.endswith(shares) else value) for key, value in facts.items()]
