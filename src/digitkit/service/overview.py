"""What the service is: its bundles, its numbers, its health."""

from collections.abc import Awaitable, Callable
from functools import partial

import numpy as np
from fastapi import APIRouter, Response

from digitkit.core.errors import DigitkitError, SchemaOutdated, StoreError
from digitkit.service.access import Reading
from digitkit.service.problems import documented
from digitkit.service.records import bundle_out, stats_out
from digitkit.service.state import Here, Service
from digitkit.wire import BundlesOut, HealthOut, StatsOut

router = APIRouter()
OK = "ok"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/v1/bundles", tags=["predict"], summary="List bundles", responses=documented(408, 413, 503))
async def bundles(service: Here) -> BundlesOut:
    """The champion, which answers, and the others that can be asked by their id."""
    return await service.ask(partial(_bundles, service))


def _bundles(service: Service) -> BundlesOut:
    """Those of the registry; while the database is away the one that answers."""
    champion = service.readers.champion.bundle
    try:
        rows = {row.id: row for row in service.store.bundles.list() if row.location or row.id == champion.id}
    except StoreError:
        rows = {}
    others = [bundle_out(row, row, champion.id) for row in rows.values() if row.id != champion.id]
    return BundlesOut(champion=champion.id, bundles=[bundle_out(champion, rows.get(champion.id), champion.id), *others])


@router.get("/v1/stats", tags=["review"], summary="Count submissions", responses=documented(401, 403, 408, 413, 503))
async def stats(service: Here, key: Reading) -> StatsOut:
    """How many submissions there are, per day and label, and how often the model read the label that counts."""
    return stats_out(await service.ask(service.store.submissions.stats))


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", tags=["health"], summary="Whether the process answers", responses=documented(408, 413, 503))
async def live() -> HealthOut:
    """For the question whether to start it again; it looks at nothing else."""
    return HealthOut(status="ok")


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    tags=["health"],
    summary="Whether everything answers",
    responses={**documented(408, 413), 503: {"model": HealthOut, **documented(503)[503]}},
)
async def ready(service: Here, response: Response) -> HealthOut:
    """The model reads, the database answers and its tables are of this version."""
    checks = {
        "model": await _said(service.read, partial(_read_blank, service)),
        "database": await _said(service.ask, service.store.ping),
        "tables": await _said(service.ask, partial(_check_tables, service)),
    }
    if set(checks.values()) == {OK}:
        return HealthOut(status="ok", checks=checks)
    response.status_code = 503
    return HealthOut(status="failing", checks=checks)


async def _said(run: Callable[[Callable[[], None]], Awaitable[None]], check: Callable[[], None]) -> str:
    """What a check says: ok, or the kind of its trouble."""
    try:
        await run(check)
    except DigitkitError as error:
        return type(error).__name__
    return OK


def _read_blank(service: Service) -> None:
    service.readers.champion.predict([np.full((28, 28), 255, np.uint8)])


def _check_tables(service: Service) -> None:
    if not service.store.is_current():
        raise SchemaOutdated("The tables are of another version. Run `digitkit db upgrade`.")


@router.head("/metrics", include_in_schema=False)
@router.get(
    "/metrics", tags=["health"], summary="For Prometheus", response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(408, 413, 503)},
)  # fmt: skip
async def metrics(service: Here) -> Response:
    """Counts of all workers in Prometheus' text form."""
    return Response(await service.ask(service.metrics.text), 200, media_type=EXPOSITION)
