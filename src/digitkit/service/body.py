"""Bodies of requests: read whole before anybody works with them, within limits of size, time and memory."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitkit.core.errors import Overloaded, RequestError, TooLarge, TooSlow
from digitkit.service import problems
from digitkit.service.sites import check_site

LINGER_S = 2.0  # for which a body that is refused is still taken, so that its sender sees the answer and no reset
LINGER_BYTES = 256 * 2**20


@dataclass(frozen=True)
class BodyLimits:
    """How much a worker takes."""

    one_bytes: int  # of one request
    all_bytes: int  # of all requests together, while they are worked on
    requests: int  # at once
    timeout_s: float  # in which a body must have arrived


@dataclass
class Body:
    """What has come of a request so far, and whether that is all."""

    has_place: bool  # among the requests that are answered at once
    content: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


class Bodies:
    """Hands a request on once its body has arrived whole; refuses it while it arrives, whatever its headers claim."""

    def __init__(self, app: ASGIApp, limits: BodyLimits, allowed_origins: Collection[str] = ()) -> None:
        self.app, self.limits, self.allowed_origins = app, limits, allowed_origins
        self.held_bytes = self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; anything else passes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = Body(has_place=self.requests < self.limits.requests)
        self.requests += body.has_place  # who is refused takes no place from others while it is told so
        try:
            try:
                await self._read(scope, receive, body)
            except RequestError as error:
                if not body.is_whole and not isinstance(error, TooSlow):
                    await _drain(receive)
                await _refuse(error, scope, receive, send)
                return
            except ConnectionResetError:  # the client has gone, so there is nobody to answer
                return
            await self.app(scope, _replay(body.content, receive), send)
        finally:
            self.requests -= body.has_place
            self.held_bytes -= len(body.content)

    async def _read(self, scope: Scope, receive: Receive, body: Body) -> None:
        """Fill the body, and count its bytes."""
        limits = self.limits
        check_site(scope, self.allowed_origins)
        if not body.has_place:
            raise Overloaded(f"The service answers {limits.requests} requests already. Try again in a second.")
        self._check(_announced(scope), 0)
        try:
            async with asyncio.timeout(limits.timeout_s):
                while not body.is_whole:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionResetError
                    piece = message.get("body", b"")
                    body.is_whole = not message.get("more_body", False)
                    self._check(len(body.content) + len(piece), len(piece))
                    body.content += piece
                    self.held_bytes += len(piece)
        except TimeoutError as error:
            raise TooSlow(f"The request did not arrive within {limits.timeout_s:g} s. Send it again.") from error

    def _check(self, whole: int, more: int) -> None:
        """Refuse a body of so many bytes, of which `more` are not counted yet."""
        if whole > self.limits.one_bytes:
            raise TooLarge(f"The request is over {self.limits.one_bytes:,} bytes. Send fewer or smaller pictures.")
        if self.held_bytes + more > self.limits.all_bytes:
            raise Overloaded("The service holds as many uploads as it can. Try again in a second.")


async def _refuse(error: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
    """Say why, and close the connection: what may still come is not read."""
    scope["digitkit.error"] = error
    answer = problems.problem_of(error, str(scope.get("digitkit.request_id", "")))
    await problems.respond(answer, {"Connection": "close"})(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Take what still comes, up to a limit of time and bytes, and forget it."""
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _replay(body: bytearray, receive: Receive) -> Receive:
    """A `receive` that gives the body once, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return replay


def _announced(scope: Scope) -> int:
    """The bytes that the headers announce; 0 when they do not, or not as a number."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) <= 18 else 0
