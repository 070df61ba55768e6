"""Under kills and outages nothing that was said to be kept is lost, and nothing is kept twice."""

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from digitkit.store import Store
from tests.fixtures.postgres import Postgres, running_postgres
from tests.service.live import as_process
from tests.service.senders import Senders

KILLS = 20
RECOVERY_S = 5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_000)]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_for(holds: Callable[[], bool], patience_s: float = 300) -> None:
    """Wait until something holds."""
    pause, deadline = threading.Event(), time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        pause.wait(0.01)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_answered_with_201_survives_every_kill(
    tmp_path: Path, seven: bytes, kind: str, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "digitkit.sqlite")
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        place = server.new_database()
    port = free_port()
    senders = Senders(port, seven)
    senders.start()
    for _ in range(KILLS):
        with as_process(tmp_path, "--database", place, "--port", str(port)) as process:
            before = len(senders.kept)
            wait_for(lambda before=before: len(senders.kept) >= before + 10)  # type: ignore[misc]
            process.kill()
    with as_process(tmp_path, "--database", place, "--port", str(port)):
        senders.finish()
    store = Store.open(place)
    kept = set(senders.kept.values())
    stored = [row.id for row, _ in store.submissions.each()]
    store.close()
    assert len(senders.kept) >= 10 * KILLS
    assert len(kept) == len(senders.kept)
    assert Counter(stored) == Counter(kept)
    assert senders.changed == []


def test_a_database_that_goes_and_comes_back_fails_no_prediction(tmp_path: Path, seven: bytes) -> None:
    predicted, done = Counter[int](), threading.Event()
    with running_postgres(tmp_path / "data") as server:
        place = server.new_database()
        with as_process(tmp_path, "--database", place) as process:
            port = int(process.address.rpartition(":")[2])
            senders = Senders(port, seven)

            def predict() -> None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                while not done.is_set():
                    connection.request("POST", "/v1/predict", seven, {"Content-Type": "image/png"})
                    answer = connection.getresponse()
                    answer.read()
                    predicted[answer.status] += 1
                connection.close()

            predicting = threading.Thread(target=predict)
            predicting.start()
            senders.start()
            wait_for(lambda: len(senders.kept) >= 20)
            server.stop()
            wait_for(lambda: senders.statuses[503] >= 5)
            read_before = predicted[200]
            wait_for(lambda: predicted[200] > read_before + 5)
            server.start()
            back, before = time.monotonic(), len(senders.kept)
            wait_for(lambda: len(senders.kept) >= before + 1)
            recovered_s = time.monotonic() - back
            wait_for(lambda: len(senders.kept) >= before + 20)
            done.set()
            predicting.join()
            senders.finish()
        store = Store.open(place)
        stored = [row.id for row, _ in store.submissions.each()]
        store.close()
    assert set(predicted) == {200}
    assert set(senders.statuses) == {201, 503}
    assert recovered_s < RECOVERY_S
    assert Counter(stored) == Counter(senders.kept.values())
