"""A client that asks too often is told to wait; others are not."""

from pathlib import Path

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.service.conftest import serving

PROXY = "testclient"  # how starlette's client calls itself


def ask(client: TestClient, picture: bytes, address: str) -> Response:
    """One request that says whom it is forwarded for."""
    return client.post("/v1/predict", content=picture, headers={"X-Forwarded-For": address})


def test_a_client_gets_so_many_answers_and_then_429(database: Path, seven: bytes) -> None:
    with serving(database=str(database), predict_rate="3/hour") as client:
        answers = [client.post("/v1/predict", content=seven) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"]
        assert client.get("/health/live").status_code == 200


def test_receipts_cannot_be_tried_without_end(database: Path) -> None:
    url, receipt = f"/v1/submissions/{'0' * 32}", {"X-Receipt": "a guess"}
    with serving(database=str(database), submit_rate="2/hour") as client:
        tried = [
            client.delete(url, headers=receipt),
            client.patch(f"{url}/label", json={"true_label": "7"}, headers=receipt),
            client.delete(url, headers=receipt),
            client.patch(f"{url}/label", json={"true_label": "7"}, headers=receipt),
        ]
        assert [answer.status_code for answer in tried] == [404, 404, 429, 429]


def test_nobody_is_believed_who_he_is_unless_a_proxy_is_trusted(database: Path, seven: bytes) -> None:
    with serving(database=str(database), predict_rate="1/hour") as client:
        assert [ask(client, seven, f"192.0.2.{n}").status_code for n in range(2)] == [200, 429]


def test_behind_a_trusted_proxy_every_client_counts_for_itself(database: Path, seven: bytes) -> None:
    with serving(database=str(database), predict_rate="1/hour", trusted_proxies=PROXY) as client:
        statuses = [ask(client, seven, address).status_code for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]
        assert statuses == [200, 200, 429]
        forged = ask(client, seven, "203.0.113.9, 192.0.2.1")
        assert forged.status_code == 429  # what stands before the proxy's own word is the client's claim


def test_one_household_of_ipv6_is_one_client(database: Path, seven: bytes) -> None:
    with serving(database=str(database), predict_rate="1/hour", trusted_proxies=PROXY) as client:
        statuses = [ask(client, seven, each).status_code for each in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")]
        assert statuses == [200, 429, 200]
