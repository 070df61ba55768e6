"""Several threads' work in one transaction: on SQLite each waits for the disk, so that waiting once serves all."""

import threading
from collections import deque
from collections.abc import Callable
from copy import copy
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from digitkit.core.errors import DigitkitError, StoreUnavailable
from digitkit.store.refusals import BUSY, meaning

T = TypeVar("T")
MOST = 64  # pieces of work in one transaction


class Piece(Generic[T]):
    """Work that one thread waits for, and what became of it."""

    def __init__(self, work: Callable[[sa.Connection], T]) -> None:
        self.work = work
        self.results: list[T] = []  # one when it is done
        self.error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether the thread has nothing more to wait for."""
        return bool(self.results) or self.error is not None

    def answer(self) -> T:
        """What the work returned, or raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.results[0]


class Together:
    """Threads queue; whoever comes when nobody is at it does the work of all that wait, in one transaction."""

    def __init__(self, transact: Callable[[Callable[[sa.Connection], None]], None]) -> None:
        self._transact = transact  # does work in a transaction that is on the disk when it returns
        self._change = threading.Condition()
        self._is_busy = False
        self._waiting: deque[Piece[object]] = deque()

    def write(self, work: Callable[[sa.Connection], T], timeout_s: float) -> T:
        """Do the work together with that of others; it succeeds or fails by itself.

        Raises: StoreUnavailable when its turn does not come in time, and whatever the work or the transaction raises.
        """
        piece = Piece(work)
        if self._wait(piece, timeout_s):
            return piece.answer()
        try:
            while not piece.is_over:
                self._do_next()
        finally:
            with self._change:
                self._is_busy = False
                self._change.notify_all()
        return piece.answer()

    def _wait(self, piece: Piece[T], timeout_s: float) -> bool:
        """Whether another thread has done the piece; else it is this thread's turn."""
        queued: Piece[object] = piece  # type: ignore[assignment]
        with self._change:
            self._waiting.append(queued)
            self._change.wait_for(lambda: piece.is_over or not self._is_busy, timeout_s)
            if piece.is_over:
                return True
            if self._is_busy and queued in self._waiting:
                self._waiting.remove(queued)
                raise StoreUnavailable(BUSY, "too many writers wait in this process")
            # Where somebody is at this very piece, only that thread can say how it ends; its own time is limited.
            self._change.wait_for(lambda: piece.is_over or not self._is_busy)
            self._is_busy = not piece.is_over
            return piece.is_over

    def _do_next(self) -> None:
        """One transaction for the pieces that have waited longest."""
        with self._change:
            batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._transact(lambda connection: _do_all(connection, batch))
        except BaseException as error:
            lost = error if isinstance(error, DigitkitError) else StoreUnavailable(BUSY, repr(error))
            for piece in batch:
                piece.results.clear()  # what was done is not on the disk
                piece.error = copy(lost)  # each thread raises its own
            if not isinstance(error, DigitkitError):
                raise


def _do_all(connection: sa.Connection, batch: list[Piece[object]]) -> None:
    """Each piece by itself: what fails takes nothing else along."""
    for piece in batch:
        piece.results.clear()  # of an attempt that lost against another process
        piece.error = None
        part = connection.begin_nested()
        try:
            result = piece.work(connection)
        except BaseException as error:
            if not _is_its_own(error):
                raise
            part.rollback()
            piece.error = _as_ours(error)
        else:
            part.commit()
            piece.results.append(result)


def _is_its_own(error: BaseException) -> bool:
    """Whether only one piece is wrong; what the database says otherwise, such as a full disk, ends the transaction."""
    if isinstance(error, exc.SQLAlchemyError):
        is_of_values = isinstance(error, exc.StatementError) and not isinstance(error, exc.DBAPIError)
        return is_of_values or isinstance(error, exc.IntegrityError)
    return isinstance(error, Exception)


def _as_ours(error: BaseException) -> BaseException:
    """What the thread of a piece raises."""
    if not isinstance(error, exc.SQLAlchemyError):
        return error
    told = meaning(error)
    told.__cause__ = error
    return told
