"""The application: `create_app(settings)` is a FastAPI application, ready to run or to be mounted in another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from digitkit import __version__
from digitkit.service import overview, page, predicting, problems, reviewing, submitting
from digitkit.service.body import Bodies, BodyLimits
from digitkit.service.edge import REQUEST_ID, Edge
from digitkit.service.settings import Settings, read_settings
from digitkit.service.state import Service
from digitkit.wire import ProblemOut

ABOUT = """Reads digits in pictures, and keeps pictures with their true labels so that it gets better.

Every error is application/problem+json. 503 and 429 say in Retry-After when to try again."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an application; without settings, with those of the environment.

    Its parts open and close with its lifespan; an application that mounts it enters `running(app)` in its own.
    Raises: ConfigError when the settings make no sense.
    """
    settings = settings or read_settings()
    service = Service.of(settings)
    app = FastAPI(
        title="digitkit",
        summary="Reads digits.",
        description=ABOUT,
        version=__version__,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        middleware=_layers(settings),
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.service = service
    _wrap(app, service)
    problems.install(app)
    for router in (predicting.router, submitting.router, reviewing.router, overview.router, page.router):
        app.include_router(router)
    _complete_schema(app)
    return app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Open what the application needs, and close it at the end.

    Raises: BundleError when its bundle cannot be used.
    """
    service = app.state.service
    assert isinstance(service, Service)
    await service.start()
    try:
        yield
    finally:
        await service.stop()


def _wrap(app: FastAPI, service: Service) -> None:
    """Put the edge around all: Starlette's answer to what nobody expected lies outside of any middleware."""
    build = app.build_middleware_stack
    trusted = list(service.settings.trusted_proxies)

    def build_with_edge() -> ASGIApp:
        edge: ASGIApp = Edge(build(), service.metrics)
        return ProxyHeadersMiddleware(edge, trusted) if trusted else edge  # type: ignore[arg-type, return-value]

    app.build_middleware_stack = build_with_edge  # type: ignore[method-assign]


def _layers(settings: Settings) -> list[Middleware]:
    """What lies between the edge and the routes, from the outside to the inside."""
    layers = []
    if settings.allowed_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.allowed_origins),
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Receipt", REQUEST_ID],
                expose_headers=[REQUEST_ID, "Retry-After"],
            )
        )
    limits = BodyLimits(settings.body_bytes, settings.bodies_bytes, settings.connections, settings.body_timeout_s)
    return [*layers, Middleware(Bodies, limits=limits, allowed_origins=settings.allowed_origins)]


def _complete_schema(app: FastAPI) -> None:
    """Put the records that only bodies and problems name into the OpenAPI schema."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        known = schema["components"]["schemas"]
        for record in (ProblemOut, *predicting.ALSO, *submitting.ALSO):
            own = record.model_json_schema(ref_template="#/components/schemas/{model}")
            known.update({name: value for name, value in own.pop("$defs", {}).items() if name not in known})
            known.setdefault(record.__name__, own)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
