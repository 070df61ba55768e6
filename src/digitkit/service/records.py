"""Rows of the store as records of the wire."""

from typing import cast

from pydantic import JsonValue

from digitkit.core.bundle import Bundle
from digitkit.store import BundleRow, Count, Stats, SubmissionRow
from digitkit.wire import BundleOut, CountOut, StatsOut, SubmissionOut


def submission_out(row: SubmissionRow, with_strokes: bool = True) -> SubmissionOut:
    """A submission as reviewers see it; pages leave the strokes out, which may be long."""
    strokes = row.strokes if with_strokes else None
    return SubmissionOut(
        id=row.id,
        created_at=row.created_at,
        channel=row.channel,
        true_label=row.true_label,
        status=row.status,
        reviewed_label=row.reviewed_label,
        reviewed_at=row.reviewed_at,
        predicted=row.predicted,
        confidence=row.confidence,
        probabilities=dict(row.probabilities),
        verdict=row.verdict,
        reason=row.reason,
        doubt=row.doubt,
        bundle=row.bundle,
        picture_sha256=row.picture_sha256,
        picture_bytes=row.picture_bytes,
        media_type=row.media_type,
        strokes=cast("list[list[tuple[float, float, float, float]]] | None", strokes),
    )


def bundle_out(bundle: Bundle | BundleRow, row: BundleRow | None, champion: str) -> BundleOut:
    """A bundle, with what the registry knows of it."""
    return BundleOut(
        id=bundle.id,
        name=bundle.name,
        digest=bundle.digest,
        classes=list(bundle.classes),
        is_champion=bundle.id == champion,
        registered_at=row.registered_at if row else None,
        report=cast("dict[str, JsonValue]", dict(bundle.report)),
    )


def stats_out(stats: Stats) -> StatsOut:
    """The numbers of the store."""
    return StatsOut(
        total=_count(stats.total),
        per_status=dict(stats.per_status),
        per_day={day: _count(count) for day, count in stats.per_day.items()},
        per_label={label: _count(count) for label, count in stats.per_label.items()},
        per_bundle={bundle: _count(count) for bundle, count in stats.per_bundle.items()},
        pictures=stats.pictures,
        picture_bytes=stats.picture_bytes,
    )


def _count(count: Count) -> CountOut:
    return CountOut(submissions=count.submissions, agreeing=count.agreeing)
