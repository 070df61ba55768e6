"""Tables made, and brought up to date, by one process at a time."""

import os
from importlib.resources import as_file, files
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from digitkit.core.errors import SchemaOutdated, StoreError
from digitkit.core.files import make_folder
from digitkit.store.engine import PATIENT, make_engine
from digitkit.store.refusals import translated
from digitkit.store.tables import REVISION
from digitkit.store.urls import shown, sqlite_path

WAIT_S = 60.0  # for another process that is at it
LOCK = 0x6469676974  # "digit": PostgreSQL's advisory lock for migrations
VERSION = sa.text("SELECT version_num FROM alembic_version")


def version(connection: sa.Connection) -> str | None:
    """The version of the tables, None where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(VERSION)
    return found


def upgrade(url: URL) -> None:
    """Bring the tables to the newest version, making a SQLite file that is not there; all of it or nothing.

    Raises: SchemaOutdated when a newer digitkit made them, StoreUnavailable, StoreError.
    """
    path = sqlite_path(url)
    if path is not None:
        _make_file(path)
    # SQLite changes a table by making it anew; with foreign keys on that would delete what refers to it.
    engine = make_engine(url, WAIT_S, pool_size=1, foreign_keys=False)
    try:
        with translated(), engine.connect().execution_options(**PATIENT) as connection, connection.begin():
            if path is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            if version(connection) != REVISION:
                _run(connection, url)
    finally:
        engine.dispose()


def differences(connection: sa.Connection) -> list[str]:
    """How the tables differ from what this digitkit expects, in Alembic's words; empty when they do not."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from digitkit.store.tables import metadata

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [str(each) for each in compare_metadata(context, metadata)]


def _make_file(path: Path) -> None:
    """A file that only its owner may read: it will hold other people's handwriting."""
    make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"Cannot write the database {path}: {error.strerror}. Choose another place.") from error


def _run(connection: sa.Connection, url: URL) -> None:
    """Alembic is imported only here: most starts find their tables as they should be."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    with as_file(files("digitkit.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SchemaOutdated(
                f"{shown(url)}: its tables are of version {version(connection)}, this digitkit knows up to {REVISION}."
                " A newer digitkit made them: update this one."
            ) from error
