"""How fast readers are and whether they agree: each runtime and number of threads in processes of its own."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from json import loads
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.commands.parts import named_part
from digitkit.commands.timed import Job
from digitkit.core.digitset import DigitSet
from digitkit.core.errors import BundleError, ConfigError
from digitkit.core.intervals import wilson
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part
from digitkit.data.union import relabel
from digitkit.runtime import openvino
from digitkit.runtime.bundle import DEFAULT, SHIPPED, read_bundle
from digitkit.runtime.session import providers_of, usable_cores

LONGEST_S = 3600
LARGEST_PX = 4096
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is measured, and how: seconds per figure, px of the square pictures, processes for each row."""

    device: str = "cpu"
    seconds: float = 1.0
    side: int = 28
    repeats: int = 3
    threads: tuple[int, ...] = ()  # all that are tried; none = one, and all cores
    on: str = ""  # SOURCE/PART

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 < self.seconds <= LONGEST_S:
            raise ConfigError(f"--seconds must lie above 0 and up to {LONGEST_S}, got {self.seconds:g}")
        if not 1 <= self.side <= LARGEST_PX:
            raise ConfigError(f"--side must lie in 1..{LARGEST_PX}, got {self.side}")
        if not 1 <= self.repeats <= 100:
            raise ConfigError(f"--repeats must lie in 1..100, got {self.repeats}")
        if any(not 1 <= count <= 1024 for count in self.threads):
            raise ConfigError(f"--threads must lie in 1..1024, got {min(self.threads)}")
        if self.on:
            named_part("--on", self.on)
        providers_of(self.device)


@dataclass
class Row:
    """The figures of one runtime with so many threads; lists hold one value per process."""

    target: str
    runtime: str
    bytes: int
    job: Job
    cold_start_s: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    pictures_per_s: list[float] = field(default_factory=list)
    accuracy: float | None = None
    interval: tuple[float, float] | None = None  # 95 %, of the accuracy
    agreement: float | None = None
    on: str = ""
    n: int = 0

    def to_plain(self) -> dict[str, object]:
        """Plain values for JSON: medians with their spread."""
        figures = {name: spread(getattr(self, name)) for name in ("cold_start_s", "ms", "pictures_per_s")}
        return {
            "target": self.target, "runtime": self.runtime, "threads": self.job.threads, "bytes": self.bytes, **figures,
            "side": self.job.side, "on": self.on, "n": self.n, "accuracy": self.accuracy,
            "interval": self.interval, "agreement": self.agreement,
        }  # fmt: skip


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median with the least and the greatest value."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def measure(targets: Sequence[str], asked: Asked, say: Say) -> list[Row]:
    """A row for each runtime of each bundle or run, and for each number of threads.

    Raises: ConfigError, BundleError or DataError when something cannot be opened.
    """
    threads = asked.threads or tuple(dict.fromkeys((1, usable_cores())))
    job = Job("", "", 1, asked.device, asked.seconds, asked.side, asked.on)
    with tempfile.TemporaryDirectory() as folder:
        rows: list[Row] = []
        for number, target in enumerate(targets):
            made = list(_rows(target, job, Path(folder) / f"{number}.pt", say))
            if asked.on:
                _score(made, asked.on, _classes(target), Path(folder) / "answers.npy", say)
            rows += [
                replace(row, job=replace(row.job, threads=count), cold_start_s=[], ms=[], pictures_per_s=[])
                for row in made
                for count in threads
            ]
        for turn in range(asked.repeats):  # in turns, so that a busy minute hurts all alike
            for row in rows:
                say(f"{row.target}, {row.runtime}, {row.job.threads} threads: {turn + 1} of {asked.repeats}")
                cold, figures = _in_own_process(row.job)
                row.cold_start_s.append(cold)
                row.ms.append(figures["ms"])
                row.pictures_per_s.append(figures["pictures_per_s"])
    return rows


def _rows(target: str, job: Job, scratch: Path, say: Say) -> Iterator[Row]:
    """The runtimes that can read a bundle or a run; what is missing is said."""
    bundle = Path(target)
    if bundle.is_dir():
        from digitkit.export.readers import torchscript_of

        scratch.write_bytes(torchscript_of(bundle))
        if job.device != "cuda":
            yield Row(target, "torch", _size(bundle / "best.safetensors"), replace(job, kind="torch", path=target))
            yield Row(target, "TorchScript", _size(scratch), replace(job, kind="torchscript", path=str(scratch)))
        bundle = bundle / "model.onnx"
        if not bundle.is_file():
            say(f"{target} has no model.onnx; `digitkit export {target}` writes it.")
            return
    if target in SHIPPED and not Path(target).is_dir():
        for name in SHIPPED if target == DEFAULT else (target,):
            yield from _of_bundle(target, name, job)
        return
    yield from _of_bundle(target, str(bundle), job)
    int8 = bundle.with_name(f"{bundle.stem}-int8.onnx")
    if not int8.is_file():
        say(f"{target} is not here in 8 bits; `digitkit export RUN --int8` writes {int8.name}.")
        return
    floats, whole = (read_bundle(path)[0] for path in (bundle, int8))
    if whole.made_of in ("", floats.id):
        yield from _of_bundle(target, str(int8), job)
    else:
        say(f"{int8} was made of another bundle than {bundle}; `digitkit export RUN --int8` writes it anew.")


def _of_bundle(target: str, path: str, job: Job) -> Iterator[Row]:
    record, content = read_bundle(path)
    yield Row(target, f"ONNX {record.precision}", len(content), replace(job, kind="onnx", path=path))
    if openvino.is_installed() and job.device != "cuda":
        yield Row(target, f"OpenVINO {record.precision}", len(content), replace(job, kind="openvino", path=path))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _classes(target: str) -> tuple[str, ...]:
    if not Path(target).is_dir():
        return read_bundle(target)[0].classes
    from digitkit.learn.run import Run

    return tuple(Run.open(Path(target)).report()["data"]["classes"])


def _score(rows: Sequence[Row], on: str, classes: tuple[str, ...], answers: Path, say: Say) -> None:
    """Accuracy on a part, and how often each row says what the first one does."""
    digits = _read(on, classes, say)
    first: NDArray[np.int64] | None = None
    for row in rows:
        say(f"{row.target}, {row.runtime}: reading {len(digits):,} pictures of {on}")
        job = replace(row.job, classes=classes, answers=str(answers), threads=usable_cores())
        _in_own_process(job)
        found = np.load(answers, allow_pickle=False).argmax(1)
        first = found if first is None else first
        row.accuracy, row.agreement = float((found == digits.labels).mean()), float((found == first).mean())
        row.on, row.n = on, len(digits)
        row.interval = wilson(int((found == digits.labels).sum()), len(digits))


def _read(on: str, classes: tuple[str, ...], say: Say) -> DigitSet:
    source, _, part = on.rpartition("/")
    digits, left_out = relabel(read_part(find_source(source), part, report=say), classes)
    if left_out:
        say(f"{on}: left out {sum(left_out.values()):,} pictures with labels the model does not know.")
    if not len(digits):
        raise ConfigError(f"{on}: no picture has a label that the model knows ({', '.join(classes)}).")
    return digits


def _in_own_process(job: Job) -> tuple[float, dict[str, float]]:
    """Seconds from the start of the process to its first answer, and its figures."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "digitkit.commands.timed", job.to_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        cold = time.perf_counter() - begun
        rest, said = process.communicate()
    if process.returncode or not ready:
        last = (said.strip().splitlines() or ["nothing was said"])[-1]
        raise BundleError(f"{job.path}: {job.kind} could not read with it ({last}). Export it again.")
    return cold, loads(rest)
