"""Several processes on one database, some of which end without a word."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from digitkit.store import Store
from tests.store.made import submission

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start_writer() -> Iterator[Callable[[str, str], "subprocess.Popen[str]"]]:
    """Starts processes that submit until they are killed."""
    with ExitStack() as stack:

        def start(url: str, name: str) -> "subprocess.Popen[str]":
            paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.store.writer", url, name],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": paths},
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def read_lines(process: "subprocess.Popen[str]", n: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(n)]


def kill(process: "subprocess.Popen[str]") -> list[str]:
    """Kill a process and read what it still had said; half a line was not said."""
    process.kill()
    assert process.stdout is not None
    return [line.strip() for line in process.stdout if line.endswith("\n")]


def test_processes_that_start_at_once_make_the_tables_once(
    empty_url: str, start_writer: Callable[[str, str], "subprocess.Popen[str]"], open_store: Callable[..., Store]
) -> None:
    writers = [start_writer(empty_url, f"writer {number}") for number in range(3)]
    said = [read_lines(writer, 3) for writer in writers]
    assert [lines[0] for lines in said] == ["ready"] * 3
    for writer in writers:
        kill(writer)
    assert open_store(empty_url).check() == []


def test_what_a_killed_writer_was_told_is_saved_is_there_and_nothing_twice(
    url: str, start_writer: Callable[[str, str], "subprocess.Popen[str]"], open_store: Callable[..., Store]
) -> None:
    writers = {name: start_writer(url, name) for name in ("one", "two")}
    told = [line for writer in writers.values() for line in read_lines(writer, 21)[1:]]
    for writer in writers.values():
        told += kill(writer)
    store = open_store(url)
    before = store.submissions.count()
    kept = {picture.decode() for _, picture in store.submissions.each()}
    assert set(told) <= kept
    assert len(kept) == before <= len(told) + len(writers)  # one more each may be saved and not yet told
    assert not any(store.submissions.add(submission(picture=key.encode()), key).is_new for key in told)
    assert store.submissions.count() == before
    assert store.check() == []
