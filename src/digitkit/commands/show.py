"""Verbs that show what there is: show models, recipe, bundle, augmentations, prepare."""

from pathlib import Path
from typing import Annotated, Any

import typer

from digitkit.commands.printing import print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line instead of a table.")]
CLASSES = 10  # that networks are shown for
MEMBER = ("run", "model", "seed", "accuracy", "loss")  # what is shown of each run in an ensemble
Overrides = Annotated[list[str] | None, typer.Argument(help="experiment=NAME and key=value pairs.")]


def models(
    overrides: Overrides = None,
    timm: Annotated[
        str, typer.Option(help="List instead the names of timm's networks that match, as in 'resnet*'.")
    ] = "",
    json: Json = False,
) -> None:
    """List the networks with their size, and what one image of a recipe's size costs each on this machine.

    The network that the recipe chooses is shown with its settings, the others as they stand.
    """
    if timm:
        _list_timm(timm, json)
        return
    from dataclasses import asdict

    from digitkit.learn.compose import compose
    from digitkit.learn.models import MODELS, InputShape
    from digitkit.learn.models.cost import measure

    composed = compose(overrides or [])
    shape = InputShape(composed.prepare.size, composed.prepare.channels, CLASSES)
    rows = []
    for name in dict.fromkeys([*MODELS, composed.model.name]):
        entry = MODELS[name]
        config = composed.model if name == composed.model.name else entry.config()
        cost = measure(entry.build(config, shape), shape)
        rows.append({"name": name, **asdict(cost), "title": entry.title})
        if json:
            print_json(rows[-1])
    if not json:
        colours = "grey" if shape.channels == 1 else "colour"
        title = f"Networks, chosen with model=NAME; for {shape.size}x{shape.size} {colours} images of {CLASSES} classes"
        print_table(title, ("name", "parameters", "MFLOPs", "MB", "ms", "what it is"), map(_cells, rows))


def _list_timm(pattern: str, json: bool) -> None:
    from digitkit.core.errors import ConfigError
    from digitkit.learn.models.foreign import PREFIX, names, weights_of

    rows = [{"name": f"{PREFIX}{name}", "weights": weights_of(name)} for name in names(pattern)]
    if not rows:
        raise ConfigError(f"timm has no network {pattern!r}. A star stands for any letters: --timm '*{pattern}*'")
    if json:
        for row in rows:
            print_json(row)
        return
    cells = [(row["name"], " ".join(row["weights"]) or "none") for row in rows]
    print_table("Networks of timm, and the weights on the hub (model=timm:NAME.WEIGHTS)", ("name", "weights"), cells)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    figures = (f"{row['parameters']:,}", f"{row['flops'] / 1e6:,.1f}", f"{row['megabytes']:.2f}")
    return (row["name"], *figures, f"{row['milliseconds']:.2f}", row["title"])


def recipe(overrides: Overrides = None, json: Json = False) -> None:
    """Print the whole recipe of an experiment with overrides, as YAML, and the experiments there are."""
    from digitkit.learn.compose import compose, experiments, to_plain, to_yaml

    composed = compose(overrides or [])
    if json:
        print_json(to_plain(composed))
        return
    print(to_yaml(composed))
    for name, header in experiments().items():
        print(f"# experiment={name}: {header.splitlines()[0] if header else ''}")


def bundle(
    name_or_path: Annotated[str, typer.Argument(help='A bundle (.onnx), or "default".')] = "default",
    labels_json: Annotated[Path | None, typer.Option(help="Write the class mapping to this file too.")] = None,
    json: Json = False,
) -> None:
    """Print what a bundle says of itself: classes, thresholds, figures, recipe, versions."""
    import json as codec
    from dataclasses import asdict

    from digitkit.core.files import write_text
    from digitkit.runtime.predictor import Predictor

    record = Predictor.load(name_or_path).bundle
    if labels_json:
        write_text(labels_json, codec.dumps(dict(enumerate(record.classes)), indent=1))
    values = {"id": record.id, **asdict(record)}
    if json:
        print_json(values)
        return
    if record.members:
        values["report"] = {key: value for key, value in record.report.items() if key != "members"}
        rows = [[member.get(key, "") for key in MEMBER] for member in record.members]
        print_table(f"{record.id}: {record.joined_as} of {len(rows)} runs", MEMBER, rows)
    print_table(record.id, ("what", "value"), _flat(values))


def augmentations(overrides: Overrides = None, json: Json = False) -> None:
    """List what can happen to pictures in training, with the values of an experiment."""
    from digitkit.learn.augmenting import meanings
    from digitkit.learn.compose import compose, to_plain

    composed = compose(overrides or [])
    values = to_plain(composed)["augment"]
    if json:
        print_json(values)
        return
    told = meanings(composed.augment)
    ends = values["late"]["last"] > 0
    rows = [(key, value, told[key]) for key, value in _flat(values) if ends or not key.startswith("late.")]
    rows += [] if ends else [("late.last", 0.0, told["late.last"])]
    print_table("Augmentation, changed with augment.KEY=VALUE", ("key", "value", "what it does"), rows)


def prepare(
    picture: Annotated[Path, typer.Argument(help="Any picture.", show_default=False)],
    output: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("prepare.png"),
    overrides: Annotated[list[str] | None, typer.Option("--set", help="prepare.KEY=VALUE; repeatable.")] = None,
) -> None:
    """Draw how a picture becomes what the network sees, step by step."""
    from digitkit.core.picture import decode
    from digitkit.learn import steps
    from digitkit.learn.compose import compose

    facts = steps.draw(decode(picture), compose(overrides or []).prepare, output)
    print_table(f"{picture}, drawn in {output}", ("what", "value"), list(facts.items()))


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for key, value in values.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return rows
