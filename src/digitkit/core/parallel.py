"""The same work on many things at once, in threads: for work that leaves the interpreter free."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R]:
    """`work` of each thing, in order; at most twice as many things as threads are held.

    With one thread, or for a single thing, no thread is started.
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
            waiting.extend(pool.submit(work, thing) for thing in held)
            for thing in rest:
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, thing))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
