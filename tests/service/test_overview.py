"""The service tells what it is: bundles, health, metrics, and its own documentation."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from digitkit.wire import BundlesOut, HealthOut
from tests.service.conftest import png, serving


def test_the_champion_is_the_bundle_that_ships_until_another_is_promoted(reader: TestClient) -> None:
    bundles = BundlesOut.model_validate_json(reader.get("/v1/bundles").content)
    assert [bundle.id for bundle in bundles.bundles if bundle.is_champion] == [bundles.champion]
    assert bundles.champion.startswith("default@")
    assert bundles.bundles[0].classes == list("0123456789")


def test_a_well_service_is_ready(reader: TestClient) -> None:
    answer = reader.get("/health/ready")
    health = HealthOut.model_validate_json(answer.content)
    assert (answer.status_code, health.status) == (200, "ok")
    assert health.checks == {"model": "ok", "database": "ok", "tables": "ok"}


def test_without_a_database_it_is_alive_but_not_ready(tmp_path: Path) -> None:
    with serving(database=str(tmp_path / "none" / "digitkit.sqlite")) as client:
        assert client.get("/health/live").status_code == 200
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"model": "ok", "database": "StoreUnavailable", "tables": "StoreUnavailable"}
        assert str(tmp_path) not in answer.text


def test_tables_of_another_version_are_not_ready(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with serving(database=str(tmp_path / "empty.sqlite")) as client:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]["tables"]) == (503, "SchemaOutdated")


def value(client: TestClient, name: str, **labels: str) -> float:
    """A number of the metrics page; 0 when it is not there yet."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = (sample for family in families for sample in family.samples)
    return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


def test_metrics_count_what_was_done(client: TestClient, seven: bytes) -> None:
    for _ in range(3):
        client.post("/v1/predict", content=seven)
    client.post("/v1/predict", content=b"nothing")
    client.post("/v1/submissions", files={"picture": seven}, data={"true_label": "7"})
    bundle = client.get("/v1/bundles").json()["champion"]
    assert value(client, "digitkit_requests_total", route="/v1/predict", status="200") == 3
    assert value(client, "digitkit_requests_total", route="/v1/predict", status="415") == 1
    assert value(client, "digitkit_request_seconds_count", route="/v1/predict") == 4
    assert value(client, "digitkit_predictions_total", verdict="digit", bundle=bundle) == 4
    assert value(client, "digitkit_confidence_count", bundle=bundle) == 4
    assert value(client, "digitkit_submissions_total", agrees="true") == 1
    blank = png(np.full((64, 64), 255, np.uint8))
    client.post("/v1/submissions", files={"picture": blank}, data={"true_label": "not a digit"})
    assert value(client, "digitkit_submissions_total", agrees="true") == 2
    assert value(client, "digitkit_serving", bundle=bundle) == 1
    assert value(client, "digitkit_queue", lane="reading") == 0


class _Checker(HTMLParser):
    """Notes every tag, and what asks another machine."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.foreign += [value for _, value in attrs if value and re.match(r"https?:|//", value)]


def test_the_page_of_the_documentation_names_every_request_and_needs_no_script(reader: TestClient) -> None:
    page, schema = reader.get("/docs").text, reader.get("/openapi.json").json()
    checker = _Checker()
    checker.feed(page)
    assert [path for path in schema["paths"] if path not in page] == []
    assert [name for name in schema["components"]["schemas"] if f'id="{name}"' not in page] == []
    assert ("script" in checker.tags, checker.foreign) == (False, [])
    assert '"verdict": "digit"' in page.replace("&quot;", '"')


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/docs"])
def test_watchers_may_ask_without_the_body(reader: TestClient, path: str) -> None:
    answer = reader.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
