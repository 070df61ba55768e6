"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _make_pictures()
    _make_bundles()
    _make_submissions()
    _make_reviews()
    _make_spent_keys()
    _make_promotions()
    _make_api_keys()
    _make_audit()


def _make_pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_pictures_sha256")),
        sa.CheckConstraint("size BETWEEN 1 AND 20971520 AND length(content) = size", name=op.f("ck_pictures_size")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_pictures")),
    )


def _make_bundles() -> None:
    op.create_table(
        "bundles",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_bundles_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
        sa.UniqueConstraint("digest", name=op.f("uq_bundles_digest")),
    )


def _make_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("picture_sha256", sa.String(length=64), nullable=False),
        sa.Column("strokes", sa.Text(), nullable=True),
        sa.Column("true_label", sa.String(length=64), nullable=False),
        sa.Column("predicted", sa.String(length=64), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("doubt", sa.Double(), nullable=False),
        sa.Column("bundle", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reviewed_label", sa.String(length=64), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("receipt_sha256", sa.String(length=64), nullable=False),
        sa.Column("receipt_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status = 'pending') = (reviewed_at IS NULL)", name=op.f("ck_submissions_reviewed_at")),
        sa.CheckConstraint("(verdict = 'blank') = (predicted IS NULL)", name=op.f("ck_submissions_predicted")),
        sa.CheckConstraint("reviewed_label IS NULL OR status <> 'pending'", name=op.f("ck_submissions_reviewed_label")),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'rejected')", name=op.f("ck_submissions_status")),
        sa.CheckConstraint(
            "verdict IN ('digit', 'number', 'unsure', 'not a digit', 'blank')", name=op.f("ck_submissions_verdict")
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_submissions_confidence")),
        sa.CheckConstraint("doubt BETWEEN 0 AND 1", name=op.f("ck_submissions_doubt")),
        sa.CheckConstraint("length(id) = 32", name=op.f("ck_submissions_id")),
        sa.CheckConstraint("strokes IS NULL OR length(strokes) <= 1048576", name=op.f("ck_submissions_strokes")),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name=op.f("fk_submissions_bundle")),
        sa.ForeignKeyConstraint(["picture_sha256"], ["pictures.sha256"], name=op.f("fk_submissions_picture_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("key_sha256", name=op.f("uq_submissions_key_sha256")),
    )
    op.create_index(op.f("ix_submissions_bundle"), "submissions", ["bundle"], unique=False)
    op.create_index("ix_submissions_created_at", "submissions", ["created_at"], unique=False)
    op.create_index(op.f("ix_submissions_picture_sha256"), "submissions", ["picture_sha256"], unique=False)
    op.create_index("ix_submissions_status_doubt", "submissions", ["status", "doubt", "id"], unique=False)


def _make_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("submission", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reviewed_label", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'rejected')", name=op.f("ck_reviews_status")),
        sa.ForeignKeyConstraint(
            ["submission"], ["submissions.id"], name=op.f("fk_reviews_submission"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_submission"), "reviews", ["submission"], unique=False)


def _make_spent_keys() -> None:
    op.create_table(
        "spent_keys",
        sa.Column("key_sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_spent_keys")),
    )


def _make_promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("kind IN ('promote', 'rollback')", name=op.f("ck_promotions_kind")),
        sa.ForeignKeyConstraint(["bundle"], ["bundles.id"], name=op.f("fk_promotions_bundle")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_promotions")),
    )
    op.create_index(op.f("ix_promotions_bundle"), "promotions", ["bundle"], unique=False)


def _make_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('read', 'review', 'admin')", name=op.f("ck_api_keys_role")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_api_keys_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index(
        "uq_api_keys_valid_name",
        "api_keys",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
