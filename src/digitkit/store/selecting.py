"""Which submissions a filter means, in which order, and where a page goes on."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa

from digitkit.core.errors import ConfigError
from digitkit.core.prediction import NOT_A_DIGIT, Verdict
from digitkit.store.records import REFUSED, Status, SubmissionFilter, SubmissionRow
from digitkit.store.tables import pictures, submissions

ID = re.compile(r"[0-9a-f]{32}")  # of a submission
ROWS = sa.select(submissions, pictures.c.size, pictures.c.media_type).join(pictures)
# For pages: strokes may be long, and a page has up to some hundred rows.
ROWS_WITHOUT_STROKES = sa.select(
    *(column for column in submissions.c if column is not submissions.c.strokes),
    sa.null().label("strokes"),
    pictures.c.size,
    pictures.c.media_type,
).join(pictures)
LABEL = sa.func.coalesce(submissions.c.reviewed_label, submissions.c.true_label)  # the one that counts
ANSWER = sa.case((submissions.c.verdict.in_(REFUSED), NOT_A_DIGIT), else_=submissions.c.predicted)
AGREES = ANSWER == LABEL


def conditions(wanted: SubmissionFilter) -> list[sa.ColumnElement[bool]]:
    """What a row must fulfil to pass a filter."""
    columns = submissions.c
    pairs = (
        (columns.status, wanted.status),
        (LABEL, wanted.label),
        (columns.predicted, wanted.predicted),
        (columns.verdict, wanted.verdict),
        (columns.bundle, wanted.bundle),
        (columns.channel, wanted.channel),
    )
    found = [column == value for column, value in pairs if value is not None]
    if wanted.agrees is not None:
        found.append(AGREES if wanted.agrees else sa.not_(AGREES))
    if wanted.since is not None:
        found.append(columns.created_at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.created_at < wanted.until)
    return found


def page_of(wanted: SubmissionFilter, after: str | None, limit: int) -> sa.Select[tuple[object, ...]]:
    """The rows of a page; it begins behind a cursor, so rows that come meanwhile neither hide nor double others.

    Raises: ConfigError for a cursor that no page gave.
    """
    columns = submissions.c
    keys = (columns.doubt, columns.id) if wanted.order == "doubt" else (columns.id,)
    query = ROWS_WITHOUT_STROKES.where(*conditions(wanted)).order_by(*(key.desc() for key in keys)).limit(limit)
    if after is None:
        return query
    place = _place(after, wanted.order)
    return query.where(sa.tuple_(*keys) < sa.tuple_(*(sa.literal(value) for value in place)))


def cursor_after(row: SubmissionRow, order: str) -> str:
    """Where the page behind a row begins, as text to hand back."""
    place = [row.doubt, row.id] if order == "doubt" else [row.id]
    return base64.urlsafe_b64encode(json.dumps([order, *place]).encode()).decode()


def _place(cursor: str, order: str) -> list[object]:
    """The place in a cursor."""
    try:
        found = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise ConfigError("cursor: not one that a page gave. Begin with the first page.") from error
    kinds = [str, float, str] if order == "doubt" else [str, str]
    place: list[Any] = found if isinstance(found, list) else []
    if [type(value) for value in place] != kinds or place[0] != order or not ID.fullmatch(place[-1]):
        raise ConfigError("cursor: not one of a page in this order. Begin with the first page.")
    return place[1:]


def row_of(values: sa.RowMapping | Mapping[str, Any]) -> SubmissionRow:
    """The record of a selected row."""
    return SubmissionRow(
        id=values["id"],
        created_at=values["created_at"],
        channel=values["channel"],
        client=values["client"],
        picture_sha256=values["picture_sha256"],
        picture_bytes=values["size"],
        media_type=values["media_type"],
        true_label=values["true_label"],
        predicted=values["predicted"],
        confidence=values["confidence"],
        probabilities=values["probabilities"],
        verdict=cast(Verdict, values["verdict"]),
        reason=values["reason"],
        doubt=values["doubt"],
        bundle=values["bundle"],
        strokes=None if values["strokes"] is None else json.loads(values["strokes"]),
        status=cast(Status, values["status"]),
        reviewed_label=values["reviewed_label"],
        reviewed_at=values["reviewed_at"],
    )


def doubt(label: str, verdict: str, confidence: float, probabilities: Mapping[str, float]) -> float:
    """How far an answer is from a label, 0..1: what the bundle gave to everything else."""
    is_refused = verdict in REFUSED
    if label == NOT_A_DIGIT or is_refused:
        certain = 0.0 if label == NOT_A_DIGIT and is_refused else 1.0
        return certain if is_refused else min(1.0, max(0.0, confidence))
    return min(1.0, max(0.0, 1.0 - probabilities.get(label, 0.0)))
