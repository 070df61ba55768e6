"""How fast the service answers, beside a handler that loads its weights per request and beside LitServe.

    python benchmarks/service.py --seconds 10
    python benchmarks/service.py --seconds 10 --litserve FOLDER       # of `pip install --target FOLDER litserve`
    python benchmarks/service.py --seconds 60 --submissions DATABASE  # a path, or postgresql://...
    python benchmarks/service.py --start

Each server has two workers and gets one drawn 280x280 PNG per request, over connections that stay open. "open" sends
100 a second whether or not answers come, and counts from when a request was due; "full" keeps eight clients busy. All
servers run in one go, one after the other, with the load generator on the same cores. "core ms each" is the processor
time of all processes of a server per request: unlike the others it hardly depends on what else the machine does.
"""

import argparse
import asyncio
import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

CLIENTS, RATE = 8, 100  # that are always busy; requests a second
PATIENCE_S = 180
PEERS, LITSERVE = (Path(__file__).with_name(f"service_{name}.py") for name in ("peers", "litserve"))
CLI = "from digitkit.cli import main; main()"
BOUNDARY = "b-o-u-n-d"

Message = Callable[[], bytes]  # one request, as bytes


@dataclass
class Answers:
    """What came back: seconds, statuses, and how long all of it took."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    lasted_s: float = 0.0

    def note(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)

    def quantile_ms(self, share: float) -> float:
        """The time that this share of the answers took at most."""
        ranked = sorted(self.seconds)
        return 1_000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]


class Line:
    """One connection that stays open; where the server has closed it meanwhile, another one, as every client does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_open = False

    async def ask(self, message: bytes) -> int:
        """Send a request, read its answer, and give the status."""
        was_open = self.is_open
        try:
            return await self._ask(message)
        except (OSError, asyncio.IncompleteReadError):
            self.is_open = False
            if not was_open:
                raise
        return await self._ask(message)

    async def _ask(self, message: bytes) -> int:
        if not self.is_open:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.is_open = True
        self.writer.write(message)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        await self.reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return int(head[9:12])


async def full(port: int, message: Message, seconds: float) -> Answers:
    """Eight clients that ask again as soon as they are answered."""
    answers, start = Answers(), time.perf_counter()

    async def client() -> None:
        line = Line(port)
        while time.perf_counter() < start + seconds:
            sent = time.perf_counter()
            answers.note(await line.ask(message()), time.perf_counter() - sent)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    answers.lasted_s = time.perf_counter() - start
    return answers


async def opened(port: int, message: Message, seconds: float) -> Answers:
    """So many requests a second, come what may; each is timed from when it was due."""
    answers, lines, start = Answers(), list[Line](), time.perf_counter()

    async def client(due: float) -> None:
        line = lines.pop() if lines else Line(port)
        status = await line.ask(message())
        answers.note(status, time.perf_counter() - due)
        lines.append(line)

    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * RATE)):
            due = start + number / RATE
            await asyncio.sleep(max(0, due - time.perf_counter()))
            group.create_task(client(due))
    answers.lasted_s = time.perf_counter() - start
    return answers


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that was just started, leader of a process group of its own; at the end all of it is gone."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, env=os.environ | environment, stdout=null, stderr=null, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def cpu_s(group: int) -> float:
    """Seconds of a core that the processes of a group have used."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(words[2]) == group:
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_until_answers(process: subprocess.Popen[bytes], port: int, message: bytes) -> None:
    """Come back when the first request is answered well."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if asyncio.run(Line(port).ask(message)) < 300:
                return
        except (OSError, asyncio.IncompleteReadError):
            if process.poll() is not None:
                sys.exit(f"{process.args} ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def request(path: str, kind: str, body: bytes, more: str = "") -> bytes:
    """A POST as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def picture() -> bytes:
    """A seven, drawn with a broad pen on 280x280."""
    import io

    from PIL import Image, ImageDraw

    page = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(page).line([(80, 60), (200, 60), (120, 230)], fill="black", width=22)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def measure(name: str, command: list[str], message: bytes, given: argparse.Namespace, **environment: str) -> list[str]:
    """One row of the table."""
    port = int(command[command.index("--port") + 1])
    with running(command, **environment) as process:
        wait_until_answers(process, port, message)
        asyncio.run(full(port, lambda: message, 2))  # both workers are warm
        open_loop = asyncio.run(opened(port, lambda: message, given.seconds))
        before = cpu_s(process.pid)
        busy = asyncio.run(full(port, lambda: message, given.seconds))
        used_ms = 1_000 * (cpu_s(process.pid) - before) / len(busy.seconds)
    failed = sum(count for loop in (open_loop, busy) for status, count in loop.statuses.items() if status != 200)
    return [
        name, f"{open_loop.quantile_ms(0.5):.1f}", f"{open_loop.quantile_ms(0.99):.1f}",
        f"{len(busy.seconds) / busy.lasted_s:.0f}", f"{busy.quantile_ms(0.99):.1f}", f"{used_ms:.1f}", str(failed),
    ]  # fmt: skip


def compare(given: argparse.Namespace) -> None:
    """The table of all servers."""
    content = picture()
    ours = request("/v1/predict", "image/png", content)
    theirs = request(
        "/predict", "application/json", json.dumps({"picture": base64.b64encode(content).decode()}).encode()
    )
    table = Table("server", "open p50 ms", "open p99 ms", "full per s", "full p99 ms", "core ms each", "failed")
    with tempfile.TemporaryDirectory() as folder:
        serve = [sys.executable, "-c", CLI, "serve", "--workers", "2", "--port", str(free_port())]
        table.add_row(*measure("digitkit serve", serve, ours, given, DIGITKIT_DATA=folder, DIGITKIT_PREDICT_RATE="off"))
        weights = f"{folder}/network.pt"
        subprocess.run([sys.executable, str(PEERS), "weights", "--weights", weights], check=True)
        peers = {"plain": [str(PEERS), "plain"]} | ({"litserve": [str(LITSERVE)]} if given.litserve else {})
        for name, words in peers.items():
            command = [sys.executable, *words, "--weights", weights, "--port", str(free_port())]
            found = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), given.litserve)))
            table.add_row(*measure(name, command, theirs, given, PYTHONPATH=found))
    Console(width=110).print(table)
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def submit(given: argparse.Namespace) -> None:
    """Submissions as fast as eight clients can, and whether each is in the database once."""
    from digitkit.store import Store

    form = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    body = f'{form}"true_label"\r\n\r\n7\r\n{form}"picture"; filename="p"\r\n\r\n'.encode()
    body += picture() + f"\r\n--{BOUNDARY}--\r\n".encode()

    def message() -> bytes:
        more = f"Idempotency-Key: {secrets.token_hex(8)}\r\n"
        return request("/v1/submissions", f"multipart/form-data; boundary={BOUNDARY}", body, more)

    port = free_port()
    serve = [sys.executable, "-c", CLI, "serve", "--workers", "2", "--port", str(port), "--database", given.submissions]
    with running(serve, DIGITKIT_SUBMIT_RATE="off") as process:
        wait_until_answers(process, port, message())
        store = Store.open(given.submissions)
        before, used = store.submissions.count(), cpu_s(process.pid)
        answers = asyncio.run(full(port, message, given.seconds))
        used_ms = 1_000 * (cpu_s(process.pid) - used) / len(answers.seconds)
    kept = store.submissions.count() - before
    store.close()
    made = answers.statuses.pop(201, 0)
    print(f"{made} answered with 201, {kept} in the database, other answers {dict(answers.statuses)};")
    print(f"{made / answers.lasted_s:.0f} per s for {answers.lasted_s:.0f} s, {used_ms:.1f} core ms each,")
    print(f"p50 {answers.quantile_ms(0.5):.0f} ms, p99 {answers.quantile_ms(0.99):.0f} ms")


def start(given: argparse.Namespace) -> None:
    """Seconds from the command to the first answer, on a machine without any data, and the processor's share of it."""
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            port, begun = free_port(), time.perf_counter()
            serve = [sys.executable, "-c", CLI, "serve", "--port", str(port)]
            with running(serve, DIGITKIT_DATA=folder) as process:
                wait_until_answers(process, port, request("/v1/predict", "image/png", picture()))
                lasted_s = time.perf_counter() - begun
                print(f"first answer after {lasted_s:.2f} s, {cpu_s(process.pid):.2f} of them on a core")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--litserve", metavar="FOLDER", help="where LitServe is installed")
    parser.add_argument("--submissions", metavar="DATABASE", help="measure submissions instead")
    parser.add_argument("--start", action="store_true", help="measure starts instead")
    arguments = parser.parse_args()
    (start if arguments.start else submit if arguments.submissions else compare)(arguments)
