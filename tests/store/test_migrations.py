"""The tables come from the migrations, and are what the program expects."""

import re
from collections.abc import Callable
from importlib.resources import files

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from digitkit.core.errors import SchemaOutdated, StoreUnavailable
from digitkit.store import Store
from digitkit.store.tables import REVISION, metadata, submissions
from tests.store.made import submission


def write_sql(store: Store, statement: str) -> None:
    store.database.write(lambda connection: connection.exec_driver_sql(statement))


def rules(store: Store) -> dict[str, set[str]]:
    """The names of all constraints and indexes of each table, as the database has them."""
    with store.database.reading() as connection:
        inspector = sa.inspect(connection)
        found = {}
        for table in metadata.tables:
            names = {str(each["name"]) for each in inspector.get_check_constraints(table)}
            names |= {str(each["name"]) for each in inspector.get_foreign_keys(table)}
            names |= {str(each["name"]) for each in inspector.get_unique_constraints(table)}
            names |= {str(each["name"]) for each in inspector.get_indexes(table)}
            found[table] = names | {str(inspector.get_pk_constraint(table)["name"])}
    return found


def test_a_new_database_is_brought_up_to_date_and_a_second_time_left_alone(
    empty_url: str, open_store: Callable[..., Store]
) -> None:
    store = open_store(empty_url)
    store.upgrade()
    assert store.is_current()
    store.submissions.add(submission())
    store.upgrade()
    assert store.submissions.count() == 1


def test_the_migrated_tables_are_the_ones_that_the_program_knows(store: Store) -> None:
    assert store.check() == []
    expected = {
        table.name: {str(rule.name) for rule in table.constraints} | {str(index.name) for index in table.indexes}
        for table in metadata.sorted_tables
    }
    found = rules(store)
    assert {name: sorted(names - found[name]) for name, names in expected.items()} == {name: [] for name in expected}


def test_the_newest_migration_is_the_version_that_the_program_asks_for() -> None:
    folder = files("digitkit.store") / "migrations" / "versions"
    texts = [each.read_text() for each in folder.iterdir() if each.name.startswith("v")]
    made = {found[1] for text in texts if (found := re.search(r'^revision = "(.+)"$', text, re.MULTILINE))}
    replaced = {found[1] for text in texts if (found := re.search(r'^down_revision = "(.+)"$', text, re.MULTILINE))}
    assert made - replaced == {REVISION}


def test_before_the_upgrade_everything_says_what_to_do(
    empty_url: str, open_store: Callable[..., Store], database: str
) -> None:
    store = open_store(empty_url)
    if database == "sqlite":
        with pytest.raises(StoreUnavailable, match="does not answer"):  # and no empty file is made
            store.is_current()
        open(empty_url, "wb").close()
    assert not store.is_current()
    for call in (store.submissions.count, store.bundles.list, lambda: store.submissions.add(submission())):
        with pytest.raises(SchemaOutdated, match="digitkit db upgrade"):
            call()
    assert "db upgrade" in store.check()[0]


@pytest.mark.usefixtures("own_tables")
def test_tables_of_a_newer_digitkit_are_refused_and_left_alone(store: Store) -> None:
    write_sql(store, "UPDATE alembic_version SET version_num = '9999'")
    assert not store.is_current()
    with pytest.raises(SchemaOutdated, match="newer digitkit"):
        store.upgrade()
    assert store.submissions.count() == 0


@pytest.mark.parametrize(
    "values",
    [
        {"confidence": 1.5},
        {"doubt": -0.1},
        {"verdict": "seven"},
        {"verdict": "blank"},
        {"predicted": None},
        {"status": "open"},
        {"status": "accepted"},
        {"reviewed_label": "8"},
        {"bundle": "unknown@0"},
        {"picture_sha256": "0" * 64},
        {"id": "short"},
        {"true_label": None},
    ],
    ids=lambda values: "-".join(values) + f"={next(iter(values.values()))}",
)
def test_the_database_itself_refuses_what_must_not_be(store: Store, values: dict[str, object]) -> None:
    store.submissions.add(submission())
    statement = submissions.update().values(values)
    with pytest.raises(IntegrityError), store.database.engine.begin() as connection:
        connection.execute(statement)


@pytest.mark.parametrize("table", ["pictures", "bundles"])
def test_the_database_itself_keeps_what_others_refer_to(store: Store, table: str) -> None:
    store.submissions.add(submission())
    with pytest.raises(IntegrityError), store.database.engine.begin() as connection:
        connection.execute(metadata.tables[table].delete())


def test_check_finds_a_picture_whose_bytes_changed_and_one_that_nobody_needs(store: Store) -> None:
    store.submissions.add(submission(picture=b"abc"))
    blob = "X'616263'" if store.database.is_sqlite else r"'\x616263'"
    write_sql(store, f"INSERT INTO pictures VALUES ('{'0' * 64}', {blob}, 'image/png', 3)")
    changed, unused = store.check()
    assert "000000000000 has other bytes" in changed
    assert unused.startswith("1 pictures belong to no submission")


@pytest.mark.usefixtures("own_tables")
def test_check_finds_a_table_that_was_changed(store: Store) -> None:
    write_sql(store, "ALTER TABLE audit ADD COLUMN more INTEGER")
    (problem,) = store.check()
    assert "more" in problem
