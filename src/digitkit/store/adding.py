"""One submission into the tables, in one transaction and once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from digitkit.core.errors import Conflict, Gone
from digitkit.store.bundles import note_bundle
from digitkit.store.inserting import insert
from digitkit.store.receipts import RECEIPT_LIFE, content_sha256, time_id
from digitkit.store.records import MAX_REASON, NewSubmission
from digitkit.store.selecting import ROWS, doubt
from digitkit.store.tables import bundles, pictures, spent_keys, submissions

Values = dict[str, Any]  # of one row, by column


def values_of(new: NewSubmission, moment: datetime) -> Values:
    """The row of a new submission, without what follows from its idempotency key."""
    prediction = new.prediction
    digest = hashlib.sha256(new.picture).hexdigest()
    probabilities = dict(prediction.probabilities)
    return {
        "id": time_id(moment),
        "created_at": moment,
        "channel": new.channel,
        "client": new.client,
        "picture_sha256": digest,
        "strokes": new.strokes_json,
        "true_label": new.true_label,
        "predicted": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": probabilities,
        "verdict": prediction.verdict,
        "reason": prediction.reason[:MAX_REASON],
        "doubt": doubt(new.true_label, prediction.verdict, prediction.confidence, probabilities),
        "bundle": new.bundle.id,
        "status": "pending",
        "reviewed_label": None,
        "reviewed_at": None,
        "content_sha256": content_sha256(new, digest),
        "receipt_until": moment + RECEIPT_LIFE,
    }


def add(connection: sa.Connection, new: NewSubmission, values: Values) -> sa.RowMapping | None:
    """Insert a submission; or the row that a former request with the same key made.

    Raises: Conflict for another content with that key, Gone when that row was deleted.
    """
    key, insertions = values["key_sha256"], _insertions(connection.dialect.name)
    known, spent = connection.execute(KNOWN, {"bundle_id": new.bundle.id, "key": key}).one()
    if spent is not None:
        raise Gone(DELETED)
    if known is None:
        note_bundle(connection, new.bundle, values["created_at"])
    picture = {
        "sha256": values["picture_sha256"],
        "content": new.picture,
        "media_type": new.media_type,
        "size": len(new.picture),
    }
    connection.execute(insertions.picture, picture)
    if connection.scalar(insertions.submission, values) is not None:
        # PostgreSQL: the first submission may have been deleted since the question above, and nothing held it.
        if (
            key is not None
            and connection.dialect.name != "sqlite"
            and connection.scalar(SPENT, {"key": key}) is not None
        ):
            raise Gone(DELETED)
        return None
    first = connection.execute(ROWS.where(submissions.c.key_sha256 == key)).mappings().first()
    if first is None or first["content_sha256"] != values["content_sha256"]:
        raise Conflict("This idempotency key came with another submission before. Send this one under a new key.")
    return first


DELETED = "The submission of this idempotency key has been deleted. Send a new one under a new key."
# Whether a key belonged to a submission that was deleted, and whether a bundle is registered.
SPENT = sa.select(spent_keys.c.at).where(spent_keys.c.key_sha256 == sa.bindparam("key"))
KNOWN = sa.select(
    sa.select(bundles.c.id).where(bundles.c.id == sa.bindparam("bundle_id")).scalar_subquery(), SPENT.scalar_subquery()
)


@dataclass(frozen=True)
class Insertions:
    """What to do about rows that are there already."""

    picture: sa.Insert
    submission: sa.Insert  # returns the id of a row that is new


@cache
def _insertions(dialect: str) -> Insertions:
    """The statements for one kind of database, made once."""
    picture = insert(dialect, pictures)
    if dialect == "sqlite":  # one writer at a time
        picture = picture.on_conflict_do_nothing(index_elements=["sha256"])
    else:  # this locks the row that is there: who deletes the picture just now goes first or waits
        same = {"sha256": picture.excluded.sha256}
        picture = picture.on_conflict_do_update(index_elements=["sha256"], set_=same)
    submission = insert(dialect, submissions).on_conflict_do_nothing(index_elements=["key_sha256"])
    return Insertions(picture, submission.returning(submissions.c.id))
