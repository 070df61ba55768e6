"""Who answers what on the one port, and who is not answered."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from digitkit.app.origin import SameOrigin
from digitkit.app.serving import OnePort


def saying(word: str) -> ASGIApp:
    """An application that says one word, to requests and to connections."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            connection = WebSocket(scope, receive, send)
            await connection.accept()
            await connection.send_text(word)
            await connection.close()
        else:
            await PlainTextResponse(word)(scope, receive, send)

    return app


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(OnePort(SameOrigin(saying("page")), saying("service")), base_url="http://digits.example")


@pytest.mark.parametrize("path", ["/v1/predict", "/health/live", "/metrics", "/docs", "/openapi.json"])
def test_the_service_answers_what_is_its_own(client: TestClient, path: str) -> None:
    assert client.get(path).text == "service"


@pytest.mark.parametrize("path", ["/", "/review", "/_stcore/health", "/v10", "/docsy", "/static/v1/x.js"])
def test_the_page_answers_everything_else(client: TestClient, path: str) -> None:
    assert client.get(path).text == "page"


def test_a_page_of_this_address_may_ask(client: TestClient) -> None:
    own = {"origin": "https://digits.example"}
    assert client.get("/", headers=own).status_code == 200
    with client.websocket_connect("/_stcore/stream", headers={**own, "host": "digits.example"}) as connection:
        assert connection.receive_text() == "page"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://digits.example:1", "http://[", ""])
def test_a_page_of_another_address_may_not(client: TestClient, origin: str) -> None:
    foreign = {"origin": origin, "host": "digits.example"}
    assert client.put("/_stcore/upload_file/x", headers=foreign).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_stcore/stream", headers=foreign) as connection,
    ):
        connection.receive_text()
