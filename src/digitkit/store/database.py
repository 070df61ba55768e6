"""One database for many threads: how transactions are done, and done again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL

from digitkit.core.errors import StoreUnavailable
from digitkit.store.engine import FILE, IMMEDIATE, make_engine
from digitkit.store.refusals import AWAY, UNKNOWN, is_passing, meaning, told, translated
from digitkit.store.together import Together
from digitkit.store.urls import sqlite_path

T = TypeVar("T")
Clock = Callable[[], datetime]

PAUSE_S = 0.002  # before a transaction that lost against another is done again


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


class Database:
    """Connections to one database; `timeout_s` bounds each wait for a connection, a lock or a statement."""

    def __init__(self, url: URL, pool_size: int = 8, timeout_s: float = 5.0, clock: Clock = now) -> None:
        self.url = url
        self.clock = clock
        self.timeout_s = timeout_s
        self.path = sqlite_path(url)  # None for PostgreSQL
        self.engine = make_engine(url, timeout_s, pool_size)
        self._together = None if self.path is None else Together(self._transact)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.path is not None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in a transaction.

        Raises: StoreUnavailable, SchemaOutdated.
        """
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Do the work in one transaction that is on the disk when this returns; all of it or nothing.

        Work that lost against another transaction is done again, so it must change nothing but the database.
        Raises: StoreUnavailable when that does not succeed within `timeout_s`, and whatever the work raises.
        """
        return self._transact(work) if self._together is None else self._together.write(work, self.timeout_s)

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        """One transaction, done again while others win."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                return self._attempt(work)
            except exc.DBAPIError as error:
                if not is_passing(error) or time.monotonic() > deadline:
                    raise meaning(error) from error
                time.sleep(PAUSE_S)
            except exc.SQLAlchemyError as error:
                raise meaning(error) from error

    def _attempt(self, work: Callable[[sa.Connection], T]) -> T:
        with self.engine.connect().execution_options(**IMMEDIATE) as connection:
            with connection.begin() as transaction:
                result = work(connection)
                self._commit(transaction)
            if self.path is not None:
                self._make_sure_of_file(connection)
        return result

    def _commit(self, transaction: sa.RootTransaction) -> None:
        """Commit; a server that goes away meanwhile may have done so, or not.

        Raises: StoreUnavailable then, and what the database raises otherwise.
        """
        try:
            transaction.commit()
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable(UNKNOWN, told(error)) from error
            raise

    def _make_sure_of_file(self, connection: sa.Connection) -> None:
        """A file that was deleted or replaced meanwhile still takes rows, and nobody would ever read them.

        Raises: StoreUnavailable.
        """
        assert self.path is not None
        try:
            found = self.path.stat()
        except OSError:
            found = None
        if found is None or connection.info[FILE] != (found.st_dev, found.st_ino):
            self.engine.dispose()
            connection.invalidate()
            raise StoreUnavailable(AWAY, f"{self.path} was deleted or replaced while it was open")

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()
