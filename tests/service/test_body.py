"""A body is taken within limits of size, time and memory, whatever its headers claim."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from digitkit.service.body import Bodies, BodyLimits
from tests.service.conftest import serving

LIMITS = BodyLimits(one_bytes=1_000, all_bytes=2_500, requests=3, timeout_s=5)


@pytest.fixture(scope="module")
def small(migrated_file: Path) -> Iterator[TestClient]:
    """A service that takes 20 kB."""
    with serving(database=str(migrated_file), body_bytes=20_000, body_timeout_s=0.2) as client:
        yield client


def test_a_body_that_announces_too_much_is_refused_before_it_comes(small: TestClient) -> None:
    answer = small.post("/v1/predict", content=b"x", headers={"Content-Length": "99999999999999"})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_a_body_without_a_length_is_refused_when_it_gets_too_long(small: TestClient) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(1_000)

    answer = small.post("/v1/predict", content=pieces())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_has_the_limit(small: TestClient) -> None:
    for method, path in (("PUT", "/nowhere"), ("PATCH", f"/v1/submissions/{'0' * 32}"), ("DELETE", "/health/live")):
        assert small.request(method, path, content=bytes(20_001)).status_code == 413


class Client:
    """One request that comes in pieces, as a server hands them over; what is answered is kept."""

    def __init__(self, pieces: list[bytes], ends: bool = True) -> None:
        self.pieces, self.ends = pieces, ends
        self.answer: list[Message] = []

    async def receive(self) -> Message:
        if not self.pieces and not self.ends:
            await asyncio.Event().wait()  # for ever
        body = self.pieces.pop(0) if self.pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces) or not self.ends}

    async def send(self, message: Message) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])


SCOPE: Scope = {"type": "http", "method": "POST", "path": "/", "headers": []}


def test_a_body_that_does_not_end_is_refused_when_its_time_is_over() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the body never came")

    async def ask() -> Client:
        client = Client([b"a", b"b"], ends=False)
        bodies = Bodies(app, BodyLimits(1_000, 1_000, 3, timeout_s=0.05))
        await bodies(dict(SCOPE), client.receive, client.send)
        assert (bodies.held_bytes, bodies.requests) == (0, 0)
        return client

    assert asyncio.run(ask()).status == 408


class Waiting:
    """An application that says when it has a body, and answers when it may."""

    def __init__(self) -> None:
        self.entered, self.may_answer = asyncio.Semaphore(0), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.entered.release()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


def test_all_bodies_together_have_a_limit_and_give_their_room_back() -> None:
    async def ask() -> list[int]:
        app = Waiting()
        bodies = Bodies(app, LIMITS)
        first = [Client([bytes(900)]) for _ in range(2)]
        running = [asyncio.create_task(bodies(dict(SCOPE), each.receive, each.send)) for each in first]
        for _ in first:
            await app.entered.acquire()
        refused = Client([bytes(900)])
        await bodies(dict(SCOPE), refused.receive, refused.send)
        app.may_answer.set()
        await asyncio.gather(*running)
        assert (bodies.held_bytes, bodies.requests) == (0, 0)
        return [refused.status, *(each.status for each in first)]

    assert asyncio.run(ask()) == [503, 200, 200]


def test_so_many_requests_are_answered_at_once_and_no_more() -> None:
    async def ask() -> list[int]:
        app = Waiting()
        bodies = Bodies(app, LIMITS)
        first = [Client([]) for _ in range(3)]
        running = [asyncio.create_task(bodies(dict(SCOPE), each.receive, each.send)) for each in first]
        for _ in first:
            await app.entered.acquire()
        refused = Client([])
        await bodies(dict(SCOPE), refused.receive, refused.send)
        app.may_answer.set()
        await asyncio.gather(*running)
        return [refused.status, *(each.status for each in first)]

    assert asyncio.run(ask()) == [503, 200, 200, 200]


def test_who_is_refused_takes_no_place_while_he_still_sends() -> None:
    async def ask() -> list[int]:
        app = Waiting()
        bodies = Bodies(app, replace(LIMITS, requests=1))
        first, slow, third = Client([]), Client([b"a"], ends=False), Client([])
        running = asyncio.create_task(bodies(dict(SCOPE), first.receive, first.send))
        await app.entered.acquire()
        refused = asyncio.create_task(bodies(dict(SCOPE), slow.receive, slow.send))
        while slow.pieces:
            await asyncio.sleep(0)
        app.may_answer.set()
        await running
        await bodies(dict(SCOPE), third.receive, third.send)
        assert not refused.done()
        refused.cancel()
        return [first.status, third.status]

    assert asyncio.run(ask()) == [200, 200]


def test_a_client_that_leaves_is_answered_nothing() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("nobody is there to be answered")

    async def ask() -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await Bodies(app, LIMITS)(dict(SCOPE), receive, send)
        return sent

    assert asyncio.run(ask()) == []
