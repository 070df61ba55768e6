"""An experiment in a file of one's own: `experiment=best.yaml`. It holds data only, and may come from anybody."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from digitkit.core.errors import ConfigError
from digitkit.core.registry import nearest
from digitkit.learn.recipe import Recipe

ENDINGS = (".yaml", ".yml")
MAX_DEPTH = 20
MAX_BYTES = 100_000
GROUPS = ("model", "optim")
SECTIONS = [field.name for field in fields(Recipe)]


def is_file_name(experiment: str) -> bool:
    """Whether `experiment=...` means a file and not one of the experiments that come with digitkit."""
    return experiment.endswith(ENDINGS)


def read(path: Path) -> dict[str, Any]:
    """What the file of an experiment changes, in the form of those that come with digitkit.

    Raises: ConfigError when there is no such file, or when it holds more than plain values of a recipe.
    """
    values = _parsed(path)
    if not isinstance(values, dict) or not values:
        raise ConfigError(f"experiment={path}: an experiment is a table of keys and values, as in name: mine")
    for section in values:
        if section != "defaults" and section not in SECTIONS:
            raise ConfigError(f"experiment={path}: unknown key {section!r}. {nearest(str(section), SECTIONS)}")
    if any("${" in text for text in _texts(values)):  # would read other keys, or the environment of whoever trains
        raise ConfigError(f"experiment={path}: a value with ${{...}} would be looked up elsewhere; write plain values.")
    defaults = values.get("defaults", [])
    if not isinstance(defaults, list) or not all(map(_is_choice, defaults)):
        raise ConfigError(
            f"experiment={path}: defaults may choose a network and an optimiser, as in - override /model: tiny_cnn"
        )
    if isinstance(values.get("run"), dict) and "folder" in values["run"]:
        raise ConfigError(f"experiment={path}: an experiment does not choose run.folder; leave that to who trains it.")
    return values


def _is_choice(item: object) -> bool:
    """Whether an item of `defaults` is one of those that experiments have."""
    if not isinstance(item, dict) or len(item) != 1:
        return item == "_self_"
    [(key, name)] = item.items()
    return key in [f"override /{group}" for group in GROUPS] and isinstance(name, str)


def choices(values: Mapping[str, Any]) -> dict[str, str]:
    """The network and the optimiser that an experiment chooses by name, where it does."""
    chosen = [item for item in values.get("defaults", []) if isinstance(item, dict)]
    return {key.rpartition("/")[2]: str(name) for item in chosen for key, name in item.items()}


def _parsed(path: Path) -> object:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"experiment={path}: {size:,} bytes are more than any experiment has ({MAX_BYTES:,}).")
        text = path.read_text(encoding="utf-8")
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:  # the time that the library takes grows with the square of it
                raise ConfigError(f"experiment={path}: over {MAX_DEPTH} levels deep, more than any experiment is.")
            # A reference to what was written before can multiply itself until no memory is left.
            if isinstance(event, yaml.AliasEvent):
                raise ConfigError(f"experiment={path}: write values out instead of referring to others with * and &.")
        return yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"experiment={path}: cannot be read ({error.strerror or error}).") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first = " ".join(str(error).split())[:200]
        raise ConfigError(f"experiment={path}: no YAML that holds plain values only ({first}).") from error


def _texts(values: object) -> Iterator[str]:
    """Every text in a value, keys included."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(values, list):
        for value in values:
            yield from _texts(value)
