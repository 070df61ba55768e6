"""Peak private memory and seconds of `digitkit data prepare` for a million pictures, the first and the second time.

The pictures are MNIST's training part again and again, each with noise of its own, as one numpy file; they take 0.8 GB
there and about three times as much in a cache of their own. Memory is read from the kernel while the verb runs: pages
of files that lie in memory count as well, where no other process has them (`Private_*`), or not (`Anonymous`).

    python benchmarks/million.py --folder SOME/EMPTY/FOLDER --pictures 1000000
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from digitkit.cli import SHORT_SPIN
from digitkit.data.catalogue import find_source
from digitkit.data.fetch import read_part

POLL_S = 0.2  # reading the pages of a large process takes it several milliseconds
NOISE = 6  # levels of 255, furthest change of an inked pixel
FIELDS = ("Private", "Anonymous")


def write_pictures(path: Path, count: int) -> None:
    """MNIST with noise as `images` uint8 (N,28,28) and `labels`."""
    digits = read_part(find_source("mnist"), "train")
    native = np.asarray(digits.pictures.take(np.arange(len(digits))).pixels)  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    pictures = np.empty((count, *native.shape[1:]), np.uint8)
    for start in range(0, count, len(native)):
        some = native[: count - start].astype(np.int16)
        noise = rng.integers(-NOISE, NOISE + 1, some.shape, np.int16)
        pictures[start : start + len(some)] = np.where(some > 0, np.clip(some + noise, 0, 255), 0)
    np.savez(path, images=pictures, labels=digits.labels[np.arange(count) % len(native)])


def memory(process: int) -> dict[str, int]:
    """Bytes of a process by the kernel's words; nothing when it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return {}
    kinds = [(line.split("_")[0].split(":")[0], int(line.split()[1])) for line in lines[1:]]
    return {field: 1024 * sum(size for kind, size in kinds if kind == field) for field in FIELDS}


def run(command: list[str], cache: Path) -> tuple[float, float, dict[str, int], dict[str, object]]:
    """Wall and CPU seconds of a command, its peak memory, and what it printed as JSON."""
    before = os.times()
    begun = time.perf_counter()
    surroundings = os.environ | dict([SHORT_SPIN]) | {"DIGITKIT_CACHE": str(cache)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=surroundings)
    most = dict.fromkeys(FIELDS, 0)
    while process.poll() is None:
        now = memory(process.pid)
        most = {field: max(peak, now.get(field, 0)) for field, peak in most.items()}
        time.sleep(POLL_S)
    assert process.stdout is not None, "the output is piped"
    answer = json.loads(process.stdout.read())
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, cpu, most, answer


def main() -> None:
    """Write the pictures, prepare them twice and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overrides", nargs="*", help="key=value of the recipe")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    asked = parser.parse_args()
    path = asked.folder / f"pictures-{asked.pictures}.npz"
    asked.folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_pictures(path, asked.pictures)
    table = Table(title=f"digitkit data prepare, {asked.pictures:,} pictures of 28x28 px")
    for column in ("", "wall seconds", "CPU seconds", *(f"peak {field}, MB" for field in FIELDS)):
        table.add_column(column)
    command = [sys.executable, "-m", "digitkit", "data", "prepare", f"data.sources=[npz:{path}]", *asked.overrides]
    for name in ("first time", "second time", "third time"):
        wall, cpu, most, answer = run([*command, "--json"], asked.folder / "cache")
        table.add_row(name, f"{wall:.1f}", f"{cpu:.1f}", *(f"{most[field] / 1e6:,.0f}" for field in FIELDS))
        print(name, answer)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
