"""The store: one database with everything that the service must not lose."""

from pathlib import Path

import sqlalchemy as sa

from digitkit.store import backups, checking, migrating, urls
from digitkit.store.bundles import Bundles
from digitkit.store.database import Clock, Database, now
from digitkit.store.keys import Keys
from digitkit.store.records import AuditRow
from digitkit.store.submissions import Submissions
from digitkit.store.tables import REVISION, audit


class Store:
    """Submissions, bundles and keys of one database; several threads may use it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.submissions = Submissions(database)
        self.bundles = Bundles(database)
        self.keys = Keys(database)

    @classmethod
    def open(cls, url: str | Path, *, pool_size: int = 8, timeout_s: float = 5.0, clock: Clock = now) -> "Store":
        """Know a database by path or URL; nothing is connected, made or changed before the first call.

        `timeout_s` bounds each wait for a connection, a lock or a statement.
        Raises: ConfigError when the address is none.
        """
        return cls(Database(urls.parse(str(url)), pool_size, timeout_s, clock))

    @property
    def address(self) -> str:
        """Where the database is, without its password."""
        return urls.shown(self.database.url)

    def upgrade(self) -> None:
        """Make the tables, or bring them up to date; several processes may do so at once.

        Raises: SchemaOutdated when a newer digitkit made them, StoreUnavailable, StoreError.
        """
        if self.database.path is None or self.database.path.exists():
            if self.is_current():
                return
            self.database.close()  # no connection remembers the old tables
        migrating.upgrade(self.database.url)

    def is_current(self) -> bool:
        """Whether the tables are of this digitkit's version.

        Raises: StoreUnavailable.
        """
        with self.database.reading() as connection:
            return migrating.version(connection) == REVISION

    def ping(self) -> None:
        """Come back when the database answers.

        Raises: StoreUnavailable when it does not.
        """
        with self.database.reading() as connection:
            connection.execute(sa.select(1))

    def check(self) -> list[str]:
        """What is wrong with the database, a sentence each; nothing where all is well. Reads every picture.

        Raises: StoreUnavailable, and StoreError when a SQLite file is too damaged to be read.
        """
        return list(checking.problems(self.database))

    def backup(self, target: Path) -> dict[str, int]:
        """Write everything to one SQLite file while others go on; returns the rows of each table.

        Raises: Conflict, NotFound, StoreError; then there is no new file.
        """
        return backups.backup(self.database, target)

    def restore(self, source: Path, is_forced: bool = False) -> dict[str, int]:
        """Put a backup in the place of everything, in one transaction; returns the rows of each table.

        Raises: Conflict when the database holds something and this is not forced, NotFound, StoreError for a file that
        is no whole backup; then nothing has changed.
        """
        return backups.restore(self.database, source, is_forced)

    def audit(self, limit: int = 100) -> "list[AuditRow]":
        """The last changes that people made, newest first."""
        query = sa.select(audit).order_by(audit.c.number.desc()).limit(limit)
        with self.database.reading() as connection:
            return [AuditRow(**row) for row in connection.execute(query).mappings()]

    def close(self) -> None:
        """Let all connections go."""
        self.database.close()
