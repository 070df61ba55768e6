"""Both databases for every test of the store, each with tables made by the migrations."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from digitkit.store import Store
from digitkit.store.tables import metadata
from tests.fixtures.postgres import Postgres, migrated_template


class HandClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **time: float) -> None:
        self.moment += timedelta(**time)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    return migrated_template(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The name of a database, so that the test runs on each."""
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if database == "sqlite":
        return str(tmp_path / "store.sqlite")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def own_tables() -> None:
    """For tests that change tables: they get a database that no other test uses."""


@pytest.fixture(scope="session")
def shared_url(postgres: Postgres, template: str) -> str:
    """A database of the server for one test after the other: a new one for each would be a gigabyte in the end."""
    return postgres.new_database(template)


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and no rows."""
    if database == "sqlite":
        return str(shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "store.sqlite"))
    if "own_tables" in request.fixturenames:
        server: Postgres = request.getfixturevalue("postgres")
        return server.new_database(request.getfixturevalue("template"))
    shared = str(request.getfixturevalue("shared_url"))
    with psycopg.connect(shared) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(f'DELETE FROM "{table.name}"'.encode())
    return shared


@pytest.fixture
def open_store(clock: HandClock) -> Iterator[Callable[..., Store]]:
    """Opens stores that are closed at the end."""
    opened: list[Store] = []

    def open_one(url: str | Path, timeout_s: float = 10) -> Store:
        opened.append(Store.open(url, timeout_s=timeout_s, clock=clock))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(url: str, open_store: Callable[..., Store]) -> Store:
    return open_store(url)
