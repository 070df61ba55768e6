"""The service on a port of this machine: in a thread of the tests, or as the processes that a user starts."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from digitkit.service.app import create_app
from digitkit.service.settings import Settings

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
PATIENCE_S = 120
CLI = "from digitkit.cli import main; main()"


@contextmanager
def in_thread(**given: object) -> Iterator[str]:
    """The address of a service that runs in a thread."""
    given = {"predict_rate": "off", "submit_rate": "off"} | given
    config = uvicorn.Config(create_app(Settings(**given)), port=0, log_config=None, lifespan="on", ws="none")  # type: ignore[arg-type]
    socket = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        pause = threading.Event()
        while not server.started and thread.is_alive():
            pause.wait(0.01)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


class Process:
    """`digitkit serve` as a user starts it; what it says is kept in a file."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.log = folder / "serve.log"
        command = [sys.executable, "-c", CLI, "serve", *words]
        given = {
            "DIGITKIT_DATA": str(folder),
            "DIGITKIT_PREDICT_RATE": "off",
            "DIGITKIT_SUBMIT_RATE": "off",
        } | environment
        with self.log.open("w") as file:
            self.process = subprocess.Popen(command, stderr=file, env=os.environ | given, start_new_session=True)

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def address(self) -> str:
        """Where it answers, once it has said so; its port takes requests from then on."""
        pause = threading.Event()
        for _ in range(PATIENCE_S * 50):
            if found := ADDRESS.search(self.said):
                return found[0]
            assert self.process.poll() is None, self.said
            pause.wait(0.02)
        raise AssertionError(f"it never said where it answers: {self.said}")

    @property
    def pids(self) -> list[int]:
        """The process and those that it started."""
        mine = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, mine)]

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ask it to stop, and wait; gives its exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it and all that it started, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def as_process(folder: Path, *words: str, **environment: str) -> Iterator[Process]:
    """A service of its own that is gone at the end."""
    process = Process(folder, "--port", "0", *words, **environment)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()


def private_mb(pid: int) -> float:
    """The memory that a process shares with no other, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = [int(found) for found in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, flags=re.MULTILINE)]
    return sum(kilobytes) / 1_024
