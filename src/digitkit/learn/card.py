"""The run card: what was trained, on what, how well it reads, how to do it again.

`card.md` for people and tools beside the run; `card.html` is the same with its pictures inside, one file to pass on.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from digitkit.core.files import write_text
from digitkit.core.intervals import wilson
from digitkit.learn.compose import MAPPINGS, compose, experiments, to_plain
from digitkit.learn.evaluate import TOP_K
from digitkit.learn.rendering import to_html, to_markdown
from digitkit.learn.run import Run

PICTURES = {
    "curves": "Losses, errors on validation and learning rate over the steps",
    "confusion-test": "Confusion on the test part",
    "mistakes-test": "The surest mistakes on the test part",
    "confusion-val": "Confusion on the validation part",
    "mistakes-val": "The surest mistakes on the validation part",
    "grid": "Some validation images as they were read at the last validation",
    "batch": "Training images as the network sees them",
    "copies": "Copies that were found, each picture beside the one that it is a copy of",
}
LOOKED = {"near": "none, to the pixel or nearly", "exact": "none to the pixel", "keep": "not looked for"}
EPOCHS_SHOWN = 5  # at the beginning, and as many at the end
CLASSES_SHOWN = 12  # the hardest ones
SIGNS = re.compile(r"[\\()\[\]{}:=, \t]")  # of Hydra's grammar; a key cannot stand in quotes
PLAIN = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z][\w./-]*", re.ASCII)  # text that needs no quotes


def write(run: Run, bundle: dict[str, Any] | None = None) -> None:
    """Write both cards; `bundle` holds id, bytes, views and parity of the exported file, if there is one."""
    text = to_markdown("card.md.jinja", _facts(run, bundle))
    write_text(run.file("card.md"), text)
    write_text(run.file("card.html"), to_html("card.html.jinja", text, run.path))


def _facts(run: Run, bundle: dict[str, Any] | None) -> dict[str, Any]:
    """Everything that the card tells."""
    stored = run.report()
    splits = stored["splits"]
    mixed_in = splits.get("extra_sources", ())
    part = "test" if stored["test"] else "val"
    classes = list(_classes(stored[part])) if stored[part] else []
    rows = {"val": stored["val"], "val, raw weights": stored["raw_val"], "test": stored["test"]}
    scored = [(name, made) for name, made in rows.items() if made]
    return {
        "stored": stored, "bundle": bundle, "looked": LOOKED[splits["copies"]["method"]], "scored": scored,
        "ranks": [str(k) for k in TOP_K if scored and str(k) in scored[0][1]["top_k"]],
        "sources": [f"{name} (extra)" if name in mixed_in else name for name in splits["sources"]],
        "part": part, "hardest": classes[:CLASSES_SHOWN], "left_out": len(classes[CLASSES_SHOWN:]),
        "drawn": list(_drawn(stored["drawn"])), "command": f"digitkit train {_overrides(run)}",
        "pictures": dict(_pictures(run)), "steps": any(run.file("pictures").glob("*-step-*.png")),
        "precision": _precision(run), "recipe": run.file("recipe.yaml").read_text(encoding="utf-8").strip(),
    }  # fmt: skip


def _precision(run: Run) -> str:
    """The number format of the heavy products: that of the recipe, or what was found to be faster."""
    found, asked = run.file("precision.json"), run.recipe().run.precision.value
    return str(json.loads(found.read_text(encoding="utf-8"))["precision"]) if found.is_file() else asked


def _classes(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """How each class of a part was read, the hardest first; classes without a picture are left out."""
    names = list(made["per_class"])
    by_share = sorted(range(len(names)), key=lambda place: made["per_class"][names[place]])
    for place in by_share:
        row = made["confusion"][place]
        n, right = sum(row), row[place]
        others = [(count, name) for name, count in zip(names, row, strict=True) if name != names[place] and count]
        if n:
            yield {
                "name": repr(names[place]), "n": n, "share": right / n, "interval": wilson(right, n),
                "taken_for": "{1!r}: {0:,}".format(*max(others, key=lambda other: other[0])) if others else "-",
            }  # fmt: skip


def _drawn(epochs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What was drawn in each epoch, the middle of a long training left out."""
    left_out = range(EPOCHS_SHOWN, len(epochs) - EPOCHS_SHOWN)
    for place, epoch in enumerate(epochs):
        if place not in left_out:
            by_count = sorted(epoch["classes"].items(), key=lambda item: item[1])
            (rare, fewest), (common, most) = by_count[0], by_count[-1]
            yield {**epoch, "least": f"{rare!r}: {fewest:,}", "most": f"{common!r}: {most:,}"}
        elif place == left_out.start:
            yield {"left_out": len(left_out)}


def _pictures(run: Run) -> Iterator[tuple[str, str]]:
    """The pictures that the run has, as name and title."""
    folder = run.file("pictures")
    for name, title in PICTURES.items():
        found = sorted(folder.glob("grid-step-*.png")) if name == "grid" else [folder / f"{name}.png"]
        if found and found[-1].is_file():
            yield found[-1].stem, title


def _overrides(run: Run) -> str:
    """The recipe as overrides of its experiment, only what differs."""
    recipe = run.recipe()
    name = recipe.name if recipe.name in experiments() else "fast"
    groups = [f"model={recipe.model.name}", f"optim={recipe.optim.name}"]
    usual = _flat(to_plain(compose([f"experiment={name}", *groups])))
    wanted = _flat(to_plain(recipe))
    changed = [
        f"{key}={_word(value)}" for key, value in wanted.items() if usual.get(key) != value and key != "run.folder"
    ]
    usual_groups = to_plain(compose([f"experiment={name}"]))
    kept = [item for item in groups if usual_groups[item.partition("=")[0]]["name"] != item.partition("=")[2]]
    return shlex.join([f"experiment={name}", *kept, *changed])


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        inner = isinstance(value, dict) and f"{prefix}{key}" not in MAPPINGS
        flat |= _flat(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return flat


def _word(value: object) -> str:
    """A value as an override is written, text in quotes where it is more than letters and figures."""
    if isinstance(value, list):
        return f"[{','.join(map(_word, value))}]"
    if isinstance(value, dict):
        pairs = [f"{SIGNS.sub(_escaped, key)}:{_word(each)}" for key, each in value.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        # In Hydra's grammar a backslash is itself, except before a quotation mark.
        return '"' + re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), value) + '"'
    return json.dumps(value) if not isinstance(value, str) else value


def _escaped(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}"
