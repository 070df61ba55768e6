"""The same work on many things at once, in threads: for work that leaves the interpreter free."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(
    work: Callable[[T], R], things: Iterable[T], threads: int, is_small: Callable[[T], bool] | None = None
) -> Iterator[R]:
    """`work` of each thing, in order; at most twice as many things as threads are held.

    With one thread, or for one thing, no thread is started. Small things are worked on here, where handing them
    over takes longer.
    Raises: what `work` raises; the rest is then left undone.
    """
    rest = iter(things)
    held = [thing for _, thing in zip(range(2), rest, strict=False)]
    if threads == 1 or len(held) < 2:
        yield from map(work, held)
        yield from map(work, rest)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for thing in chain(held, rest):
                while waiting and waiting[0].done():
                    yield waiting.popleft().result()
                small = is_small is not None and is_small(thing)
                if small and not waiting:
                    yield work(thing)
                    continue
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
                waiting.append(_done(work, thing) if small else pool.submit(work, thing))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _done(work: Callable[[T], R], thing: T) -> Future[R]:
    """`work` of a thing that waits for its turn, its error too."""
    future: Future[R] = Future()
    try:
        future.set_result(work(thing))
    except Exception as error:
        future.set_exception(error)
    return future
