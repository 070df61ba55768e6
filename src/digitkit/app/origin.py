"""Only pages of this address may ask the page's server, so that no other site can use a visitor's session.

Streamlit would decide too, but to do so it asks a server on the internet for this machine's address.
"""

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

POLICY_VIOLATION = 1008  # of RFC 6455; before a connection is accepted it becomes a 403


class SameOrigin:
    """Refuses requests and connections that a page of another address started."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, connection or lifespan."""
        if scope["type"] not in ("http", "websocket") or _is_own(dict(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Another site asked. Open this page itself.\n", 403)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})


def _is_own(headers: dict[bytes, bytes]) -> bool:
    """Whether nobody, or a page of the host that is asked, started this; programs send no origin."""
    origin = headers.get(b"origin")
    if origin is None:
        return True
    try:
        place = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:  # brackets that do not close
        return False
    return place.lower() == headers.get(b"host", b"").decode("latin-1").lower()
