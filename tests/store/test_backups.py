"""A backup is whole, goes back into either database, and a restore is all or nothing."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from digitkit.core.errors import Conflict, NotFound, StoreError
from digitkit.store import Store
from digitkit.store.backups import count_rows
from tests.fixtures.postgres import Postgres
from tests.store.made import BUNDLE, OTHER, submission


def fill(store: Store, n: int = 3) -> None:
    """Something in every table."""
    store.bundles.register(BUNDLE, "default")
    store.bundles.register(OTHER)
    store.bundles.promote(BUNDLE.id, "anna")
    store.keys.create("anna", "read", "root")
    added = [store.submissions.add(submission("7"), f"key {number}") for number in range(n)]
    store.submissions.review(added[0].row.id, "accepted", "anna", "1")
    store.submissions.delete(added[-1].row.id, "anna")


def everything(store: Store) -> object:
    submissions = {
        row.id: (row, picture, store.submissions.reviews(row.id)) for row, picture in store.submissions.each()
    }
    return (
        submissions,
        store.bundles.list(),
        store.bundles.history(),
        store.keys.list(),
        store.audit(),
        count_rows(store.database),
    )


@pytest.fixture(params=["into-sqlite", "into-postgresql"])
def other_store(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path, open_store: Callable[..., Store]
) -> Store:
    """An empty database without tables, of each kind."""
    is_file = request.param == "into-sqlite"
    return open_store(tmp_path / "other.sqlite" if is_file else postgres.new_database())


def test_a_backup_restores_into_either_database(store: Store, other_store: Store, tmp_path: Path) -> None:
    fill(store)
    written = store.backup(tmp_path / "backup.sqlite")
    assert written == other_store.restore(tmp_path / "backup.sqlite") == count_rows(store.database)
    assert everything(other_store) == everything(store)
    assert other_store.check() == []
    fill_again = other_store.submissions.add(submission())  # numbers and keys go on where they were
    other_store.submissions.review(fill_again.row.id, "accepted", "bert")
    other_store.bundles.promote(OTHER.id, "bert")
    assert len(other_store.audit()) == len(store.audit()) + 2


def test_a_backup_is_one_file_for_its_owner_that_can_be_used_in_place(
    store: Store, tmp_path: Path, open_store: Callable[..., Store]
) -> None:
    fill(store)
    store.backup(tmp_path / "folder" / "backup.sqlite")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["backup.sqlite"]
    assert (tmp_path / "folder" / "backup.sqlite").stat().st_mode & 0o077 == 0
    assert everything(open_store(tmp_path / "folder" / "backup.sqlite")) == everything(store)


def test_a_backup_that_is_made_while_others_write_is_one_state(store: Store, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [store.submissions.add(submission()) for _ in range(60)])
        counts: list[tuple[int, int]] = []
        while not writing.done() or not counts:
            rows = store.backup(tmp_path / "backup.sqlite")
            counts.append((rows["submissions"], rows["pictures"]))
        writing.result()
    assert all(submissions == pictures for submissions, pictures in counts)


def test_a_restore_replaces_nothing_unless_it_is_told_to(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.backup(tmp_path / "backup.sqlite")
    kept = store.submissions.add(submission())
    with pytest.raises(Conflict, match=r"not empty .*--force"):
        store.restore(tmp_path / "backup.sqlite")
    assert store.submissions.get(kept.row.id) == kept.row
    store.restore(tmp_path / "backup.sqlite", is_forced=True)
    with pytest.raises(NotFound):
        store.submissions.get(kept.row.id)
    assert store.submissions.count() == 2


@pytest.mark.parametrize("fault", ["cut", "no-database", "other-database", "changed-picture", "newer"])
def test_what_is_no_whole_backup_changes_nothing(
    store: Store, fault: str, tmp_path: Path, migrated_file: Path, open_store: Callable[..., Store]
) -> None:
    fill(store)
    before = everything(store)
    path = tmp_path / "bad.sqlite"
    shutil.copy(migrated_file, path)
    donor = open_store(path)
    fill(donor)
    donor.close()
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:50_000])
    elif fault == "no-database":
        path.write_bytes(b"no database" * 1000)
    else:
        statements = {
            "other-database": "DROP TABLE submissions",
            "changed-picture": "UPDATE pictures SET content = X'00', size = 1",
            "newer": "UPDATE alembic_version SET version_num = '9999'",
        }
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statements[fault])
    with pytest.raises(StoreError):
        store.restore(path, is_forced=True)
    assert everything(store) == before


@pytest.mark.usefixtures("own_tables")
def test_a_restore_that_fails_half_way_leaves_what_was_there(store: Store, tmp_path: Path) -> None:
    fill(store)
    store.backup(tmp_path / "backup.sqlite")
    rule = {
        True: "CREATE TRIGGER no_keys BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END",
        False: "ALTER TABLE api_keys ADD CONSTRAINT no_keys CHECK (false) NOT VALID",
    }[store.database.is_sqlite]
    store.database.write(lambda connection: connection.exec_driver_sql(rule))
    before = everything(store)
    with pytest.raises(StoreError):
        store.restore(tmp_path / "backup.sqlite", is_forced=True)
    assert everything(store) == before


def test_there_is_no_backup_of_what_is_not_there_and_none_over_the_database_itself(
    tmp_path: Path, migrated_file: Path, open_store: Callable[..., Store]
) -> None:
    with pytest.raises(NotFound):
        open_store(tmp_path / "missing.sqlite").backup(tmp_path / "backup.sqlite")
    with pytest.raises(NotFound):
        open_store(migrated_file).restore(tmp_path / "missing.sqlite")
    with pytest.raises(Conflict, match="itself"):
        open_store(migrated_file).backup(migrated_file)
    assert list(tmp_path.iterdir()) == []


COPY = """
import resource, sys
from pathlib import Path
from digitkit.core.errors import StoreError
from digitkit.store import Store
folder, what = Path(sys.argv[1]), sys.argv[2]
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))  # a disk with room for one megabyte
try:
    if what == "backup":
        Store.open(folder / "store.sqlite").backup(folder / "copy.sqlite")
    else:
        Store.open(folder / "new.sqlite").restore(folder / "store.sqlite")
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits on the size of files")
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_copy_for_which_there_is_no_room_is_told_as_such(
    migrated_file: Path, tmp_path: Path, open_store: Callable[..., Store], what: str
) -> None:
    shutil.copy(migrated_file, tmp_path / "store.sqlite")
    store = open_store(tmp_path / "store.sqlite")
    store.submissions.add(submission(picture=bytes(2_000_000)))
    store.close()
    done = subprocess.run([sys.executable, "-c", COPY, tmp_path, what], capture_output=True, text=True, timeout=60)
    assert "Free some space" in done.stderr
    assert "Give a file of" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("store.sqlite")] == []
