"""The registry of bundles: which there are, which is champion, and which was."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from digitkit.core.bundle import Bundle
from digitkit.core.errors import Conflict, NotFound
from digitkit.store.database import Database
from digitkit.store.inserting import insert
from digitkit.store.records import MAX_REASON, BundleRow, Promotion, checked_text
from digitkit.store.tables import MAX_BUNDLE_ID, bundles, promotions, record_audit

PROMOTE, ROLLBACK = "promote", "rollback"


class Bundles:
    """The bundles of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, bundle: Bundle, location: str | None = None) -> BundleRow:
        """Make a bundle known; a second time this only renews its location, if one is given."""
        moment = self._database.clock()

        def work(connection: sa.Connection) -> BundleRow:
            note_bundle(connection, bundle, moment)
            if location is not None:
                connection.execute(bundles.update().where(bundles.c.id == bundle.id).values(location=location))
            return _find(connection, bundle.id)

        return self._database.write(work)

    def list(self) -> list[BundleRow]:
        """Every bundle, the newest first."""
        query = sa.select(bundles).order_by(bundles.c.registered_at.desc(), bundles.c.id)
        with self._database.reading() as connection:
            champion = _champion_id(connection)
            return [_row(found, champion) for found in connection.execute(query).mappings()]

    def get(self, bundle_id: str) -> BundleRow:
        """One bundle by its id, name@digest.

        Raises: NotFound.
        """
        with self._database.reading() as connection:
            return _find(connection, bundle_id)

    def champion(self) -> BundleRow | None:
        """The bundle that is to answer; None before the first promotion."""
        with self._database.reading() as connection:
            champion = _champion_id(connection)
            return None if champion is None else _find(connection, champion)

    def history(self) -> "Sequence[Promotion]":
        """Every change of champion, oldest first."""
        with self._database.reading() as connection:
            return _history(connection)

    def promote(self, bundle_id: str, by: str, reason: str = "", instead_of: str | None = None) -> Promotion:
        """Make a bundle the champion; with `instead_of` only if that one still is.

        Raises: NotFound, Conflict when it is champion already or another than `instead_of` is.
        """
        checked_text(reason, "reason", MAX_REASON)

        def work(connection: sa.Connection) -> Promotion:
            _take_turn(connection)
            _find(connection, bundle_id)
            champion = _champion_id(connection)
            if instead_of is not None and champion != instead_of:
                raise Conflict(f"The champion is no longer {instead_of} but {champion}. Compare with that one first.")
            return self._make_champion(connection, bundle_id, PROMOTE, by, reason)

        return self._database.write(work)

    def rollback(
        self, by: str, reason: str = "", to: str | None = None, check: Callable[[BundleRow], None] | None = None
    ) -> Promotion:
        """Make a former champion the champion again: the one before, or `to`; `check` may refuse it by raising.

        Raises: NotFound for a bundle that never was champion, Conflict when there was none before; what `check` raises.
        """
        checked_text(reason, "reason", MAX_REASON)

        def work(connection: sa.Connection) -> Promotion:
            _take_turn(connection)
            history = _history(connection)
            if to is not None and to not in {each.bundle for each in history}:
                raise NotFound(f"{to} never was champion. `digitkit models list` shows who was.")
            earlier = _standing(history)[:-1]
            if to is None and not earlier:
                raise Conflict(
                    "There was no champion before this one: the bundle that ships answered."
                    " `digitkit promote default` brings it back."
                )
            chosen = to or earlier[-1]
            if check is not None:
                check(_find(connection, chosen))
            return self._make_champion(connection, chosen, ROLLBACK, by, reason)

        return self._database.write(work)

    def _make_champion(self, connection: sa.Connection, bundle_id: str, kind: str, by: str, reason: str) -> Promotion:
        if _champion_id(connection) == bundle_id:
            raise Conflict(f"{bundle_id} is champion already.")
        moment = self._database.clock()
        values = {"bundle": bundle_id, "kind": kind, "at": moment, "by": by, "reason": reason}
        number = connection.execute(promotions.insert().values(values).returning(promotions.c.number)).scalar_one()
        record_audit(connection, moment, by, kind, bundle_id)
        return Promotion(number, bundle_id, kind, moment, by, reason)


def note_bundle(connection: sa.Connection, bundle: Bundle, moment: datetime) -> None:
    """Make a bundle known in this transaction, if it is not."""
    if connection.scalar(sa.select(bundles.c.id).where(bundles.c.id == bundle.id)) is not None:
        return
    row = {
        "id": checked_text(bundle.id, "bundle", MAX_BUNDLE_ID),
        "name": bundle.name,
        "digest": bundle.digest,
        "classes": list(bundle.classes),
        "report": dict(bundle.report),
        "registered_at": moment,
    }
    connection.execute(
        insert(connection.dialect.name, bundles).values(row).on_conflict_do_nothing(index_elements=["id"])
    )


def _take_turn(connection: sa.Connection) -> None:
    """Changes of the champion happen one after another; SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("LOCK TABLE promotions IN SHARE ROW EXCLUSIVE MODE"))


def _champion_id(connection: sa.Connection) -> str | None:
    newest = sa.select(promotions.c.bundle).order_by(promotions.c.number.desc()).limit(1)
    found: str | None = connection.scalar(newest)
    return found


def _history(connection: sa.Connection) -> list[Promotion]:
    rows = connection.execute(sa.select(promotions).order_by(promotions.c.number)).mappings()
    return [Promotion(**row) for row in rows]


def _standing(history: Sequence[Promotion]) -> list[str]:
    """The champions that lie below the present one: a rollback takes away what came after the one that it names."""
    standing: list[str] = []
    for each in history:
        if each.kind == ROLLBACK and each.bundle in standing:
            while standing[-1] != each.bundle:
                standing.pop()
        else:
            standing.append(each.bundle)
    return standing


def _find(connection: sa.Connection, bundle_id: str) -> BundleRow:
    found = None
    if "\0" not in bundle_id:
        found = connection.execute(sa.select(bundles).where(bundles.c.id == bundle_id)).mappings().first()
    if found is None:
        raise NotFound(
            f"There is no bundle {bundle_id[:MAX_BUNDLE_ID]!r}. `digitkit models list` shows which there are."
        )
    return _row(found, _champion_id(connection))


def _row(found: sa.RowMapping, champion: str | None) -> BundleRow:
    return BundleRow(
        id=found["id"],
        name=found["name"],
        digest=found["digest"],
        classes=tuple(found["classes"]),
        report=found["report"],
        location=found["location"],
        registered_at=found["registered_at"],
        is_champion=found["id"] == champion,
    )
