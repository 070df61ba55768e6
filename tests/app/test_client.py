"""The client of the service: what it gives, and what it does when the service is away."""

import base64
import json
from datetime import UTC, datetime

import pytest

from digitkit.core.errors import Conflict, Forbidden, RequestError, ServiceAway, Unauthorised
from digitkit.store import SubmissionFilter
from digitkit.wire import ReviewIn, SubmissionIn
from tests.app.conftest import ClientAt, Running
from tests.app.pictures import digit_png
from tests.app.scripted import scripted

SAVED = json.dumps(
    {
        "id": "0" * 32, "receipt": "r", "receipt_until": "2026-11-21T12:15:00Z", "created_at": "2026-11-21T12:00:00Z",
        "true_label": "7",
        "prediction": {
            "label": "7", "confidence": 0.9, "probabilities": {"7": 0.9}, "verdict": "digit", "reason": "clear",
            "bundle": "tiny@0", "milliseconds": 1.0,
        },
    }
)  # fmt: skip
AWAY = json.dumps({"title": "Service Unavailable", "status": 503, "detail": "The database is away. Nothing was saved."})


def submission(label: str = "7") -> SubmissionIn:
    return SubmissionIn(picture=base64.b64encode(digit_png(7)).decode(), true_label=label, channel="draw")


def test_a_picture_is_read(service: Running) -> None:
    answer = service.client.predict(digit_png(7)).prediction
    assert answer is not None
    assert (answer.label, len(answer.top), bool(answer.seen)) == ("7", 3, True)


def test_what_is_no_picture_is_refused_in_words(service: Running) -> None:
    with pytest.raises(RequestError, match="not a picture"):
        service.client.predict(b"no picture")


def test_a_submission_is_saved_once_for_a_key_and_can_be_taken_back(service: Running) -> None:
    before = service.store.submissions.count(SubmissionFilter())
    first, second = (service.client.submit(submission(), "the-same-key") for _ in range(2))
    assert first.id == second.id
    assert first.receipt_until > datetime.now(UTC)
    assert service.store.submissions.count(SubmissionFilter()) == before + 1
    service.client.withdraw(first.id, second.receipt)
    assert service.store.submissions.count(SubmissionFilter()) == before


def test_another_submission_under_the_same_key_is_refused(service: Running) -> None:
    service.client.submit(submission("7"), "one-key")
    with pytest.raises(Conflict):
        service.client.submit(submission("1"), "one-key")


def test_reviewing_needs_a_token_that_may(service: Running) -> None:
    sent = service.client.submit(submission(), "for-review")
    with pytest.raises(Unauthorised):
        service.client.submissions("wrong", {})
    with pytest.raises(Forbidden):
        service.client.review(service.tokens["read"], sent.id, ReviewIn(status="accepted"))
    assert service.client.picture(service.tokens["read"], sent.id) == digit_png(7)
    reviewed = service.client.review(service.tokens["review"], sent.id, ReviewIn(status="accepted", reviewed_label="1"))
    assert (reviewed.status, reviewed.reviewed_label) == ("accepted", "1")


def test_the_champion_is_among_the_bundles(service: Running) -> None:
    known = service.client.bundles()
    assert known.champion in [bundle.id for bundle in known.bundles]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(client_at: ClientAt) -> None:
    with scripted(None, (503, AWAY), (201, SAVED)) as server:
        sent = client_at(server.address).submit(submission(), "k1")
    assert sent.id == "0" * 32
    assert [headers["Idempotency-Key"] for _, headers in server.asked] == ["k1"] * 3


def test_a_service_that_stays_away_is_an_error_with_its_words(client_at: ClientAt) -> None:
    with scripted(*[(503, AWAY)] * 3) as server, pytest.raises(ServiceAway, match="Nothing was saved"):
        client_at(server.address).submit(submission(), "k1")


def test_a_service_that_is_not_there_is_an_error(client_at: ClientAt) -> None:
    with scripted() as server:
        address = server.address
    with pytest.raises(ServiceAway, match="does not answer"):
        client_at(address).submit(submission(), "k1")


@pytest.mark.parametrize("status", [200, 202])
def test_only_201_means_saved(client_at: ClientAt, status: int) -> None:
    with scripted((status, SAVED)) as server, pytest.raises(RequestError, match="Not saved"):
        client_at(server.address).submit(submission(), "k1")


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]"])
def test_an_answer_in_another_form_is_an_error(client_at: ClientAt, body: str) -> None:
    with scripted((201, body)) as server, pytest.raises(RequestError, match="another version"):
        client_at(server.address).submit(submission(), "k1")


def test_a_refusal_without_words_is_told_by_its_status(client_at: ClientAt) -> None:
    with scripted((418, "<html>teapot</html>")) as server, pytest.raises(RequestError, match="answered 418"):
        client_at(server.address).predict(b"x")
