"""Submissions: taken once, found again, reviewed, and forgotten when asked to."""

from collections.abc import Iterator

import sqlalchemy as sa

from digitkit.core.errors import Conflict, Gone, NotFound
from digitkit.store import adding, selecting
from digitkit.store.database import Database
from digitkit.store.receipts import is_same, receipt_for, sha256_of
from digitkit.store.records import (
    MAX_LABEL,
    MAX_PAGE,
    MAX_REASON,
    Added,
    NewSubmission,
    Page,
    Review,
    Stats,
    SubmissionFilter,
    SubmissionRow,
    as_status,
    checked_text,
)
from digitkit.store.selecting import ID, row_of
from digitkit.store.statistics import count_all
from digitkit.store.tables import pictures, record_audit, reviews, spent_keys, submissions

SENDER = "its sender"  # how the audit names who holds a receipt
ALL = SubmissionFilter()


class Submissions:
    """The submissions of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: NewSubmission, idempotency_key: str | None = None) -> Added:
        """Keep a submission; it is on the disk when this returns.

        The repeat of a key returns the first answer and changes nothing.
        Raises: Conflict for a key that came with another content, Gone for one whose submission has been deleted,
        StoreUnavailable.
        """
        values = adding.values_of(new, self._database.clock())
        receipt = receipt_for(values["id"], idempotency_key)
        values["receipt_sha256"] = sha256_of(receipt)
        values["key_sha256"] = None if idempotency_key is None else sha256_of(idempotency_key)
        first = self._database.write(lambda connection: adding.add(connection, new, values))
        if first is not None:
            return Added(row_of(first), False, receipt_for(first["id"], idempotency_key), first["receipt_until"])
        row = row_of({**values, "size": len(new.picture), "media_type": new.media_type})
        return Added(row, True, receipt, values["receipt_until"])

    def knows(self, idempotency_key: str | None) -> bool:
        """Whether a submission came with this key, and has not been deleted."""
        if idempotency_key is None:
            return False
        query = sa.select(submissions.c.id).where(submissions.c.key_sha256 == sha256_of(idempotency_key))
        with self._database.reading() as connection:
            return connection.scalar(query) is not None

    def get(self, submission_id: str) -> SubmissionRow:
        """One submission.

        Raises: NotFound.
        """
        with self._database.reading() as connection:
            return row_of(_find(connection, submission_id))

    def picture(self, submission_id: str) -> bytes:
        """The picture of a submission, the file as it came.

        Raises: NotFound.
        """
        query = sa.select(pictures.c.content).join(submissions).where(submissions.c.id == _checked(submission_id))
        with self._database.reading() as connection:
            content: bytes | None = connection.scalar(query)
        if content is None:
            raise _not_found(submission_id)
        return content

    def page(self, wanted: SubmissionFilter = ALL, after: str | None = None, limit: int = 50) -> Page:
        """Up to `limit` rows behind a cursor, without their strokes, which `get` gives.

        Rows that come meanwhile neither hide nor double others.
        Raises: ConfigError for a cursor that no page gave.
        """
        limit = min(max(limit, 1), MAX_PAGE)
        query = selecting.page_of(wanted, after, limit + 1)  # one more tells whether there is another page
        with self._database.reading() as connection:
            rows = [row_of(found) for found in connection.execute(query).mappings()]
        is_last = len(rows) <= limit
        rows = rows[:limit]
        return Page(rows, None if is_last else selecting.cursor_after(rows[-1], wanted.order))

    def each(self, wanted: SubmissionFilter = ALL, first: Page | None = None) -> Iterator[tuple[SubmissionRow, bytes]]:
        """Every submission that passes a filter, without its strokes, and its picture, one in memory at a time.

        No connection is held meanwhile. `first` is the first page, where the caller has it already.
        """
        page = first or self.page(wanted, None, MAX_PAGE)
        while True:
            for row in page.rows:
                try:
                    picture = self.picture(row.id)
                except NotFound:  # deleted meanwhile
                    continue
                yield row, picture
            if page.next is None:
                return
            page = self.page(wanted, page.next, MAX_PAGE)

    def count(self, wanted: SubmissionFilter = ALL) -> int:
        """How many submissions pass a filter."""
        query = sa.select(sa.func.count()).select_from(submissions).where(*selecting.conditions(wanted))
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def stats(self, days: int = 30) -> Stats:
        """What is in the store, in numbers; per day for the last `days` days that have any."""
        with self._database.reading() as connection:
            return count_all(connection, days)

    def review(
        self, submission_id: str, status: str, by: str, reviewed_label: str | None = None, reason: str = ""
    ) -> SubmissionRow:
        """Accept or reject a submission, with another label where the sender's was wrong; "pending" takes it back.

        Raises: NotFound, ConfigError.
        """
        chosen, moment = as_status(status), self._database.clock()
        is_open = chosen == "pending"
        values = {
            "status": chosen,
            "reviewed_label": None if is_open or reviewed_label is None else _label(reviewed_label),
        }
        note = values | {"at": moment, "by": by, "reason": checked_text(reason, "reason", MAX_REASON)}

        def work(connection: sa.Connection) -> SubmissionRow:
            _update(connection, submission_id, values | {"reviewed_at": None if is_open else moment})
            connection.execute(reviews.insert().values(submission=submission_id, **note))
            record_audit(connection, moment, by, f"review {chosen}", submission_id, label=values["reviewed_label"])
            return row_of(_find(connection, submission_id))

        return self._database.write(work)

    def reviews(self, submission_id: str) -> list[Review]:
        """What reviewers decided about a submission, oldest first."""
        query = sa.select(reviews).where(reviews.c.submission == _checked(submission_id)).order_by(reviews.c.number)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [Review(**{name: value for name, value in row.items() if name != "number"}) for row in rows]

    def delete(self, submission_id: str, by: str, reason: str = "") -> None:
        """Forget a submission, its reviews, and its picture unless another submission has the same.

        Raises: NotFound.
        """
        checked_text(reason, "reason", MAX_REASON)
        self._database.write(lambda connection: self._delete(connection, submission_id, by, reason))

    def delete_with_receipt(self, submission_id: str, receipt: str) -> None:
        """Forget a submission because its sender says so, within 15 minutes.

        Raises: NotFound for a wrong receipt too, so that nobody can probe for ids; Gone when the time is over.
        """

        def work(connection: sa.Connection) -> None:
            self._admit(connection, submission_id, receipt)
            self._delete(connection, submission_id, SENDER, "")

        self._database.write(work)

    def change_with_receipt(self, submission_id: str, receipt: str, true_label: str) -> SubmissionRow:
        """Give a submission another label because its sender says so, within 15 minutes.

        Raises: as `delete_with_receipt`, and Conflict when it has been reviewed meanwhile.
        """
        label = _label(true_label)

        def work(connection: sa.Connection) -> SubmissionRow:
            row = self._admit(connection, submission_id, receipt)
            if row.status != "pending":
                raise Conflict(f"Submission {submission_id} has been reviewed; its label is no longer the sender's.")
            doubt = selecting.doubt(label, row.verdict, row.confidence, row.probabilities)
            _update(connection, submission_id, {"true_label": label, "doubt": doubt})
            moment = self._database.clock()
            record_audit(connection, moment, SENDER, "relabel", submission_id, before=row.true_label, after=label)
            return row_of(_find(connection, submission_id))

        return self._database.write(work)

    def _admit(self, connection: sa.Connection, submission_id: str, receipt: str) -> SubmissionRow:
        """The submission that a receipt opens."""
        found = _find(connection, submission_id)
        if not is_same(receipt, found["receipt_sha256"]):
            raise _not_found(submission_id)
        if self._database.clock() >= found["receipt_until"]:
            raise Gone(f"The receipt of submission {submission_id} was valid for 15 minutes. Ask who runs the service.")
        return row_of(found)

    def _delete(self, connection: sa.Connection, submission_id: str, by: str, reason: str) -> None:
        found, moment = _find(connection, submission_id), self._database.clock()
        if connection.execute(submissions.delete().where(submissions.c.id == submission_id)).rowcount == 0:
            raise _not_found(submission_id)  # somebody else was quicker
        if found["key_sha256"] is not None:
            connection.execute(spent_keys.insert().values(key_sha256=found["key_sha256"], at=moment))
        digest = found["picture_sha256"]
        is_mine = pictures.c.sha256 == digest
        # Locked first: a submission of the same picture that comes just now waits, and then keeps the picture again.
        connection.execute(sa.select(pictures.c.sha256).where(is_mine).with_for_update())
        is_used = sa.exists().where(submissions.c.picture_sha256 == digest)
        connection.execute(pictures.delete().where(is_mine, ~is_used))
        record_audit(connection, moment, by, "delete", submission_id, **({"reason": reason} if reason else {}))


def _label(text: str) -> str:
    return checked_text(text, "label", MAX_LABEL)


def _checked(submission_id: str) -> str:
    if not ID.fullmatch(submission_id):
        raise _not_found(submission_id)
    return submission_id


def _not_found(submission_id: str) -> NotFound:
    shown = submission_id if ID.fullmatch(submission_id) else "of that id"
    return NotFound(f"There is no submission {shown}, or it is not yours. Look at its id and receipt.")


def _find(connection: sa.Connection, submission_id: str) -> sa.RowMapping:
    """The row of an id."""
    query = selecting.ROWS.where(submissions.c.id == _checked(submission_id))
    found = connection.execute(query).mappings().first()
    if found is None:
        raise _not_found(submission_id)
    return found


def _update(connection: sa.Connection, submission_id: str, values: dict[str, object]) -> None:
    query = submissions.update().where(submissions.c.id == _checked(submission_id)).values(values)
    if connection.execute(query).rowcount == 0:
        raise _not_found(submission_id)
