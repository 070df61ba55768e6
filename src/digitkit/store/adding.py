"""One submission into the tables, in one transaction and once."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digitkit.core.errors import Conflict, Gone
from digitkit.store.bundles import note_bundle
from digitkit.store.inserting import insert
from digitkit.store.receipts import RECEIPT_LIFE, content_sha256, time_id
from digitkit.store.records import MAX_REASON, NewSubmission
from digitkit.store.selecting import ROWS, doubt
from digitkit.store.tables import pictures, spent_keys, submissions

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
    first = _first_answer(connection, values)
    if first is not None:
        return first
    note_bundle(connection, new.bundle, values["created_at"])
    _keep_picture(connection, new, values["picture_sha256"])
    query = insert(connection, submissions).values(values).on_conflict_do_nothing(index_elements=["key_sha256"])
    if connection.execute(query).rowcount:
        return None
    return _first_answer(connection, values)  # of the same request, at the same time, on another connection


def _first_answer(connection: sa.Connection, values: Mapping[str, Any]) -> sa.RowMapping | None:
    """What was answered to the same idempotency key before."""
    key = values["key_sha256"]
    if key is None:
        return None
    first = connection.execute(ROWS.where(submissions.c.key_sha256 == key)).mappings().first()
    if first is None:
        if connection.scalar(sa.select(spent_keys.c.at).where(spent_keys.c.key_sha256 == key)) is not None:
            raise Gone("The submission of this idempotency key has been deleted. Send a new one under a new key.")
        return None
    if first["content_sha256"] != values["content_sha256"]:
        raise Conflict("This idempotency key came with another submission before. Send this one under a new key.")
    return first


def _keep_picture(connection: sa.Connection, new: NewSubmission, digest: str) -> None:
    """Store the bytes of a picture unless they are there already."""
    row = {"sha256": digest, "content": new.picture, "media_type": new.media_type, "size": len(new.picture)}
    query = insert(connection, pictures).values(row)
    if connection.dialect.name == "sqlite":  # one writer at a time
        connection.execute(query.on_conflict_do_nothing(index_elements=["sha256"]))
        return
    # Unlike "do nothing" this locks the row that is there: who deletes the picture just now goes first or waits.
    same = {"sha256": query.excluded.sha256}
    connection.execute(query.on_conflict_do_update(index_elements=["sha256"], set_=same))
