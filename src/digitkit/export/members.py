"""Runs that may become one bundle: they read the same images into the same classes, and learnt from the same data."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from digitkit.core.errors import ConfigError, DataError
from digitkit.export.write import summary
from digitkit.learn.compose import to_plain
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run

WEIGHTS = "best.safetensors"


@dataclass(frozen=True)
class Member:
    """A finished run, opened; `weights` is the sha256 of its weights' file, `figures` what its own bundle tells."""

    run: Run
    recipe: Recipe
    network: nn.Module
    classes: tuple[str, ...]
    fingerprint: str
    weights: str
    figures: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """What people call it: the name of its folder, without the folders around it."""
        return self.run.path.resolve().name


def open_member(path: Path) -> Member:
    """A finished run by its folder.

    Raises: DataError when it is none, has not finished, or its files are not those of a run.
    """
    run = Run.open(path)
    recipe, stored = run.recipe(), run.report()
    try:
        facts = stored["data"]
        classes, fingerprint = tuple(map(str, facts["classes"])), str(facts["fingerprint"])
        figures, versions = summary(stored), {str(name): str(value) for name, value in stored["versions"].items()}
        network = run.network()
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise DataError(
            f"{run.file('report.json')}: not a report that digitkit wrote ({type(error).__name__}: {error})."
            " Copy the run again, or train again."
        ) from error
    weights = hashlib.sha256(run.file(WEIGHTS).read_bytes()).hexdigest()
    return Member(run, recipe, network, classes, fingerprint, weights, figures, versions)


def open_members(paths: Sequence[Path]) -> list[Member]:
    """Runs that fit together, in an order that depends on their weights alone.

    Raises: ConfigError when two of them differ in classes, preparation or data, or hold the same weights.
    """
    members = [open_member(path) for path in paths]
    for number, member in enumerate(members[1:], start=1):
        if differs := "; ".join(_differences(members[0], member)):
            raise ConfigError(
                f"{members[0].run.path} and {member.run.path} cannot be one bundle: {differs}. Members must read the"
                " same images into the same classes, and learn from the same data."
            )
        same = next((other for other in members[:number] if other.weights == member.weights), None)
        if same:
            raise ConfigError(
                f"{same.run.path} and {member.run.path} hold the same weights, so one adds nothing to the other."
                " Name each run once; train the other with another seed."
            )
    return sorted(members, key=lambda member: member.weights)


def _differences(one: Member, other: Member) -> list[str]:
    """What keeps two runs apart, in words."""
    found = []
    if one.classes != other.classes:
        found.append(f"classes are {_listed(one.classes)} and {_listed(other.classes)}")
    mine, theirs = (to_plain(member.recipe)["prepare"] for member in (one, other))
    found += [f"prepare.{key} is {mine[key]} and {theirs[key]}" for key in mine if mine[key] != theirs[key]]
    if not found and one.fingerprint != other.fingerprint:
        found.append(f"fingerprints of their data are {one.fingerprint[:12]} and {other.fingerprint[:12]}")
    return found


def _listed(classes: tuple[str, ...]) -> str:
    shown = ", ".join(map(repr, classes[:12]))
    return f"{shown} and {len(classes) - 12} more" if len(classes) > 12 else shown


def described(members: Sequence[Member], alone: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """The members as a bundle's record tells them; `alone` has validation accuracy and loss of each by itself.

    A member's whole recipe is that of the record, its sections replaced by those in `changed`.
    """
    first = to_plain(members[0].recipe, run_folder="")
    told = []
    for member, (accuracy, loss) in zip(members, alone, strict=True):
        own = to_plain(member.recipe, run_folder="")
        changed = {key: value for key, value in own.items() if value != first[key]}
        kept = {key: member.figures[key] for key in ("train_seconds", "parameters", "hardware", "git")}
        about = {"run": member.name, "weights": member.weights, "seed": own["seed"], "model": own["model"]["name"]}
        told.append({**about, "accuracy": accuracy, "loss": loss, **kept, "changed": changed})
    return told
