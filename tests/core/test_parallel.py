"""Work in threads keeps its order, its bounds and its errors."""

import threading
import time
from collections.abc import Iterator

import pytest

from digitkit.core.parallel import in_threads


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
def test_answers_come_in_the_order_of_the_things(threads: int, count: int) -> None:
    assert list(in_threads(lambda x: x * x, iter(range(count)), threads)) == [x * x for x in range(count)]


def test_several_things_are_worked_on_at_once() -> None:
    both = threading.Barrier(2, timeout=20)  # each waits until the other is there
    assert list(in_threads(lambda x: both.wait() >= 0, range(2), 2)) == [True, True]


def test_things_are_taken_only_when_they_are_needed() -> None:
    taken: list[int] = []

    def things() -> Iterator[int]:
        for x in range(100):
            taken.append(x)
            yield x

    answers = in_threads(abs, things(), 2)
    assert next(answers) == 0
    assert len(taken) <= 5


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_reaches_the_caller(threads: int) -> None:
    answers = in_threads(lambda x: 1 // (x - 2), range(50), threads)
    assert [next(answers), next(answers)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_one_thing_starts_no_thread() -> None:
    assert list(in_threads(lambda _: threading.current_thread(), [0], 4)) == [threading.current_thread()]


def test_small_things_are_done_here_and_large_ones_in_threads_in_one_order() -> None:
    here = threading.current_thread()

    def work(x: int) -> tuple[int, bool]:
        return x, threading.current_thread() is here

    answers = list(in_threads(work, range(60), 3, lambda x: x % 5 != 0))
    assert answers == [(x, x % 5 != 0) for x in range(60)]


def test_the_error_of_a_small_thing_waits_for_its_turn() -> None:
    answers = in_threads(lambda x: 1 // (x - 2), range(50), 2, lambda x: x > 0)
    assert [next(answers), next(answers)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_a_consumer_that_leaves_leaves_the_rest_undone() -> None:
    begun: list[int] = []

    def work(x: int) -> int:
        begun.append(x)
        time.sleep(0.02)
        return x

    answers = in_threads(work, range(1000), 2)
    assert next(answers) == 0
    answers.close()  # type: ignore[attr-defined]
    assert len(begun) <= 4
    time.sleep(0.1)
    assert len(begun) <= 4
