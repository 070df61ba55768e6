"""Rows of the store as records of the wire."""

from typing import cast

from pydantic import JsonValue

from digitkit.core.bundle import Bundle
from digitkit.store import BundleRow, Stats, SubmissionRow
from digitkit.wire import BundleOut, StatsOut, SubmissionOut


def submission_out(row: SubmissionRow) -> SubmissionOut:
    """A submission as reviewers see it."""
    return SubmissionOut.model_validate(row, from_attributes=True)


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
    return StatsOut.model_validate(stats, from_attributes=True)
