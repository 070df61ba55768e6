"""The tables, as the newest migration leaves them; a test compares the two on both databases.

What must always hold stands here as constraints, so that no program, ours included, can break it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from digitkit.store.records import (
    MAX_CHANNEL,
    MAX_CLIENT,
    MAX_LABEL,
    MAX_NAME,
    MAX_PICTURE_BYTES,
    MAX_REASON,
    MAX_STROKE_CHARACTERS,
    ROLES,
    STATUSES,
    VERDICTS,
)

REVISION = "0001"  # of the newest migration
SHA256, ID = 64, 32  # hexadecimal characters
MAX_BUNDLE_ID = 128
MAX_WHO = 128


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite has no zones: there it is text that sorts by time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: only moments whose zone is known."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a time without a zone"
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, always in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[object]):
    """JSON as text: the same characters in both databases, and no NaN."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """To the database; letters outside ASCII are escaped, so that any text is valid."""
        return None if value is None else json.dumps(value, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        """From the database."""
        return None if value is None else json.loads(value)


def _one_of(column: str, choices: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

pictures = sa.Table(
    "pictures", metadata,
    sa.Column("sha256", sa.String(SHA256), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("media_type", sa.String(MAX_NAME), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),  # bytes
    sa.CheckConstraint(f"length(sha256) = {SHA256}", name="sha256"),
    sa.CheckConstraint(f"size BETWEEN 1 AND {MAX_PICTURE_BYTES} AND length(content) = size", name="size"),
)  # fmt: skip

bundles = sa.Table(
    "bundles", metadata,
    sa.Column("id", sa.String(MAX_BUNDLE_ID), primary_key=True),
    sa.Column("name", sa.String(MAX_BUNDLE_ID), nullable=False),
    sa.Column("digest", sa.String(SHA256), nullable=False),
    sa.Column("classes", JsonText, nullable=False),
    sa.Column("report", JsonText, nullable=False),
    sa.Column("location", sa.Text),
    sa.Column("registered_at", UtcTime, nullable=False),
    sa.UniqueConstraint("digest"),
    sa.CheckConstraint(f"length(digest) = {SHA256}", name="digest"),
)  # fmt: skip

submissions = sa.Table(
    "submissions", metadata,
    sa.Column("id", sa.String(ID), primary_key=True),  # sorts by time
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("channel", sa.String(MAX_CHANNEL), nullable=False),
    sa.Column("client", sa.String(MAX_CLIENT), nullable=False),
    sa.Column("picture_sha256", sa.ForeignKey("pictures.sha256"), nullable=False, index=True),
    sa.Column("strokes", sa.Text),  # JSON
    sa.Column("true_label", sa.String(MAX_LABEL), nullable=False),
    sa.Column("predicted", sa.String(MAX_LABEL)),
    sa.Column("confidence", sa.Double, nullable=False),
    sa.Column("probabilities", JsonText, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(MAX_REASON), nullable=False),
    sa.Column("doubt", sa.Double, nullable=False),
    sa.Column("bundle", sa.ForeignKey("bundles.id"), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reviewed_label", sa.String(MAX_LABEL)),
    sa.Column("reviewed_at", UtcTime),
    sa.Column("key_sha256", sa.String(SHA256)),  # of the idempotency key
    sa.Column("content_sha256", sa.String(SHA256), nullable=False),  # of what was sent, to tell a repeat from another
    sa.Column("receipt_sha256", sa.String(SHA256), nullable=False),
    sa.Column("receipt_until", UtcTime, nullable=False),
    sa.UniqueConstraint("key_sha256"),
    sa.CheckConstraint(f"length(id) = {ID}", name="id"),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    sa.CheckConstraint("doubt BETWEEN 0 AND 1", name="doubt"),
    sa.CheckConstraint(_one_of("verdict", VERDICTS), name="verdict"),
    sa.CheckConstraint("(verdict = 'blank') = (predicted IS NULL)", name="predicted"),
    sa.CheckConstraint(_one_of("status", STATUSES), name="status"),
    sa.CheckConstraint("(status = 'pending') = (reviewed_at IS NULL)", name="reviewed_at"),
    sa.CheckConstraint("reviewed_label IS NULL OR status <> 'pending'", name="reviewed_label"),
    sa.CheckConstraint(f"strokes IS NULL OR length(strokes) <= {MAX_STROKE_CHARACTERS}", name="strokes"),
    sa.Index("ix_submissions_created_at", "created_at"),
    sa.Index("ix_submissions_status_doubt", "status", "doubt", "id"),
)  # fmt: skip

reviews = sa.Table(
    "reviews", metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("submission", sa.ForeignKey("submissions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("by", sa.String(MAX_WHO), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("reviewed_label", sa.String(MAX_LABEL)),
    sa.Column("reason", sa.String(MAX_REASON), nullable=False),
    sa.CheckConstraint(_one_of("status", STATUSES), name="status"),
)  # fmt: skip

# Keys of submissions that were deleted, so that a late repeat of the request does not bring the picture back.
spent_keys = sa.Table(
    "spent_keys", metadata,
    sa.Column("key_sha256", sa.String(SHA256), primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
)  # fmt: skip

# Which bundle was champion since when; the newest row is the pointer, so that pointer and history cannot disagree.
promotions = sa.Table(
    "promotions", metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("bundle", sa.ForeignKey("bundles.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("by", sa.String(MAX_WHO), nullable=False),
    sa.Column("reason", sa.String(MAX_REASON), nullable=False),
    sa.CheckConstraint("kind IN ('promote', 'rollback')", name="kind"),
)  # fmt: skip

api_keys = sa.Table(
    "api_keys", metadata,
    sa.Column("id", sa.String(8), primary_key=True),
    sa.Column("name", sa.String(MAX_NAME), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("sha256", sa.String(SHA256), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("revoked_at", UtcTime),
    sa.UniqueConstraint("sha256"),
    sa.CheckConstraint(f"length(sha256) = {SHA256}", name="sha256"),
    sa.CheckConstraint(_one_of("role", ROLES), name="role"),
    sa.Index(
        "uq_api_keys_valid_name", "name", unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"),
    ),
)  # fmt: skip

audit = sa.Table(
    "audit", metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("by", sa.String(MAX_WHO), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(MAX_BUNDLE_ID), nullable=False),
    sa.Column("detail", JsonText, nullable=False),
)  # fmt: skip


def record_audit(connection: sa.Connection, at: datetime, by: str, action: str, subject: str, **detail: object) -> None:
    """Note in the same transaction what a person changes."""
    values: Mapping[str, object] = {"at": at, "by": by, "action": action, "subject": subject, "detail": detail}
    connection.execute(audit.insert().values(values))
