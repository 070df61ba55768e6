"""Submissions, reviews, bundles and keys in SQLite or PostgreSQL.

    store = Store.open("digitkit.sqlite")                # or postgresql://...; makes and changes nothing
    store.upgrade()                                      # makes the tables, or brings them up to date
    added = store.submissions.add(new, idempotency_key)  # on the disk when it returns; added.row.id, added.receipt
    store.submissions.page(SubmissionFilter(status="pending"), after=None, limit=50)
    store.bundles.champion()
    store.keys.check(secret)
    store.close()

All calls may be made from several threads. They raise StoreUnavailable while the database is away or busy for too long,
SchemaOutdated before `upgrade`, NotFound, Conflict and Gone as their names say, and ConfigError for values that make no
sense; no message holds text of the database.
"""

from digitkit.store.records import (
    Added,
    AuditRow,
    BundleRow,
    Count,
    Key,
    NewKey,
    NewSubmission,
    Page,
    Promotion,
    Review,
    Stats,
    Status,
    Strokes,
    SubmissionFilter,
    SubmissionRow,
)
from digitkit.store.store import Store

__all__ = [
    "Added",
    "AuditRow",
    "BundleRow",
    "Count",
    "Key",
    "NewKey",
    "NewSubmission",
    "Page",
    "Promotion",
    "Review",
    "Stats",
    "Status",
    "Store",
    "Strokes",
    "SubmissionFilter",
    "SubmissionRow",
]
