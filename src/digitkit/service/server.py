"""Runs the service: one process, or several that share the port."""

import ctypes
import os
import tempfile
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from digitkit.runtime.bundle import read_bundle
from digitkit.service.listening import BACKLOG, address_of, listen
from digitkit.service.logs import log_config
from digitkit.service.registered import check_file, is_id
from digitkit.service.settings import CHAMPION, Settings
from digitkit.store import Store

if TYPE_CHECKING:
    from fastapi import FastAPI

KEEP_ALIVE_S = 30  # for which an idle connection stays; with uvicorn's 5 s, many a second request meets a closed one
WORKER_SILENCE_S = 20  # after which a worker counts as hung; uvicorn's 5 s are too few for a start on a busy machine
M_MMAP_THRESHOLD, LARGE_BYTES = -3, 2**20  # of glibc's malloc.h: blocks from this size on are not kept
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client reads it when it is imported, in each worker


class Server:
    """A service that is about to run. Its port is taken at once, so that no request is refused while it starts.

    Raises: ConfigError when the port is taken or the database's address makes no sense; BundleError when the bundle
    cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = checked_store(settings)
        self.socket = listen(settings.host, settings.port)

    @property
    def address(self) -> str:
        """Where it answers."""
        return address_of(self.socket)

    def run(self) -> None:
        """Bring the tables up to date, then answer until Ctrl-C or SIGTERM; what was accepted is finished.

        Raises: StoreError when the database cannot be used, or knows no bundle of the id that is asked for; BundleError
        when that one cannot be opened here.
        """
        prepare(self.store, self.settings)
        self.store.close()
        config = _config(self.settings)
        with suppress(KeyboardInterrupt):
            if self.settings.workers == 1:
                uvicorn.Server(config).run(sockets=[self.socket])
            else:
                self._run_workers(config)

    def _run_workers(self, config: uvicorn.Config) -> None:
        """Several processes: this one watches them, and starts anew those that die."""
        from uvicorn.supervisors import Multiprocess

        with tempfile.TemporaryDirectory(prefix="digitkit-metrics-") as folder:
            os.environ[METRICS_FOLDER] = folder
            Multiprocess(config, sockets=[self.socket]).run()


def checked_store(settings: Settings) -> Store:
    """The store that settings name, once their bundle is known to be one: what is wrong is said before anything starts.

    Raises: ConfigError when the database's address makes no sense; BundleError when the bundle cannot be used.
    """
    if settings.bundle != CHAMPION and not is_id(settings.bundle):
        read_bundle(settings.bundle)
    return Store.open(settings.database_place)


def prepare(store: Store, settings: Settings) -> None:
    """Bring the tables up to date, and make sure that a bundle of the registry, if one is named, can be opened.

    Raises: StoreError when the database cannot be used, NotFound and BundleError for the bundle.
    """
    store.upgrade()
    if is_id(settings.bundle):
        check_file(store.bundles.get(settings.bundle))


def worker_app(settings: Settings) -> "FastAPI":
    """The application of a worker; what it needs is imported there and not in the process that watches."""
    from digitkit.service.app import create_app

    _give_memory_back()
    return create_app(settings)


def _give_memory_back() -> None:
    """Make glibc return what large pictures took at once; by itself it keeps up to some hundred MB for the next one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        partial(worker_app, settings),
        factory=True,
        workers=settings.workers,
        lifespan="on",
        ws="none",
        log_config=log_config(settings.log_level),
        access_log=False,  # the edge writes its own
        proxy_headers=False,  # the application does that, for those who mount it too
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.stop_timeout_s,
        timeout_worker_healthcheck=WORKER_SILENCE_S,
    )
