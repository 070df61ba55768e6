"""The page as an ASGI application: alone, or with the service on the same port.

Streamlit keeps its settings for the whole process, so one process serves one page.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from digitkit.app.budget import UploadBudget
from digitkit.app.origin import SameOrigin
from digitkit.core.picture import LIMITS

MAIN = Path(__file__).with_name("main.py")
OF_SERVICE = ("/v1", "/health", "/metrics", "/docs", "/openapi.json")  # everything else is the page's
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]

# What a visitor's browser asks goes to this machine only, and nobody is told that the page is used.
OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",  # a visitor sees no traces; they stand in the log
    "global.developmentMode": False,
    "logger.hideWelcomeMessage": True,
    "runner.magicEnabled": False,
    "server.enableCORS": True,  # Streamlit's word for: other origins may not connect
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": LIMITS.content_bytes // 2**20,
    "server.runOnSave": False,
    "theme.light.primaryColor": "#3367d6",  # a colour for both would make one theme, and no more follow the system's
    "theme.dark.primaryColor": "#3f72e0",
}


@dataclass(frozen=True)
class Service:
    """The service in this process, and what to do when it starts and stops."""

    app: ASGIApp
    lifespan: Lifespan


class OnePort:
    """Hands what belongs to the service to the service, and everything else to the page."""

    def __init__(self, page: ASGIApp, service: ASGIApp) -> None:
        self._page, self._service = page, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, connection or lifespan."""
        path = scope.get("path", "")
        is_for_service = scope["type"] == "http" and any(_lies_in(path, prefix) for prefix in OF_SERVICE)
        await (self._service if is_for_service else self._page)(scope, receive, send)


def _lies_in(path: str, prefix: str) -> bool:
    """Whether a path is the prefix or below it."""
    return path == prefix or path.startswith(f"{prefix}/")


def page_of(address: str, service: Service) -> ASGIApp:
    """The page and what answers it, as one application; `address` is where the page's own process asks the service."""
    configure()
    from streamlit.starlette import App

    from digitkit.app import index

    @asynccontextmanager
    async def both(page: App) -> AsyncIterator[None]:
        async with service.lifespan(service.app):
            yield

    page = App(MAIN, secrets={"service": address}, lifespan=both, routes=index.routes())
    return OnePort(SameOrigin(UploadBudget(page)), service.app)


def configure() -> None:
    """Set Streamlit up; before its application is made."""
    from streamlit.web.bootstrap import load_config_options

    load_config_options({name.replace(".", "_"): value for name, value in OPTIONS.items()})


class Announced(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self._announce()
