"""The outermost layer: every request gets an id, every answer its headers, a line in the log and a count."""

import logging
import re
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitkit.service.metrics import Metrics

logger = logging.getLogger("digitkit.access")

SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUEST_ID = "X-Request-Id"
UNKNOWN_ROUTE = "(none)"
CLIENT_LEFT = 499  # nginx's word in logs for a request that was not answered, since nobody is there any more
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything else passes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope["digitkit.request_id"] = request_id
        start, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
            status = status or CLIENT_LEFT
        finally:
            self._note(scope, status or 500, time.perf_counter() - start)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count the request and log it; the path's template, since paths hold ids."""
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        route = str(getattr(scope.get("route"), "path", UNKNOWN_ROUTE))
        self.metrics.note_request(method, route, status, seconds)
        facts = {
            "request_id": scope["digitkit.request_id"],
            "method": method,
            "route": route,
            "status": status,
            "ms": round(1_000 * seconds, 1),
            "client": (scope.get("client") or ("",))[0],
        }
        if (error := scope.get("digitkit.error")) is not None:
            facts["error"] = type(error).__name__
        level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
        logger.log(level, "request", extra={"facts": facts})


def _id_of(scope: Scope) -> str:
    """The id that the client gave, where it is a sane one; else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if SANE_ID.fullmatch(given) else secrets.token_hex(8)
