"""Real `digitkit` processes, and the addresses that they say."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ADDRESS = re.compile(r"https?://[\w.:\[\]]+")


@dataclass
class Process:
    """A running `digitkit`, and the address that it has said."""

    running: subprocess.Popen[str]
    address: str

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and wait until it has gone."""
        self.running.send_signal(number)
        self.running.communicate(timeout=60)


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Process]:
    """`digitkit WORDS` in a folder of its own, once it has said where it answers; ended at the end."""
    command = [sys.executable, "-m", "digitkit", *words]
    environment = {**os.environ, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    said = []
    for line in running.stderr:
        said.append(line)
        if found := ADDRESS.search(line):
            process = Process(running, found[0])
            break
    else:
        raise AssertionError(f"{' '.join(words)} did not start: {''.join(said)}")
    try:
        yield process
    finally:
        if running.poll() is None:
            process.stop()
