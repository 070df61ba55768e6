"""Cold starts, peak private memory and the size of an install, each as a user meets it.

python benchmarks/footprint.py --python .venv/bin/python --repeat 7
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

EXAMPLE = Path(__file__).parent.parent / "examples" / "seven.png"
POLL_S = 0.005


def private_bytes(process: int) -> int:
    """Memory that belongs to one process alone, from the kernel; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def descendants(process: int) -> list[int]:
    """The process and all below it."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(below for child in children for below in descendants(int(child)))]


def timed(command: Sequence[str], repeat: int) -> tuple[float, float]:
    """Median and largest seconds of a cold process."""
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    return statistics.median(times), max(times)


def peak(command: Sequence[str]) -> int:
    """The largest sum of private bytes of a command and its children."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        most = max(most, sum(private_bytes(each) for each in descendants(process.pid)))
        time.sleep(POLL_S)
    return most


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=".venv/bin/python")
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--run", action="store_true", help="also the peak memory of `make run`")
    asked = parser.parse_args()
    python = asked.python
    predict = [python, "-m", "digitkit", "predict", str(EXAMPLE)]
    table = Table(title="Cold processes and memory")
    for column in ("what", "median", "worst"):
        table.add_column(column)
    bare, _ = timed([python, "-c", "pass"], asked.repeat)
    loaded, slowest = timed([python, "-c", "import digitkit"], asked.repeat)
    table.add_row("import digitkit, over bare python", f"{loaded - bare:.3f} s", f"{slowest - bare:.3f} s")
    for name, command in (("digitkit --help", [python, "-m", "digitkit", "--help"]), ("predict of one file", predict)):
        table.add_row(name, *(f"{seconds:.3f} s" for seconds in timed(command, asked.repeat)))
    table.add_row("predict, peak private memory", f"{peak(predict) / 2**20:.0f} MiB", "")
    if asked.run:
        table.add_row("make run, peak private memory", f"{peak(['make', 'run']) / 2**20:.0f} MiB", "")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
