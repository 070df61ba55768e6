"""When the database is away, busy, full or gone, nothing is said to be saved, and all goes on by itself afterwards."""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from digitkit.core.errors import ConfigError, Conflict, StoreError, StoreUnavailable
from digitkit.store import Store, urls
from digitkit.store.tables import submissions
from tests.fixtures.postgres import Postgres, running_postgres
from tests.store.made import submission


@pytest.fixture
def sqlite_store(migrated_file: Path, tmp_path: Path, open_store: Callable[..., Store]) -> Store:
    path = tmp_path / "store.sqlite"
    path.write_bytes(migrated_file.read_bytes())
    return open_store(path, timeout_s=0.2)


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that these tests may stop."""
    with running_postgres(tmp_path_factory.mktemp("stopped") / "data") as server:
        yield server


def test_a_server_that_stops_and_starts_again_is_found_again(
    own_postgres: Postgres, open_store: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(own_postgres.new_database())
    store.upgrade()
    store.submissions.add(submission(), "before")
    own_postgres.stop()
    with caplog.at_level(logging.WARNING), pytest.raises(StoreUnavailable) as caught:
        store.submissions.add(submission(picture=b"again"), "during")
    own_postgres.start()
    assert store.submissions.add(submission(picture=b"again"), "during").is_new
    assert store.submissions.count() == 2
    assert str(caught.value) == "The database does not answer. Nothing was saved; try again shortly."
    assert caught.value.detail
    assert caught.value.detail in caplog.text


@pytest.mark.parametrize("is_ended", ["before", "after"])
def test_of_a_commit_that_is_cut_off_nobody_says_whether_it_was_done(
    postgres: Postgres, open_store: Callable[..., Store], template: str, is_ended: str
) -> None:
    store = open_store(postgres.new_database(template))

    def cut_off(connection: sa.Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        if is_ended == "after":
            raw.commit()
        postgres.execute(f"SELECT pg_terminate_backend({raw.info.backend_pid}, 10000)")
        with pytest.raises(psycopg.OperationalError):  # it learns of it
            raw.execute("SELECT 1")

    sa.event.listen(store.database.engine, "commit", cut_off, once=True)
    with pytest.raises(StoreUnavailable, match="not known"):
        store.submissions.add(submission(picture=b"same"), "key")
    again = store.submissions.add(submission(picture=b"same"), "key")
    assert again.is_new == (is_ended == "before")
    assert store.submissions.count() == 1


def test_a_server_that_was_never_there_is_away_and_its_password_is_told_to_nobody(
    open_store: Callable[..., Store], caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store("postgresql://digitkit:hush@127.0.0.1:1/digits")
    for call in (store.ping, store.upgrade, store.is_current):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert "hush" not in repr(caught.value) + caught.value.detail
    assert "hush" not in store.address + caplog.text
    assert store.address == "postgresql://digitkit:***@127.0.0.1:1/digits"


@pytest.mark.parametrize(
    "place", ["", "mysql://host/name", "sqlite://", "sqlite:///:memory:", "://", "postgresql://h:x/n"]
)
def test_an_address_that_is_none_is_a_mistake_at_once(place: str) -> None:
    with pytest.raises(ConfigError):
        Store.open(place)


def test_addresses_are_understood_in_the_ways_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "a b%20#?.sqlite"
    assert urls.sqlite_path(urls.parse(str(path))) == path
    assert urls.sqlite_path(urls.parse(f"sqlite:///{tmp_path}/x")) == tmp_path / "x"
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert urls.parse(f"{scheme}://u:p@h/n").drivername == "postgresql+psycopg"


def test_a_file_with_any_name_can_hold_a_store(tmp_path: Path, open_store: Callable[..., Store]) -> None:
    store = open_store(tmp_path / "new folder" / "a b%20#?é.sqlite")
    store.upgrade()
    store.submissions.add(submission())
    assert store.check() == []
    assert [path.name for path in (tmp_path / "new folder").glob("*.sqlite")] == ["a b%20#?é.sqlite"]
    assert (tmp_path / "new folder" / "a b%20#?é.sqlite").stat().st_mode & 0o077 == 0


def test_a_file_that_another_process_locks_for_long_is_busy(sqlite_store: Store) -> None:
    assert sqlite_store.database.path is not None
    with closing(sqlite3.connect(sqlite_store.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="busy"):
            sqlite_store.submissions.add(submission())
        assert sqlite_store.submissions.count() == 0  # reading goes on
        other.execute("ROLLBACK")
    assert sqlite_store.submissions.add(submission()).is_new


@pytest.mark.parametrize("is_replaced", [False, True], ids=["deleted", "replaced"])
def test_a_file_that_is_taken_away_takes_no_submission(
    sqlite_store: Store, migrated_file: Path, is_replaced: bool
) -> None:
    path = sqlite_store.database.path
    assert path is not None
    sqlite_store.submissions.add(submission())
    for each in path.parent.glob("store.sqlite*"):
        each.unlink()
    if is_replaced:
        path.write_bytes(migrated_file.read_bytes())
    with pytest.raises(StoreUnavailable, match="Nothing was saved"):
        sqlite_store.submissions.add(submission())
    if is_replaced:
        assert sqlite_store.submissions.add(submission()).is_new
        assert sqlite_store.submissions.count() == 1
    else:
        assert not path.exists()


def test_a_full_disk_saves_nothing_and_says_so(sqlite_store: Store) -> None:
    sqlite_store.submissions.add(submission())
    with sqlite_store.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @sa.event.listens_for(sqlite_store.database.engine, "begin")
    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreUnavailable, match="disk full"):
        sqlite_store.submissions.add(submission(picture=bytes(100_000)))
    assert sqlite_store.submissions.count() == 1


def test_a_damaged_file_is_called_damaged(sqlite_store: Store) -> None:
    path = sqlite_store.database.path
    assert path is not None
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        sqlite_store.submissions.count()


def test_threads_share_a_transaction_and_what_fails_takes_nothing_else_along(store: Store) -> None:
    store.submissions.add(submission("7", b"first"), "taken")
    gate = threading.Barrier(8)

    def send(number: int) -> bool:
        gate.wait()
        try:
            key = "taken" if number % 4 == 0 else f"key {number}"
            return store.submissions.add(submission("7", b"%d" % number), key).is_new
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        for round_number in range(3):
            answers = list(pool.map(send, range(8 * round_number, 8 * round_number + 8)))
            assert answers == [number % 4 != 0 for number in range(8)]
    assert store.submissions.count() == 1 + 3 * 6
    assert store.check() == []


def test_a_mistake_of_ours_reaches_its_caller_and_stops_no_other_writer(store: Store) -> None:
    def mistake(connection: sa.Connection) -> None:
        connection.execute(submissions.delete())
        raise ZeroDivisionError

    store.submissions.add(submission())
    with pytest.raises(ZeroDivisionError):
        store.database.write(mistake)
    assert store.submissions.count() == 1
    assert store.submissions.add(submission()).is_new


@pytest.mark.parametrize("is_bad_first", [False, True])
def test_a_mistake_of_one_thread_is_told_to_that_one_alone(
    migrated_file: Path, tmp_path: Path, open_store: Callable[..., Store], is_bad_first: bool
) -> None:
    (tmp_path / "store.sqlite").write_bytes(migrated_file.read_bytes())
    store = open_store(tmp_path / "store.sqlite")
    entered, release, pause = threading.Event(), threading.Event(), threading.Event()
    together = store.database._together
    assert together is not None

    def occupy(connection: sa.Connection) -> None:
        entered.set()
        release.wait(60)

    def mistake(connection: sa.Connection) -> None:
        connection.execute(submissions.delete())
        raise ZeroDivisionError

    kept = store.submissions.add(submission()).row.id
    with ThreadPoolExecutor(3) as pool:
        pool.submit(store.database.write, occupy)
        entered.wait(60)
        tasks = [partial(store.submissions.add, submission()), partial(store.database.write, mistake)]
        asked = []
        for n, task in enumerate(reversed(tasks) if is_bad_first else tasks):
            asked.append(pool.submit(task))
            while len(together._waiting) <= n:
                pause.wait(0.001)
        release.set()
    good, bad = reversed(asked) if is_bad_first else asked
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert good.exception() is None
    assert store.submissions.get(kept).id == kept
    assert store.submissions.count() == 2


def test_the_store_can_be_used_again_after_it_was_closed(store: Store) -> None:
    store.close()
    store.ping()
    assert store.submissions.add(submission()).is_new


def test_the_settings_that_make_a_commit_last_are_in_force(store: Store) -> None:
    with store.database.reading() as connection:
        if store.database.is_sqlite:
            told = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            ]
            assert told == ["wal", 2, 1, 1]
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="locked"):
        Store.open(tmp_path / "locked" / "store.sqlite").upgrade()
