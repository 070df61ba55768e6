"""Going on with a run: which checkpoint is whole, and whether data, recipe and code are still what it rests on."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from digitkit.core.errors import ConfigError, DataError
from digitkit.data.source import Report, keep_quiet
from digitkit.learn.compose import to_plain
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import LAST, PREVIOUS, Run, git_state, hardware, versions

FLOORS = ("core", "data", "learn")  # whose code decides what is learnt
PACKAGES = ("digitkit", "torch", "lightning", "numpy")
RUN_KEYS = ("precision", "validations")  # of `run`, those that decide what is learnt, or chosen
DAMAGES = (OSError, EOFError, RuntimeError, UnpicklingError, KeyError, ValueError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Start:
    """How a training begins: anew, or where the run's checkpoint stands; `say` gets lines for people."""

    resume: bool = False
    force: bool = False  # go on although data, recipe or code have changed
    say: Report = keep_quiet


ANEW = Start()


@dataclass(frozen=True)
class Basis:
    """What a training rests on, as every checkpoint tells it: with another basis it is another training."""

    data: str  # fingerprint of all pictures and labels, and one more for each source of negatives, joined by "+"
    recipe: Mapping[str, Any]
    code: str  # hash of digitkit's own files
    git: str  # of the folder the training was started in
    packages: Mapping[str, str]
    hardware: str

    @classmethod
    def of(cls, recipe: Recipe, fingerprint: str, device: torch.device) -> "Basis":
        """That of a training which begins now."""
        found = versions()
        plain = to_plain(recipe)
        plain["run"] = {key: plain["run"][key] for key in RUN_KEYS}
        packages = {name: found[name] for name in PACKAGES}
        return cls(fingerprint, plain, code_hash(), git_state(), packages, hardware(device))

    def to_plain(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return asdict(self)

    def changes(self, before: "Basis") -> list[str]:
        """What is not as it was, in words; hardware and commit alone change nothing that is learnt."""
        found = []
        (first, *others), (now_first, *now_others) = before.data.split("+"), self.data.split("+")
        if first != now_first:
            found.append(f"the pictures or labels (fingerprint {first[:12]}, now {now_first[:12]})")
        if others != now_others:
            found.append("the pictures of data.negatives")
        then, now = _flat(before.recipe), _flat(self.recipe)
        for key in sorted({*then, *now}):
            if then.get(key) != now.get(key):
                found.append(f"recipe.yaml: {key} was {then.get(key, 'absent')}, is {now.get(key, 'absent')}")
        for name in PACKAGES:
            if before.packages.get(name) != self.packages[name]:
                found.append(f"{name} was {before.packages.get(name, 'absent')}, is {self.packages[name]}")
        if before.code != self.code:
            commits = f" (commit {before.git or 'unknown'}, now {self.git or 'unknown'})"
            found.append(f"the code of digitkit{commits if before.git != self.git else ''}")
        return found


@dataclass(frozen=True)
class Standing:
    """A checkpoint that can be gone on from."""

    path: Path
    step: int
    basis: Basis | None  # None: it does not say


def find(run: Run, say: Report = keep_quiet) -> Standing | None:
    """The newest whole checkpoint of a run; None when it was stopped before the first one. Half-written files go.

    Raises: DataError when all that there are are damaged.
    """
    run.sweep()
    damaged: list[Path] = []
    for file in (run.file(LAST), run.file(PREVIOUS)):
        if not file.is_file():
            continue
        try:
            standing = read(file)
        except DAMAGES:
            damaged.append(file)
            continue
        if damaged:
            say(f"{damaged[0]} is damaged; going on from {file}, which is of step {standing.step}.")
        return standing
    if damaged:
        names, them = " and ".join(map(str, damaged)), "them" if len(damaged) > 1 else "it"
        verb = "are" if len(damaged) > 1 else "is"
        raise DataError(f"{names} {verb} damaged. Remove {them}, then the training starts from its beginning.")
    return None


def read(file: Path) -> Standing:
    """Look at a checkpoint, every byte of it; raises one of DAMAGES when it is not whole."""
    with zipfile.ZipFile(file) as archive:
        if wrong := archive.testzip():
            raise zipfile.BadZipFile(f"{wrong} is not what was written")
    values = torch.load(file, map_location="cpu", weights_only=True)
    try:
        basis = Basis(**values["basis"])
    except (KeyError, TypeError):  # of another digitkit
        return Standing(file, int(values["global_step"]), None)
    return Standing(file, int(values["global_step"]), basis)


def check(standing: Standing, basis: Basis, run: Run, start: Start) -> None:
    """Stop where a checkpoint rests on something else than what is here now, unless that is wanted.

    Raises: ConfigError that names what differs.
    """
    cure = f"Bring it back as it was, or go on all the same with: digitkit train --resume {run.path} --force"
    if standing.basis is None:
        changes = ["the version of digitkit, which wrote other checkpoints"]
    else:
        changes = basis.changes(standing.basis)
    if changes and not start.force:
        raise ConfigError(f"{standing.path} cannot be gone on with as it is; changed: {'; '.join(changes)}. {cure}")
    if changes:
        start.say(f"going on although this has changed: {'; '.join(changes)}")
    elif standing.basis and standing.basis.hardware != basis.hardware:
        start.say(
            f"begun on {standing.basis.hardware}, going on on {basis.hardware}:"
            f" the weights will not be the same to the last bit"
        )


@cache
def code_hash() -> str:
    """A hash of the modules that decide what is learnt."""
    package, found = Path(__file__).parents[1], hashlib.sha256()
    for file in sorted(file for floor in FLOORS for file in (package / floor).rglob("*.py")):
        found.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
