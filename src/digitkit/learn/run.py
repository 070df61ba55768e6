"""The folder of one training: fixed names, readable by people, and enough to go on or to export.

recipe.yaml      the recipe, complete
last.ckpt        where the training stands, to go on with (tensors and plain values only)
previous.ckpt    the one before, for the case that the last one is damaged; gone when the training is done
top/             checkpoints of the best validations, where `run.keep` asks for them
best.safetensors the weights that scored best on validation: what gets exported
history.jsonl    a line per record: step, losses, learning rate, accuracies
report.json      figures, data, versions, seconds
precision.json   the number format, where it was left to us: found once, used again when the run goes on
model.onnx       the bundle
card.md          the run card
card.html        the same with its pictures inside, one file to pass on
pictures/        curves, confusion, mistakes, a batch as the network saw it; confusion and predictions by validation
trackers/        what trackers keep, where `run.trackers` names any
"""

import json
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from digitkit.core.errors import ConfigError, DataError, DigitkitError
from digitkit.core.files import make_folder, write_bytes, write_text
from digitkit.learn.compose import from_plain, to_yaml
from digitkit.learn.network import build_network
from digitkit.learn.recipe import Recipe

LAST, PREVIOUS, TOP = "last.ckpt", "previous.ckpt", "top"
HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]{16}")  # what a kill in the middle of `atomic_path` leaves
VERSIONS_OF = ("digitkit", "torch", "lightning", "numpy", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Run:
    """The folder of one training; see the module's list of names."""

    path: Path

    @classmethod
    def create(cls, recipe: Recipe) -> "Run":
        """Make the folder that the recipe names, or runs/NAME-DATE-TIME, and write the recipe into it.

        Raises: ConfigError when the folder already holds a run.
        """
        path = Path(recipe.run.folder or Path("runs") / f"{recipe.name}-{datetime.now():%Y%m%d-%H%M%S}")
        if (path / "recipe.yaml").exists():
            raise ConfigError(f"{path} already holds a run. Choose another run.folder, or remove it.")
        run = cls(make_folder(path))
        run.write_recipe(recipe)
        return run

    @classmethod
    def open(cls, path: Path) -> "Run":
        """An existing run.

        Raises: DataError when the folder holds none.
        """
        if not (path / "recipe.yaml").is_file():
            raise DataError(
                f"{path} is not a run: it has no recipe.yaml. Give the folder that `digitkit train` printed."
            )
        return cls(path)

    @contextmanager
    def begun_or_gone(self) -> Iterator[None]:
        """Take back what `create` made where an error comes before any step: it would be in the way of the next try."""
        try:
            yield
        except DigitkitError:
            if not any(self.file(name).exists() for name in ("history.jsonl", LAST, "report.json")):
                self.file("recipe.yaml").unlink(missing_ok=True)
                with suppress(OSError):  # somebody else has something in it
                    self.path.rmdir()
            raise

    def file(self, name: str) -> Path:
        """A file of the run by its fixed name."""
        return self.path / name

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        for folder in (self.path, self.file(TOP), self.file("pictures")):
            for path in folder.glob(".*"):
                if HALF_WRITTEN.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def recipe(self) -> Recipe:
        """The recipe that was trained.

        Raises: ConfigError when the file holds none that this digitkit knows.
        """
        try:
            values = yaml.safe_load(self.file("recipe.yaml").read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ConfigError(f"{self.file('recipe.yaml')} is damaged: {error}. Train again.") from error
        return from_plain(values)

    def write_recipe(self, recipe: Recipe, note: str = "") -> None:
        """Store the recipe, below a line for people where one is given."""
        write_text(self.file("recipe.yaml"), (f"# {note}\n" if note else "") + to_yaml(recipe))

    def save_weights(self, network: nn.Module) -> None:
        """Write the weights that count, whole or not at all."""
        self.write_weights(network.state_dict())

    def write_weights(self, state: Mapping[str, Tensor]) -> None:
        """The same with weights that have left their network."""
        write_bytes(
            self.file("best.safetensors"), save({name: each.contiguous().cpu() for name, each in state.items()})
        )

    def network(self) -> nn.Module:
        """The trained network on the CPU, ready to score.

        Raises: DataError when the run has not finished.
        """
        facts = self.report()["data"]
        return self.load_weights(build_network(self.recipe(), len(facts["classes"]), facts["mean"], facts["std"]))

    def load_weights(self, network: nn.Module) -> nn.Module:
        """The same network with the weights that count, on the CPU, ready to score.

        Raises: DataError when the file is absent or not whole.
        """
        try:
            network.load_state_dict(load_file(self.file("best.safetensors")))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise DataError(
                f"{self.file('best.safetensors')}: no weights that fit ({error}). Copy the run again, or train again."
            ) from error
        return network.cpu().eval()

    def report(self) -> dict[str, Any]:
        """The figures of the run, as `write_report` stored them at its end.

        Raises: DataError when the run has not finished, or its report is damaged.
        """
        file = self.file("report.json")
        try:
            values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            cure = f"Go on with: digitkit train --resume {self.path}"
            raise DataError(f"{self.path} has not finished: it has no report.json. {cure}") from error
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: cannot be read ({error}). Copy the run again, or train again.") from error
        return values

    def write_report(self, values: Mapping[str, Any]) -> None:
        """Store the figures of the run."""
        write_text(self.file("report.json"), json.dumps(values, indent=1, allow_nan=False))

    def history(self) -> list[dict[str, Any]]:
        """All records of the training, in order."""
        lines = self.file("history.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def versions() -> dict[str, str]:
    """What the training ran on: package versions, Python, system."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in VERSIONS_OF:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def hardware(device: torch.device) -> str:
    """What the figures were measured on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads, {capability}"


def git_state() -> str:
    """The commit of the folder that training was started in, "-dirty" when it has changes; empty outside git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
