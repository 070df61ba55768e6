import threading
from pathlib import Path

import pytest

from digitkit.core.errors import StoreError
from digitkit.data.lock import locked
from tests.data.conftest import Lines


def test_a_second_holder_waits_and_says_so(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def report(line: str) -> None:
        order.append(line)
        waiting.set()

    def second() -> None:
        with locked(tmp_path / "lock", report):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock"):
        thread.start()
        assert waiting.wait(timeout=30)
        order.append("first")
    thread.join()
    assert order == [f"Another process is at work on {tmp_path}; waiting for it.", "first", "second"]


def test_a_lock_is_let_go_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the work"), locked(tmp_path / "lock"):
        raise ValueError("the work failed")
    lines = Lines()
    with locked(tmp_path / "lock", lines):
        assert lines == []


def test_a_lock_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StoreError, match="Choose another place"), locked(tmp_path / "lock"):
        pass
