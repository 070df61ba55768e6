"""Every answer has an id, the headers of security and a line in the log that tells no secret."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from digitkit.service.app import create_app
from digitkit.service.logs import JsonLines
from digitkit.service.settings import Settings
from digitkit.store import Store
from tests.service.conftest import serving

SECURITY = ("x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options", "cache-control")


@contextmanager
def logged(name: str = "digitkit") -> Iterator[list[str]]:
    """The lines that are logged meanwhile."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logger, handler = logging.getLogger(name), Keep()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/v1/submissions", "/docs"])
def test_every_answer_has_the_headers_of_security(reader: TestClient, path: str) -> None:
    assert [name for name in SECURITY if name not in reader.get(path).headers] == []


def test_a_sane_request_id_is_kept(reader: TestClient) -> None:
    assert (
        reader.get("/health/live", headers={"X-Request-Id": "from-the.proxy_1"}).headers["x-request-id"]
        == "from-the.proxy_1"
    )


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, '"quoted"'], ids=["none", "space", "long", "quote"])
def test_any_other_request_id_is_replaced(reader: TestClient, given: str) -> None:
    first, second = (reader.get("/health/live", headers={"X-Request-Id": given}).headers["x-request-id"] for _ in "ab")
    assert first != second
    assert len(first) == 16


def test_a_request_is_one_line_of_json_without_what_it_holds(reader: TestClient, seven: bytes) -> None:
    with logged() as lines:
        reader.post(
            "/v1/predict?top_k=4", content=seven, headers={"Authorization": "Bearer secret", "X-Receipt": "hidden"}
        )
    (line,) = (json.loads(line) for line in lines)
    assert (line["method"], line["route"], line["status"], line["level"]) == ("POST", "/v1/predict", 200, "info")
    assert line["ms"] > 0
    assert not any(word in json.dumps(line) for word in ("secret", "hidden", "top_k", "probabilities"))


def test_a_path_with_an_id_is_logged_as_its_template(reader: TestClient) -> None:
    with logged() as lines:
        reader.get(f"/v1/submissions/{'0' * 32}")
        reader.get("/some/where")
    assert [json.loads(line)["route"] for line in lines] == ["/v1/submissions/{id}", "(none)"]


def test_a_client_that_leaves_before_its_request_is_whole_is_no_failure_of_ours(database: Path) -> None:
    app = create_app(Settings(database=str(database)))
    scope: Scope = {"type": "http", "method": "POST", "path": "/v1/predict", "headers": [], "client": None}
    answer: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(message)

    with logged() as lines:
        asyncio.run(app(scope, receive, send))
    (line,) = map(json.loads, lines)
    assert (answer, line["status"], line["level"]) == ([], 499, "info")


def test_our_own_mistake_is_a_problem_without_its_trace(database: Path) -> None:
    app: FastAPI = create_app(Settings(database=str(database)))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("password=hunter2")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "hunter2" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_other_web_pages_may_not_ask_unless_they_are_named(reader: TestClient, database: Path) -> None:
    origin = {"Origin": "https://friend.example"}
    ask = origin | {"Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in reader.get("/health/live", headers=origin).headers
    with serving(database=str(database), allowed_origins="https://friend.example") as client:
        assert client.options("/v1/predict", headers=ask).headers["access-control-allow-origin"] == origin["Origin"]
        stranger = ask | {"Origin": "https://stranger.example"}
        assert client.options("/v1/predict", headers=stranger).status_code == 400


FOREIGN = [
    {"Origin": "https://stranger.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://testserver:3000", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://stranger.example"},
    {"Origin": "null"},
    {"Origin": "http://[testserver"},
]
OWN = [
    {},
    {"Origin": "http://testserver"},
    {"Origin": "https://digits.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: "-".join(headers.values()))
def test_a_page_of_another_site_submits_and_predicts_nothing(
    client: TestClient, store: Store, seven: bytes, headers: dict[str, str]
) -> None:
    answers = [
        client.post("/v1/submissions", files={"picture": seven}, data={"true_label": "7"}, headers=headers),
        client.post("/v1/predict", content=seven, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert store.submissions.count() == 0
    assert client.get("/health/live", headers=headers).status_code == 200  # its browser does not show it to that page


@pytest.mark.parametrize("headers", OWN, ids=lambda headers: "-".join(headers.values()) or "program")
def test_its_own_pages_and_programs_may_ask(reader: TestClient, seven: bytes, headers: dict[str, str]) -> None:
    assert reader.post("/v1/predict", content=seven, headers=headers).status_code == 200


def test_a_site_that_is_named_may_ask(database: Path, seven: bytes) -> None:
    friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
    with serving(database=str(database), allowed_origins="https://friend.example") as client:
        answer = client.post("/v1/predict", content=seven, headers=friend)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, friend["Origin"])
        stranger = friend | {"Origin": "https://stranger.example"}
        assert client.post("/v1/predict", content=seven, headers=stranger).status_code == 403
    with serving(database=str(database), allowed_origins="*") as client:
        assert client.post("/v1/predict", content=seven, headers=stranger).status_code == 200


def test_unknown_paths_and_methods_are_problems(reader: TestClient) -> None:
    assert reader.get("/v2/predict").json()["status"] == 404
    answer = reader.get("/v1/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
