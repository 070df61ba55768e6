"""The same work on many things at once, in threads: for work that leaves the interpreter free."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(
    work: Callable[[T], R], things: Iterable[T], threads: int, is_small: Callable[[T], bool] | None = None
) -> Iterator[R]:
    """`work` of each thing, in order; at most twice as many things as threads are held.

    With one thread, or for one thing, no thread is started. Small things are worked on here when it is their turn,
    since handing them over would take longer.
    Raises: what `work` raises; the rest is then left undone.
    """
    rest = iter(things)
    held = [thing for _, thing in zip(range(2), rest, strict=False)]
    if threads == 1 or len(held) < 2:
        yield from map(work, held)
        yield from map(work, rest)
        return
    answers: deque[Callable[[], R]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for thing in chain(held, rest):
            if len(answers) >= 2 * threads:
                yield answers.popleft()()
            small = is_small is not None and is_small(thing)
            answers.append(partial(work, thing) if small else pool.submit(work, thing).result)
        while answers:
            yield answers.popleft()()
    finally:
        pool.shutdown(cancel_futures=True)
