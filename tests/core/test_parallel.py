"""Work in threads keeps its order, its bounds and its errors."""

import threading
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
