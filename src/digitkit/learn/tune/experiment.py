"""A recipe as the file of an experiment: what differs from the defaults, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from digitkit.learn.compose import to_plain
from digitkit.learn.models import MODELS
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import Recipe

PLACES = ("folder", "device", "devices", "threads", "test", "export", "progress", "trackers")  # for whoever trains it


def as_experiment(recipe: Recipe, header: Sequence[str]) -> str:
    """The text of a file that `experiment=FILE.yaml` takes; `header` says what it is."""
    usual = Recipe(model=MODELS[recipe.model.name].config(), optim=OPTIMISERS[recipe.optim.name].config())
    changed = _difference(to_plain(recipe), to_plain(usual))
    changed["run"] = {key: value for key, value in changed.get("run", {}).items() if key not in PLACES}
    values = {
        "name": recipe.name,
        "defaults": [{"override /model": recipe.model.name}, {"override /optim": recipe.optim.name}],
        **{key: value for key, value in changed.items() if key != "name" and value != {}},
    }
    lines = ["# @package _global_", *(f"# {line}" for line in header)]
    return "\n".join(lines) + "\n" + str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _difference(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ, tables compared key by key."""
    changed: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            inner = _difference(value, usual.get(key, {}))
            if inner:
                changed[key] = inner
        elif value != usual.get(key):
            changed[key] = value
    return changed
