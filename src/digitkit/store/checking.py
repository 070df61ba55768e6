"""Whether a database is what it should be."""

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa

from digitkit.store import migrating
from digitkit.store.database import Database
from digitkit.store.tables import REVISION, pictures, submissions

MOST = 20  # problems of one kind that are listed
PIECE = 4  # pictures in memory at once, of 20 MB at most


def problems(database: Database) -> Iterator[str]:
    """Everything that is wrong, a sentence each; nothing where all is well.

    Raises: StoreUnavailable, and StoreError when a SQLite file is too damaged to be read.
    """
    with database.reading() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        found = migrating.version(connection)
        if found != REVISION:
            yield f"The tables are of version {found or 'none'}, expected {REVISION}. Run `digitkit db upgrade`."
            return
        if database.is_sqlite:
            yield from _sqlite(connection)
        for difference in migrating.differences(connection):
            yield f"The tables differ from what the migrations make: {difference}"
        yield from _pictures(connection)


def _sqlite(connection: sa.Connection) -> Iterator[str]:
    """What SQLite itself finds in its file."""
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})"):
        if line != "ok":
            yield f"The file is damaged: {line}. Restore a backup with `digitkit db restore`."
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST):
        yield f"Row {row} of {table} refers to a row of {parent} that is not there."


def _pictures(connection: sa.Connection) -> Iterator[str]:
    """Pictures whose bytes are no longer the ones that came, or that nobody needs."""
    query = sa.select(pictures.c.sha256, pictures.c.content).execution_options(yield_per=PIECE)
    for digest, content in connection.execute(query):
        if hashlib.sha256(content).hexdigest() != digest:
            yield f"The picture {digest[:12]} has other bytes than it came with. Restore a backup."
    is_used = sa.exists().where(submissions.c.picture_sha256 == pictures.c.sha256)
    unused = connection.scalar(sa.select(sa.func.count()).select_from(pictures).where(~is_used))
    if unused:
        yield f"{unused} pictures belong to no submission."
