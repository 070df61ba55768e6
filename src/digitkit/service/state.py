"""What one worker holds while it serves."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from digitkit.runtime.predictor import Predictor
from digitkit.service.lane import Lane
from digitkit.service.metrics import Metrics
from digitkit.service.pictures import Eye
from digitkit.service.rates import Rate
from digitkit.service.readers import Readers
from digitkit.service.settings import Settings
from digitkit.store import Store

R = TypeVar("R")
logger = logging.getLogger(__name__)

STORE_THREADS = 4  # more wait for each other: SQLite has one writer


@dataclass
class Service:
    """The parts of a worker: the bundles, the store, and the threads that work with them."""

    settings: Settings
    metrics: Metrics
    store: Store
    readers: Readers
    eye: Eye
    reading: Lane
    storing: Lane
    predict_rate: Rate
    submit_rate: Rate
    following: "asyncio.Task[None] | None" = field(default=None)

    @classmethod
    def of(cls, settings: Settings) -> "Service":
        """The parts that settings ask for; nothing is opened yet.

        Raises: ConfigError for an address of a database that makes no sense.
        """
        metrics = Metrics()
        store = Store.open(settings.database_place)
        return cls(
            settings=settings,
            metrics=metrics,
            store=store,
            readers=Readers(settings.bundle, store, metrics.note_champion),
            eye=Eye(settings.picture_bytes),
            reading=_lane("reading", settings.threads, settings, metrics),
            storing=_lane("storing", STORE_THREADS, settings, metrics),
            predict_rate=Rate(settings.predict_rate),
            submit_rate=Rate(settings.submit_rate),
        )

    async def start(self) -> None:
        """Open the bundle, and follow the champion from now on.

        Raises: BundleError, or ConfigError, when the bundle cannot be used.
        """
        await asyncio.to_thread(self.readers.open)
        if self.readers.follows:
            self.following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.champion_poll_s)
            await asyncio.to_thread(self.readers.follow)

    async def stop(self) -> None:
        """Finish what runs and close the database."""
        if self.following is not None:
            self.following.cancel()
            with suppress(asyncio.CancelledError):
                await self.following
        await asyncio.to_thread(self.reading.close)
        await asyncio.to_thread(self.storing.close)
        await asyncio.to_thread(self.eye.close)
        await asyncio.to_thread(self.store.close)

    async def reader(self, bundle: str | None) -> Predictor:
        """The reader for a bundle's id, or the champion; a slow database keeps no thread from reading.

        Raises: NotFound, StoreUnavailable, Overloaded.
        """
        return self.readers.champion if bundle is None else await self.ask(partial(self.readers.named, bundle))

    async def read(self, work: Callable[[], R]) -> R:
        """Run work that reads pictures."""
        return await self.reading.run(work)

    async def ask(self, work: Callable[[], R]) -> R:
        """Run work that asks the database."""
        return await self.storing.run(work)


def _lane(name: str, threads: int, settings: Settings, metrics: Metrics) -> Lane:
    return Lane(name, threads, settings.queue, settings.answer_timeout_s, metrics.queue.labels(name).set)


async def service_of(request: Request) -> Service:
    """The worker's parts, for the routes; async, since FastAPI gives what is not a thread of its own."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Here = Annotated[Service, Depends(service_of)]
