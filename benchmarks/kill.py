"""Kill a training at random moments, resume each, and compare with the training that was never disturbed, bit by bit.

The tiny network learns scikit-learn's digits; checkpoints are written so often that kills also hit their writing.

    python benchmarks/kill.py --kills 20
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

RECIPE = (
    "experiment=tiny", "budget.steps=400", "run.validations=3", "run.checkpoint_seconds=0.2", "run.keep=2",
    "run.export=false", "run.test=false", "run.device=cpu", "run.threads=1",
)  # fmt: skip
ROOT = Path(__file__).parents[1]
PATIENCE_S = 3600  # the machine may be busy
CLOCKS = ("seconds", "train_seconds", "prepare_seconds")  # all that may differ


@dataclass(frozen=True)
class Cut:
    """One killed and resumed training: when, where it stood then, and what came out differently."""

    after_s: float  # since the run folder was there
    killed_step: int  # the last one on the disk
    was_over: bool  # it had ended already
    differences: list[str]


def start(run: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Begin `digitkit train` in a process of its own, and wait until its folder is there."""
    begin = "from digitkit.cli import main; main()"
    command = [sys.executable, "-c", begin, "train", "--quiet", *words]
    paths = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, env=paths, stdout=subprocess.DEVNULL)
    while not (run / "recipe.yaml").is_file() and process.poll() is None:
        time.sleep(0.005)
    return process


def finish(process: "subprocess.Popen[bytes]") -> None:
    """Let a training end."""
    if process.wait(PATIENCE_S):
        raise SystemExit(f"a training ended with {process.returncode}")


def train_whole(run: Path, recipe: Sequence[str]) -> float:
    """Train without any disturbance; returns the seconds since the folder was there."""
    process = start(run, f"run.folder={run}", *recipe)
    begun = time.perf_counter()
    finish(process)
    return time.perf_counter() - begun


def cut(run: Path, recipe: Sequence[str], after_s: float, whole: Path) -> Cut:
    """Train, kill, resume to the end, and compare."""
    process = start(run, f"run.folder={run}", *recipe)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    steps = [json.loads(line)["step"] for line in lines(run / "history.jsonl")]
    was_over = (run / "report.json").is_file()
    if not was_over:
        finish(start(run, "--resume", str(run)))
    return Cut(after_s, max(steps, default=0), was_over, list(differences(run, whole)))


def lines(file: Path) -> list[str]:
    """The lines of a file, none where there is no file."""
    return file.read_text().splitlines() if file.is_file() else []


def differences(run: Path, whole: Path) -> Iterator[str]:
    """What two runs do not share: files, weights, checkpoints, history, figures."""
    names = [
        sorted(str(path.relative_to(each)) for path in each.rglob("*.*") if path.is_file()) for each in (run, whole)
    ]
    for name in sorted(({*names[0]} ^ {*names[1]}) - {"card.md", "card.html"}):  # written when all is over
        yield f"{name} is in one of them only"
    if (run / "best.safetensors").read_bytes() != (whole / "best.safetensors").read_bytes():
        yield "best.safetensors"
    for file in sorted(whole.rglob("*.ckpt")):
        name = str(file.relative_to(whole))
        if (run / name).is_file() and not same(*(torch.load(each / name, weights_only=True) for each in (run, whole))):
            yield name
    for name in ("history.jsonl", "report.json"):
        mine, other = ([json.loads(line) for line in parts(each / name)] for each in (run, whole))
        if not same(mine, other):
            yield name


def parts(file: Path) -> list[str]:
    """The JSON objects of a file."""
    return lines(file) if file.suffix == ".jsonl" else [file.read_text()]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal to the last bit, clocks apart."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(key in CLOCKS or same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def cut_often(folder: Path, kills: int, recipe: Sequence[str] = RECIPE, seed: int = 0) -> Iterator[Cut]:
    """Kill so many trainings, each at a moment drawn from all of the undisturbed one's."""
    whole, rng, number = folder / "whole", random.Random(seed), 0
    lasts = train_whole(whole, recipe)
    while kills:
        number += 1
        made = cut(folder / f"cut-{number}", recipe, rng.uniform(0, lasts), whole)
        kills -= not made.was_over  # one that was too late is no kill
        yield made


def main() -> None:
    """Kill and compare, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    made: list[Cut] = []
    with tempfile.TemporaryDirectory() as folder:
        for each in cut_often(Path(folder), given.kills, seed=given.seed):
            what = "too late, it had ended" if each.was_over else ", ".join(each.differences) or "the same bits"
            print(f"killed after {each.after_s:6.2f} s, step {each.killed_step:3} on the disk: {what}", flush=True)
            made += [] if each.was_over else [each]
    right = sum(not each.differences for each in made)
    print(f"{right} of {len(made)} ended as the undisturbed run did, bit for bit")
    raise SystemExit(right < len(made))


if __name__ == "__main__":
    main()
