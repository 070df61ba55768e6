"""What the errors of databases mean to us; their own text goes into `detail` and the log, never into a message."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from digitkit.core.errors import Conflict, SchemaOutdated, StoreError, StoreUnavailable

log = logging.getLogger(__name__)

AWAY = "The database does not answer. Nothing was saved; try again shortly."
UNKNOWN = (
    "The database went away while it saved, so whether this was saved is not known."
    " A request with an idempotency key may be sent again; otherwise look first."
)
BUSY = "The database is busy. Nothing was saved; try again shortly."
FULL = "The database cannot be written (disk full, or read-only). Nothing was saved; make room and try again."
OUTDATED = "The tables of the database are not those of this digitkit. Run `digitkit db upgrade`."
DAMAGED = "The database is damaged. Run `digitkit db check`, and restore a backup with `digitkit db restore`."
REFUSED = "The database refused what digitkit asked for. Nothing was saved; the log says why."
CONTRADICTS = "This contradicts what the database holds already. Nothing was saved."

# Primary result codes of SQLite (https://sqlite.org/rescode.html).
_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: FULL,
}
_SQLITE_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# SQLSTATE of PostgreSQL by its first characters; the longest that fits counts.
_POSTGRESQL = {
    "08": AWAY,  # connection
    "57": AWAY,  # shut down, starting up, cancelled
    "53": FULL,  # disk, memory, connections
    "533": BUSY,
    "57014": BUSY,  # over statement_timeout
    "55": BUSY,  # over lock_timeout
    "40": BUSY,  # deadlock, serialisation
    "25006": FULL,  # read-only
}
_PASSING = ("40001", "40P01")
_NO_TABLE = ("42P01", "42703")


def sqlstate(error: exc.DBAPIError) -> str:
    """PostgreSQL's five characters, empty where there are none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def sqlite_code(error: exc.DBAPIError) -> int:
    """SQLite's primary result code, 0 where there is none."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def is_passing(error: exc.DBAPIError) -> bool:
    """Whether a transaction lost against another one and would succeed when done again."""
    return sqlstate(error) in _PASSING or sqlite_code(error) == sqlite3.SQLITE_BUSY


def is_repeated(error: exc.IntegrityError) -> bool:
    """Whether a row of that key is there already."""
    codes = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return sqlstate(error) == "23505" or getattr(error.orig, "sqlite_errorcode", 0) in codes


def told(error: exc.SQLAlchemyError) -> str:
    """What the database said, which goes into the log too."""
    detail = str(getattr(error, "orig", None) or error).strip()
    log.warning("database: %s: %s", type(error).__name__, detail)
    return detail


def meaning(error: exc.SQLAlchemyError) -> StoreError:
    """Our error for one of the database's."""
    detail = told(error)
    if isinstance(error, exc.IntegrityError):
        return Conflict(CONTRADICTS)
    if not isinstance(error, exc.DBAPIError):
        if isinstance(error, exc.StatementError):  # a value that no database could hold
            return StoreError(REFUSED)
        return StoreUnavailable(BUSY if isinstance(error, exc.TimeoutError) else AWAY, detail)  # of the pool
    if (
        sqlstate(error) in _NO_TABLE
        or detail.startswith(("no such table", "no such column"))
        or "has no column" in detail
    ):
        return SchemaOutdated(OUTDATED)
    if sqlite_code(error) in _SQLITE_DAMAGED:
        return StoreError(DAMAGED)
    text = _SQLITE.get(sqlite_code(error)) or _by_sqlstate(sqlstate(error))
    is_connection = isinstance(error, exc.OperationalError | exc.InterfaceError) and not sqlstate(error)
    if text or error.connection_invalidated or (is_connection and not sqlite_code(error)):
        return StoreUnavailable(text or AWAY, detail)
    return StoreError(REFUSED)


def _by_sqlstate(state: str) -> str | None:
    return next((_POSTGRESQL[state[:n]] for n in range(len(state), 1, -1) if state[:n] in _POSTGRESQL), None)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database become ours."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise meaning(error) from error
