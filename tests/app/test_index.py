"""The document that every page begins with."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digitkit.app.index import PATHS, PLACE, routes


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=routes()), base_url="http://digits.example")


@pytest.mark.parametrize("path", ["/", *(f"/{path}" for path in PATHS[1:])])
def test_every_page_is_told_where_its_service_is_before_its_scripts_run(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.text.index(PLACE) < answer.text.index("</head>")
    assert answer.headers["cache-control"] == "no-cache"


def test_who_asks_for_the_head_only_gets_its_length(client: TestClient) -> None:
    answer = client.head("/models")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(client.get("/models").content))


def test_the_first_page_has_one_address(client: TestClient) -> None:
    assert client.get(f"/{PATHS[0]}", follow_redirects=False).headers["location"] == "/"
