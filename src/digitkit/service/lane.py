"""A few threads and a short queue before them: who finds it full is told so at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from digitkit.core.errors import Overloaded

R = TypeVar("R")


class Lane:
    """Runs work that keeps a thread busy. `held` counts what runs or waits."""

    def __init__(self, name: str, threads: int, queue: int, timeout_s: float, note: Callable[[int], None]) -> None:
        self.name, self.capacity, self.timeout_s = name, threads + queue, timeout_s
        self.held = 0
        self._note = note  # is told how much is held whenever that changes
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], R]) -> R:
        """The result of the work, which runs on one of the threads.

        Raises: Overloaded when the queue is full, or the time is over; what the work raises.
        """
        with self._lock:
            if self.held >= self.capacity:
                raise Overloaded("The service is full. Try again in a second.")
            self.held += 1
            self._note(self.held)
        future = self._pool.submit(work)
        future.add_done_callback(self._release)
        try:  # shielded: work that runs cannot be stopped, and keeps its place until it ends
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), self.timeout_s)
        except TimeoutError as error:
            raise Overloaded(
                f"No answer within {self.timeout_s:g} s; it may still be done. Try again later, with less at once."
            ) from error
        finally:
            future.cancel()  # only what still waits

    def _release(self, future: "Future[R]") -> None:
        with self._lock:
            self.held -= 1
            self._note(self.held)

    def close(self) -> None:
        """Wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)
