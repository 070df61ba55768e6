"""Passes what the pad asks on to a service elsewhere, where no proxy does so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitkit.app.serving import Service

MAX_BODY = 2 * 2**20  # a drawing has some 10 kB; files go another way
KEPT = ("content-type", "retry-after", "x-request-id")
TIMEOUTS = httpx.Timeout(6.0, connect=2.0)  # seconds; the pad waits for 5


def forwarded(address: str) -> Service:
    """The one route of a service elsewhere that browsers ask."""
    http = httpx.AsyncClient(base_url=address, timeout=TIMEOUTS, trust_env=False)

    async def predict(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                return Response(status_code=413)
        headers = {name: request.headers[name] for name in ("content-type", "accept") if name in request.headers}
        try:
            answer = await http.post("/v1/predict", params=request.query_params, content=body, headers=headers)
        except httpx.RequestError:
            return Response(status_code=503, headers={"Retry-After": "1"})
        kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with http:
            yield

    return Service(Starlette(routes=[Route("/v1/predict", predict, methods=["POST"])]), lifespan)
