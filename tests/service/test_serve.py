"""`digitkit serve` as a user runs it: real processes, real ports, real signals."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from digitkit.store import Store
from tests.service.live import CLI, Process, as_process, private_mb

TRAINING = {"torch", "lightning", "hydra", "omegaconf", "onnx", "scipy", "sklearn", "matplotlib"}


def read_label(address: str, picture: bytes) -> str:
    """The label that a service reads."""
    with urlopen(Request(f"{address}/v1/predict", picture, {"Content-Type": "image/png"}), timeout=60) as answer:
        label: str = json.load(answer)["answers"][0]["prediction"]["label"]
        return label


def refused(*words: str, **environment: str) -> tuple[int, str]:
    """The exit code and the words of a service that does not start."""
    command = [sys.executable, "-c", CLI, "serve", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=120)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A service of two workers."""
    with as_process(tmp_path_factory.mktemp("pair"), "--workers", "2") as process:
        yield process


def test_on_an_empty_machine_it_answers_says_where_and_stops_when_asked(tmp_path: Path, seven: bytes) -> None:
    with as_process(tmp_path) as process:
        assert read_label(process.address, seven) == "7"
        assert str(tmp_path / "digitkit.sqlite") in process.said
        assert private_mb(process.process.pid) < 200
        assert process.stop(signal.SIGINT) == 0
    store = Store.open(tmp_path / "digitkit.sqlite")
    assert store.is_current()
    store.close()


def test_several_workers_share_the_port_and_their_counts(pair: Process, seven: bytes) -> None:
    assert {read_label(pair.address, seven) for _ in range(20)} == {"7"}
    with urlopen(f"{pair.address}/metrics", timeout=60) as answer:
        families = {each.name: each for each in text_string_to_metric_families(answer.read().decode())}
    assert sum(each.value for each in families["digitkit_predictions"].samples) == 20


def test_a_worker_takes_little_memory(pair: Process, seven: bytes) -> None:
    read_label(pair.address, seven)
    assert max(map(private_mb, pair.pids)) < 200


def test_a_stop_finishes_what_was_accepted(tmp_path: Path, seven: bytes) -> None:
    with as_process(tmp_path) as process:
        host, port = process.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            head = (
                f"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(seven)}\r\nExpect: 100-continue\r\n\r\n"
            )
            connection.sendall(head.encode())
            assert connection.recv(1_000).startswith(b"HTTP/1.1 100")  # it is accepted now
            process.process.send_signal(signal.SIGTERM)
            connection.sendall(seven)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert json.loads(answer.read())["answers"][0]["prediction"]["label"] == "7"
        assert process.process.wait(60) == -signal.SIGTERM


def test_a_worker_that_dies_is_replaced(pair: Process, seven: bytes) -> None:
    read_label(pair.address, seven)
    victim = next(pid for pid in pair.pids[1:] if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(victim, signal.SIGKILL)
    pause = threading.Event()
    for _ in range(2_400):  # one that dies while it is asked whether it lives is missed after 20 s
        spawned = [pid for pid in pair.pids[1:] if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if victim not in spawned and len(spawned) == 2:
            break
        pause.wait(0.05)
    else:
        raise AssertionError("no new worker came")
    assert read_label(pair.address, seven) == "7"


def test_a_port_that_is_taken_is_refused_with_one_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused("--port", str(taken.getsockname()[1]), DIGITKIT_DATA=str(tmp_path))
    assert (code, said.count("\n")) == (2, 1)
    assert "Cannot listen" in said


def test_a_wrong_configuration_is_refused_with_one_message(tmp_path: Path) -> None:
    code, said = refused(DIGITKIT_WORKERS="many", DIGITKIT_QUEUE="-1", DIGITKIT_DATA=str(tmp_path))
    assert (code, said.count("\n")) == (2, 1)
    assert "DIGITKIT_WORKERS" in said
    assert "DIGITKIT_QUEUE" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--database", "mysql://me:hunter2@host/name"), 2),
        (("--bundle", "missing.onnx"), 4),
        (("--database", "file/in/file"), 5),
        (("--bundle", "nothing@0123456789ab"), 5),
        (("--bundle", "nothing@0123456789ab", "--workers", "2"), 5),
        (("--host", "a" * 70), 2),
        (("--host", "a..b"), 2),
    ],
    ids=["database", "bundle", "folder", "id", "id-of-two-workers", "long-host", "no-host"],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    (tmp_path / "file").touch()
    given = [word.replace("file/in", f"{tmp_path}/file/in") for word in words]
    found, said = refused("--port", "0", *given, DIGITKIT_DATA=str(tmp_path))
    assert found == code, said
    assert said.count("error: ") == 1
    assert "Traceback" not in said
    assert "hunter2" not in said


def test_what_serves_never_loads_training() -> None:
    code = "import digitkit.service.app, digitkit.service.server, sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in json.loads(done.stdout)} & TRAINING == set()
