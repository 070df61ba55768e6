"""The card of a bundle: what a visitor of its repository should know, from what the bundle says of itself."""

import re
from collections.abc import Mapping

from digitkit.core.bundle import Bundle

PARTS = {"val": "validation (chosen on it)", "test": "test"}
# Only fixed words: nothing from a bundle can change what the hub reads here.
HEADER = """\
---
pipeline_tag: image-classification
tags: [digitkit, onnx, digits, handwriting]
---
"""
MARKUP = re.compile(r"([\\`*_\[\]<>|#])")


def write_card(bundle: Bundle, repo: str, licences: Mapping[str, str]) -> str:
    """The card as Markdown; `licences` has the terms of each source that the bundle learnt from."""
    kind = "numbers" if bundle.reads_numbers else "digits"
    sections = [
        HEADER,
        f"# {plain(bundle.name)}\n",
        f"Reads {kind} in pictures of any size. One ONNX file with preparation, classes and thresholds inside, for"
        f" digitkit or any program that runs ONNX. Bundle {plain(bundle.id)}.\n",
        "## How well it reads\n",
        *_figures(bundle),
        "## How to use it\n",
        f"`digitkit models pull --repo {repo}` brings the file, checks it and prints its path. Then:\n",
        '```python\nimport digitkit\n\npredictor = digitkit.load("model.onnx")\n'
        'print(predictor.predict("picture.png").label)\n```\n',
        "## What is inside\n",
        *_facts(bundle),
        "## What it learnt from\n",
        *([f"- {plain(source)}: {plain(licence)}" for source, licence in licences.items()] or ["Not stated."]),
        f"\nFingerprint of the data: {plain(bundle.data_fingerprint) or 'not stated'}",
    ]
    return "\n".join(sections) + "\n"


def plain(text: object) -> str:
    """A text from a bundle on one line, without any power over the page."""
    return MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def _figures(bundle: Bundle) -> list[str]:
    """A table with a row for each part that was scored, in the words of the report, and where they mean nothing."""
    rows = []
    for part, title in PARTS.items():
        made = bundle.report.get(part)
        if isinstance(made, Mapping):
            n, accuracy, low_high = made.get("n"), made.get("accuracy"), made.get("interval")
            rows.append(
                f"| {title} | {_count(n)} | {_share(accuracy)} | {_range(low_high)} | {_share(made.get('f1'))} |"
            )
    places = ", ".join(map(plain, bundle.contaminated))
    warning = f"**Contaminated**: learnt from digits of {places}, so its accuracy there means nothing.\n"
    marked = [warning] if places else []
    if not rows:
        return [*marked, "The bundle carries no figures.\n"]
    return [*marked, "| part | pictures | accuracy | 95 % interval | macro F1 |", "|---|---|---|---|---|", *rows, ""]


def _facts(bundle: Bundle) -> list[str]:
    """Classes, thresholds, versions and digest as a list."""
    limits, versions = bundle.thresholds, ", ".join(f"{name} {number}" for name, number in bundle.versions.items())
    classes = ", ".join(plain(name) if name else "(no number)" for name in bundle.classes)
    return [
        f"- {len(bundle.classes)} classes: {classes}",
        f"- mode {plain(bundle.mode)}, images of {bundle.size} px, {bundle.views} view(s), temperature"
        f" {bundle.temperature:.4g}",
        f"- thresholds: ink share {limits.ink_share:.4g}, contrast {limits.contrast:.4g}, acceptance"
        f" {limits.acceptance:.4g}, margin {limits.margin:.4g}",
        *(f"- {bundle.joined_as} of {len(told)} runs: {'; '.join(told)}" for told in [_members(bundle)] if told),
        f"- made with {plain(versions) or 'versions not stated'}",
        f"- digest {plain(bundle.digest)}\n",
    ]


def _members(bundle: Bundle) -> list[str]:
    """Each of several runs in some words."""
    return [f"{plain(each.get('model'))}, seed {plain(each.get('seed'))}" for each in bundle.members]


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"


def _share(value: object) -> str:
    return f"{100 * value:.2f} %" if isinstance(value, int | float) else "?"


def _range(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) == 2:
        return f"{_share(value[0])} to {_share(value[1])}"
    return "?"
