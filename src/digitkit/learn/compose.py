"""From experiments and overrides to a checked recipe; the only file that knows Hydra.

`compose(["experiment=fast", "model.stem=24"])`: defaults, then the experiment's differences, then the overrides.
`experiment=FILE.yaml` is an experiment of one's own (`learn.experiment_file`).
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from digitkit.core.errors import ConfigError
from digitkit.core.interrupts import uninterrupted
from digitkit.core.registry import nearest
from digitkit.learn import experiment_file
from digitkit.learn.models import MODELS
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import Recipe

DEFAULT_EXPERIMENT = "fast"
OWN = "_own"  # what Hydra calls an experiment that is in a file of the user's
OVERRIDE = re.compile(r"[A-Za-z_][\w.]*=")  # Hydra's own signs, such as + and ~, would let unknown keys in
GROUPS: Mapping[str, Mapping[str, Any]] = {"model": MODELS, "optim": OPTIMISERS}
MAPPINGS = ("data.weights",)  # values under names that anybody may choose; a given one takes the place of the whole
QUOTED = re.compile(r"""(["'])([^"']*)\1(?=\s*:)""")  # a name in a mapping
LENGTHS = ("budget.epochs", "budget.steps", "budget.minutes")  # of which one decides how long a training lasts


@dataclass
class _Root(Recipe):
    defaults: list[Any] = field(default_factory=lambda: ["_self_", {"model": "fast_cnn"}, {"optim": "muon"}])


def experiments() -> dict[str, str]:
    """The named experiments with the header of each: its command, hardware, minutes and score."""
    folder = files("digitkit.conf").joinpath("experiment")
    found = {item.name.removesuffix(".yaml"): item for item in folder.iterdir() if item.name.endswith(".yaml")}
    return {name: _header(found[name].read_text(encoding="utf-8")) for name in sorted(found)}


def _header(text: str) -> str:
    lines = text.splitlines()
    comments = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    return "\n".join(line for line in comments if not line.startswith("@package"))


@uninterrupted()  # a Ctrl-C that meets OmegaConf becomes another error
def compose(overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of an experiment (`experiment=NAME`, "fast" when none is named) with `key=value` overrides.

    Raises: ConfigError naming the key, the value and the nearest known key.
    """
    asked = list(overrides)
    for override in asked:
        if not OVERRIDE.match(override):
            raise ConfigError(f"{override!r} is no override; write key=value, as in seed=1 or experiment=fast")
    chosen = [item.partition("=")[2] for item in asked if item.startswith("experiment=")] or [DEFAULT_EXPERIMENT]
    known = experiments()
    if chosen[-1] not in known and not experiment_file.is_file_name(chosen[-1]):
        raise ConfigError(f"Unknown experiment {chosen[-1]!r}. {nearest(chosen[-1], list(known))}")
    rest = [item for item in asked if not item.startswith("experiment=")]
    _check_groups(rest)
    return _composed(chosen[-1], _with_one_length(rest))


def _with_one_length(overrides: Sequence[str]) -> list[str]:
    """The overrides, where one of them names how long the training lasts with the experiment's own length off."""
    named = {item.partition("=")[0]: item.partition("=")[2] for item in overrides}
    chosen = [key for key in LENGTHS if named.get(key, "0") not in ("0", "0.0")]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(chosen)} both say how long the training lasts; name one of them.")
    return [*overrides, *(f"{key}=0" for key in LENGTHS if chosen and key not in named)]


def _check_groups(overrides: Sequence[str]) -> None:
    for override in overrides:
        key, _, value = override.partition("=")
        if key in GROUPS:
            GROUPS[key][value]  # an unknown name stops here and names the nearest
        group, _, inner = key.partition(".")
        if group in GROUPS and inner == "name":
            raise ConfigError(f"{override}: the name alone would keep other settings; write {group}={value}")
        if group == "hydra":  # composed apart from the recipe, so a change would be taken and do nothing
            raise ConfigError(f"Unknown key {key!r} in {override!r}. `digitkit show recipe` lists all keys.")


def _composed(experiment: str, overrides: Sequence[str]) -> Recipe:
    own = experiment_file.read(Path(experiment)) if experiment_file.is_file_name(experiment) else None
    named = [f"{group}={name}" for group, name in experiment_file.choices(own or {}).items()]
    _check_groups(named)
    _fill_store([*named, *overrides], own)
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("digitkit.conf", version_base="1.3"):
            whole = [item for item in overrides if item.partition("=")[0] in MAPPINGS]  # Hydra would merge them
            rest = [item for item in overrides if item not in whole]
            config = hydra_compose("recipe", [f"+experiment={experiment if own is None else OWN}", *rest])
            for item in whole:
                key, given = _mapping(item)
                OmegaConf.update(config, key, given, merge=False)
        root = OmegaConf.to_object(config)
    except (HydraException, OmegaConfBaseException, ConfigError) as error:
        raise _explained(error, experiment, overrides) from error
    return Recipe(**{item.name: getattr(root, item.name) for item in fields(Recipe)})


def _mapping(override: str) -> tuple[str, Any]:
    """The key and the value of an override whose names may stand in quotes; Hydra takes quotes around values only."""
    quoted: dict[str, str] = {}

    def stand_in(name: re.Match[str]) -> str:
        return quoted.setdefault(name[2], f"quoted_{len(quoted)}")

    parsed = OverridesParser.create().parse_override(QUOTED.sub(stand_in, override))
    names, value = {stands: name for name, stands in quoted.items()}, parsed.value()
    if isinstance(value, dict):
        value = {names.get(str(name), str(name)): each for name, each in value.items()}
    return parsed.key_or_group, value


def _fill_store(chosen: Sequence[str], own: Mapping[str, Any] | None) -> None:
    """Tell Hydra all records that there are, those of networks that are made on demand and the user's file included."""
    store = ConfigStore.instance()
    store.store("recipe", _Root)
    if own is not None:
        store.store(OWN, own, group="experiment", package="_global_")
    for group, entries in GROUPS.items():
        named = [item.partition("=")[2] for item in chosen if item.startswith(f"{group}=")]
        for name in dict.fromkeys([*entries, *named]):
            store.store(name, entries[name].config, group=group)


def _explained(error: Exception, experiment: str, overrides: Sequence[str]) -> ConfigError:
    """The one message for what Hydra or OmegaConf refused."""
    ours = (HydraException, OmegaConfBaseException, ConfigError)
    spoken = [item for item in chain(error) if isinstance(item, ours) and "$VALUE" not in str(item)]
    if isinstance(spoken[-1], ConfigError):
        return spoken[-1]
    groups = [item for item in overrides if item.partition("=")[0] in GROUPS]
    if groups == list(overrides):  # the experiment is wrong, or has settings for another network than the chosen one
        beside = f" does not go with {', '.join(groups)}" if groups else ""
        return ConfigError(f"experiment={experiment}{beside}: {_reason(spoken)}")
    known = list(_keys(to_plain(_composed(experiment, groups))))
    for override in overrides:
        key = override.partition("=")[0]
        if whole := [name for name in MAPPINGS if key.startswith(f"{name}.")]:
            return ConfigError(f"Cannot use {override}: name all at once, as in '{whole[0]}={{mnist:1,semeion:4}}'.")
        if key not in known and not any(other.startswith(f"{key}.") for other in known):
            return ConfigError(f"Unknown key {key!r} in {override!r}. {_nearest_key(key, known)}")
    named = [item for item in overrides if item.partition("=")[0] in str(error)] or list(overrides)
    return ConfigError(f"Cannot use {', '.join(named)} (experiment {experiment}): {_reason(spoken)}")


def _reason(spoken: Sequence[BaseException]) -> str:
    """Why a value was refused, in the words of the last that spoke, unless they speak of grammar."""
    first = str(spoken[-1]).splitlines()[0]
    if first.startswith("Ambiguous") or any(isinstance(error, OverrideParseException) for error in spoken):
        return "no value that can be read. Text with = , : [ ] { } $ needs quotes inside quotes: 'run.folder=\"a=b\"'"
    if "ListConfig" in first:
        return "a list is expected, as in data.sources=[mnist] or data.sources=[mnist,optdigits]"
    return first


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, each once: an error that is raised again may stand in a circle."""
    below: BaseException | None = error
    met: set[int] = set()
    while below is not None and id(below) not in met:
        met.add(id(below))
        yield below
        below = below.__cause__ or below.__context__


def _nearest_key(key: str, known: list[str]) -> str:
    """The known key that reads most alike; the last word counts as much as the whole, and the group counts too."""
    group, last = key.partition(".")[0], key.rpartition(".")[2]

    def likeness(other: str) -> float:
        whole = difflib.SequenceMatcher(None, key, other).ratio()
        ending = difflib.SequenceMatcher(None, last, other.rpartition(".")[2]).ratio()
        return whole + ending + 0.5 * (group == other.partition(".")[0])

    return f"Did you mean {max(known, key=likeness)!r}? `digitkit show recipe` lists all keys."


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and f"{prefix}{key}" not in MAPPINGS:
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


@uninterrupted()  # a Ctrl-C that meets OmegaConf becomes another error
def to_plain(recipe: Recipe, run_folder: str | None = None) -> dict[str, Any]:
    """The recipe as plain values for JSON and YAML; `run_folder` replaces `run.folder` where given."""
    values = OmegaConf.to_container(OmegaConf.structured(recipe), enum_to_str=True)
    plain = cast(dict[str, Any], values)
    if run_folder is not None:
        plain["run"]["folder"] = run_folder
    return plain


def to_yaml(recipe: Recipe) -> str:
    """The recipe as YAML."""
    return str(yaml.safe_dump(to_plain(recipe), sort_keys=False))


@uninterrupted()  # a Ctrl-C that meets OmegaConf becomes another error
def from_plain(values: Mapping[str, Any]) -> Recipe:
    """The recipe that `to_plain` wrote.

    Raises: ConfigError when the values are no recipe of this digitkit.
    """
    try:
        schema = OmegaConf.structured(Recipe)
        for group, entries in GROUPS.items():
            schema[group] = OmegaConf.structured(entries[values[group]["name"]].config)
        return cast(Recipe, OmegaConf.to_object(OmegaConf.merge(schema, dict(values))))
    except (OmegaConfBaseException, KeyError, TypeError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"The stored recipe does not fit this digitkit: {first}. Train again.") from error
