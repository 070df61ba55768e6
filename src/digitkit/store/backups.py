"""Backups: one SQLite file whichever database it comes from, which goes back into either.

A backup is a whole store: it can be looked into with any SQLite program, checked with `digitkit db check`, and used in
place. From SQLite it is made by SQLite's online backup, from PostgreSQL by copying one snapshot of all rows.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from digitkit.core.errors import Conflict, NotFound, StoreError
from digitkit.core.files import atomic_path
from digitkit.store import checking, migrating, urls
from digitkit.store.database import Database
from digitkit.store.refusals import translated
from digitkit.store.tables import metadata, pictures

FETCHED = 8  # pictures at a time from the source: one has 20 MB at most
PIECE, PIECE_BYTES = 500, 8 * 2**20  # rows, and bytes of their pictures, at a time into the target
CANNOT_WRITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC)  # the source is only read
NUMBERED = ("reviews", "promotions", "audit")  # tables whose numbers PostgreSQL counts by itself


def backup(database: Database, target: Path) -> dict[str, int]:
    """Write everything to one file while others go on reading and writing; returns the rows of each table.

    Raises: Conflict when the target is the database itself, StoreError when the copy is not whole or cannot be written.
    """
    if database.path is not None and target.exists() and target.samefile(database.path):
        raise Conflict(f"{target} is the database itself. Choose another file for the backup.")
    if database.path is not None and not database.path.is_file():
        raise NotFound(f"There is no database {database.path} to back up. Look at the path.")
    with atomic_path(target) as temporary:
        temporary.chmod(0o600)  # before it holds what the database holds
        if database.path is not None:
            _copy_file(database.path, temporary)
        else:
            _copy_rows_out(database, temporary)
        with _opened(temporary) as copy:
            _demand_whole(copy, target)
            return count_rows(copy)


def restore(database: Database, source: Path, is_forced: bool = False) -> dict[str, int]:
    """Put a backup in the place of everything in a database, in one transaction; returns the rows of each table.

    The backup is checked first, and brought to this version if an older digitkit made it.
    Raises: NotFound, StoreError for a file that is no whole backup, Conflict when the database holds something and the
    restore is not forced; then nothing has changed.
    """
    if not source.is_file():
        raise NotFound(f"There is no backup {source}. Look at the path.")
    with tempfile.TemporaryDirectory(prefix="digitkit-") as folder:
        copy = Path(folder) / "backup.sqlite"
        copy.touch(0o600)
        _copy_file(source, copy)
        migrating.upgrade(urls.parse(str(copy)))
        with _opened(copy) as backed_up:
            _demand_whole(backed_up, source)
            migrating.upgrade(database.url)
            database.write(lambda connection: _replace_rows(connection, backed_up, is_forced))
            return count_rows(backed_up)


def count_rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    with database.reading() as connection:
        return {table.name: _count(connection, table) for table in metadata.sorted_tables}


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@contextmanager
def _opened(path: Path) -> Iterator[Database]:
    """A backup's file as a database; afterwards it is one file again, without a log beside it."""
    database = Database(urls.parse(str(path)), pool_size=2)
    try:
        yield database
    finally:
        database.close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")


def _copy_file(source: Path, target: Path) -> None:
    """SQLite's online backup: one state of the file, while others write to it."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(target)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) in CANNOT_WRITE:
            raise StoreError(
                f"{source}: cannot be copied to {target.parent} ({error}). Free some space there."
            ) from error
        raise StoreError(
            f"{source}: cannot be read as a database ({error}). Give a file of `digitkit db backup`."
        ) from error


def _demand_whole(copy: Database, where: Path) -> None:
    """Raises: StoreError unless the copy is a store without faults."""
    found = list(checking.problems(copy))
    if found:
        raise StoreError(f"{where}: the backup is not whole. {' '.join(found[:3])}")


def _copy_rows_out(database: Database, target: Path) -> None:
    """One snapshot of PostgreSQL into a new file."""
    url = urls.parse(str(target))
    migrating.upgrade(url)
    with _opened(target) as copy, translated(), database.engine.connect() as connection:
        snapshot = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with snapshot.begin():
            snapshot.execute(sa.text("SET LOCAL statement_timeout = 0"))
            copy.write(lambda into: _copy_rows(snapshot, into))


def _replace_rows(connection: sa.Connection, backed_up: Database, is_forced: bool) -> None:
    """Everything out and the backup in, while nobody else writes."""
    tables = metadata.sorted_tables
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text(f"LOCK TABLE {', '.join(table.name for table in tables)} IN ACCESS EXCLUSIVE MODE"))
    held = {table.name: n for table in tables if (n := _count(connection, table))}
    if held and not is_forced:
        told = ", ".join(f"{n} {name}" for name, n in held.items())
        raise Conflict(f"The database is not empty ({told}). Give --force to replace all of it, after a backup.")
    for table in reversed(tables):
        connection.execute(table.delete())
    with backed_up.reading() as source:
        _copy_rows(source, connection)
    if connection.dialect.name != "sqlite":
        for name in NUMBERED:
            newest = f"SELECT setval(pg_get_serial_sequence('{name}', 'number'), max(number)) FROM {name}"
            connection.execute(sa.text(newest))


def _copy_rows(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of every table, a piece at a time; what others refer to goes first."""
    for table in metadata.sorted_tables:
        rows = source.execute(
            sa.select(table).execution_options(yield_per=FETCHED if table is pictures else PIECE)
        ).mappings()
        for piece in _pieces(rows):
            target.execute(table.insert(), piece)


def _pieces(rows: Iterable[sa.RowMapping]) -> Iterator[list[dict[str, object]]]:
    """Rows in lists of at most some hundred, or of some megabytes of pictures."""
    piece: list[dict[str, object]] = []
    size = 0
    for row in rows:
        piece.append(dict(row))
        size += row.get("size", 0)
        if len(piece) >= PIECE or size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
