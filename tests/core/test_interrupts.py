"""Ctrl-C that waits."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from digitkit.core.interrupts import uninterrupted


@pytest.fixture(autouse=True)
def usual_signal() -> Iterator[None]:
    """Ctrl-C as in a terminal: whoever starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interruption_comes_when_the_work_is_done() -> None:
    done = []

    def work() -> None:
        interrupt()
        done.append(1)

    with pytest.raises(KeyboardInterrupt):
        uninterrupted()(work)()
    assert done == [1]
    with pytest.raises(KeyboardInterrupt):  # and from then on at once
        work()
    assert done == [1]


def test_what_the_work_raises_is_raised_where_nothing_came() -> None:
    with pytest.raises(ValueError, match="our own"), uninterrupted():
        raise ValueError("our own")


def test_whoever_has_taken_the_signal_keeps_it() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with uninterrupted():
            interrupt()
            assert seen == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    found: list[object] = []

    def work() -> None:
        with uninterrupted():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
