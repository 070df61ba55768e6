"""What is in the store, counted by the database."""

import sqlalchemy as sa

from digitkit.store.records import Count, Stats
from digitkit.store.selecting import AGREES, LABEL
from digitkit.store.tables import pictures, submissions

COUNTS = (sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((AGREES, 1), else_=0)), 0))


def count_all(connection: sa.Connection, days: int) -> Stats:
    """All counts; per day for the last `days` days that have any."""
    day = sa.func.date(submissions.c.created_at, type_=sa.String)  # UTC: the zone of each connection
    recent = _counts(connection, day, days)
    total = connection.execute(sa.select(*COUNTS).select_from(submissions)).one()
    by_status = sa.select(submissions.c.status, sa.func.count()).group_by(submissions.c.status)
    kept = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(pictures.c.size), 0))
    number, size = connection.execute(kept).one()
    return Stats(
        total=Count(int(total[0]), int(total[1])),
        per_status={str(row[0]): int(row[1]) for row in connection.execute(by_status)},
        per_day=dict(sorted(recent.items())),
        per_label=_counts(connection, LABEL),
        per_bundle=_counts(connection, submissions.c.bundle),
        pictures=int(number),
        picture_bytes=int(size),
    )


def _counts(connection: sa.Connection, key: sa.ColumnElement[str], newest: int | None = None) -> dict[str, Count]:
    """Counts per value of a key, in its order; only the `newest` last ones if that is given."""
    query = sa.select(key, *COUNTS).select_from(submissions).group_by(key)
    query = query.order_by(key) if newest is None else query.order_by(key.desc()).limit(newest)
    return {str(value): Count(int(n), int(agreeing)) for value, n, agreeing in connection.execute(query)}
