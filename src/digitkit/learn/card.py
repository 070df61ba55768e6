"""The run card: what was trained, on what, how well it reads, how to do it again."""

import json
import re
import shlex
from typing import Any

from digitkit.core.files import write_text
from digitkit.learn.compose import compose, experiments, to_plain
from digitkit.learn.run import Run

PICTURES = {
    "curves": "Loss, errors on validation and learning rate over the steps",
    "confusion-test": "Confusion on the test part",
    "mistakes-test": "The surest mistakes on the test part",
    "confusion-val": "Confusion on the validation part",
    "mistakes-val": "The surest mistakes on the validation part",
    "batch": "Training images as the network sees them",
    "copies": "Copies that were found, each picture beside the one that it is a copy of",
}
EPOCHS_SHOWN = 5  # at the beginning, and as many at the end
PLAIN = re.compile(r"(?!(?i:null|true|false|nan|inf)$)[A-Za-z][\w./-]*", re.ASCII)  # text that needs no quotes


def write(run: Run, bundle: dict[str, Any] | None = None) -> None:
    """Write card.md; `bundle` holds id, bytes, views and parity of the exported file, if there is one."""
    stored = run.report()
    lines = [f"# {stored['name']}, seed {stored['seed']}", ""]
    lines += _contaminated(stored["splits"]["contaminated"]) + _figures(stored) + _facts(stored)
    if bundle:
        lines += [
            f"- bundle: `model.onnx`, {bundle['id']}, {bundle['bytes'] / 1000:,.0f} kB, {bundle['views']} view(s); "
            f"probabilities differ from torch by at most {bundle['difference']:.1e} over {bundle['pictures']:,} digits "
            f"of {bundle['sizes']} sizes",
        ]
    lines += _copies(stored["splits"]) + _drawn(stored["drawn"])
    lines += ["", "## Do it again", "", "```", f"digitkit train {_overrides(run)}", "```", "", "## Pictures", ""]
    lines += [
        f"![{title}](pictures/{name}.png)\n"
        for name, title in PICTURES.items()
        if run.file("pictures").joinpath(f"{name}.png").is_file()
    ]
    lines += ["## Recipe", "", "```yaml", run.file("recipe.yaml").read_text(encoding="utf-8").strip(), "```", ""]
    write_text(run.file("card.md"), "\n".join(lines))


def _contaminated(places: list[str]) -> list[str]:
    if not places:
        return []
    return [f"**Contaminated**: learnt from digits of {', '.join(places)}, so its accuracy there means nothing.", ""]


def _figures(stored: dict[str, Any]) -> list[str]:
    lines = [
        "| part | pictures | accuracy | 95 % interval | shifted views | macro F1 | loss |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in ("val", "test"):
        made = stored.get(part)
        if made:
            low, high = made["interval"]
            viewed = ", ".join(f"{count}: {share:.2%}" for count, share in made["accuracy_views"].items()) or "-"
            lines.append(
                f"| {part} | {made['n']:,} | {made['accuracy']:.2%} | {low:.2%} to {high:.2%} | {viewed} "
                f"| {made['f1']:.4f} | {made['loss']:.4f} |"
            )
    return [*lines, ""]


def _facts(stored: dict[str, Any]) -> list[str]:
    data, splits = stored["data"], stored["splits"]
    mixed_in = splits.get("extra_sources", ())
    sources = ", ".join(f"{name} (extra)" if name in mixed_in else name for name in splits["sources"])
    versions = ", ".join(f"{name} {number}" for name, number in stored["versions"].items())
    notes = [f"- note: {note}" for note in splits["notes"]]
    if cycles := stored.get("cycles"):
        lengths = ", ".join(f"{steps:,}" for steps in cycles)
        notes.append(
            f"- learning rate: {len(cycles)} cycles of {lengths} steps after the warm-up, as many as fit the budget;"
            f" `restart-1.ckpt` and so on hold the training before each restart"
        )
    return [
        f"- trained in {stored['train_seconds']:.1f} s ({stored['steps']:,} steps, {stored['parameters']:,} parameters)"
        f" on {stored['hardware']}; pictures prepared in {stored['prepare_seconds']:.1f} s",
        f"- data: {sources}; {data['train']:,} training, "
        f"{data['extra']:,} extra, {data['val']:,} validation, "
        f"{data['test']:,} test pictures; fingerprint `{data['fingerprint']}`",
        *notes,
        f"- code: {stored['git'] or 'installed package'}; {versions}",
    ]


def _copies(splits: dict[str, Any]) -> list[str]:
    """What the parts of the sources shared, and what became of it."""
    copies = splits["copies"]
    found = [f"| {each['part']} | {each['of']} | {each['exact']:,} | {each['near']:,} |" for each in copies["overlaps"]]
    if not found:
        looked = {"near": "none, to the pixel or nearly", "exact": "none to the pixel", "keep": "not looked for"}
        return [f"- copies between and within the parts: {looked[copies['method']]}"]
    told = [
        f"Dropped: {splits['test_copies']:,} pictures that the test part has a copy of, {splits['val_copies']:,} of"
        f" training that validation has one of, {splits['extra_copies']:,} extra ones that validation or training has"
        f" one of; copies that are all in training stay."
    ]
    if copies["conflicts"]:
        told.append(f"{copies['conflicts']:,} drawings have copies with different labels.")
    table = ["| pictures of | with a copy in | exact | near |", "|---|---|---|---|", *found]
    return ["", "## Copies", "", *table, "", *told]


def _drawn(epochs: list[dict[str, Any]]) -> list[str]:
    """What was drawn in each epoch, the middle of a long training left out."""
    lines = [
        "", "## Pictures drawn", "", "| epoch | pictures | extra | class drawn least | class drawn most |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    left_out = range(EPOCHS_SHOWN, len(epochs) - EPOCHS_SHOWN)
    for place, epoch in enumerate(epochs):
        if place in left_out:
            if place == left_out.start:
                lines.append(f"| ... | {len(left_out)} more stand in `history.jsonl` | | | |")
            continue
        by_count = sorted(epoch["classes"].items(), key=lambda item: item[1])
        (rare, fewest), (common, most) = by_count[0], by_count[-1]
        lines.append(
            f"| {epoch['epoch']} | {epoch['pictures']:,} | {epoch['extra']:,} | {rare!r}: {fewest:,} "
            f"| {common!r}: {most:,} |"
        )
    return lines


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
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _word(value: object) -> str:
    """A value as an override is written, text in quotes where it is more than letters and figures."""
    if isinstance(value, list):
        return f"[{','.join(map(_word, value))}]"
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        # In Hydra's grammar a backslash is itself, except before a quotation mark.
        return '"' + re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), value) + '"'
    return json.dumps(value) if not isinstance(value, str) else value
