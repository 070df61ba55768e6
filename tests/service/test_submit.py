"""Submissions are kept once, for good, and their senders can take them back."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from digitkit.store import Store
from digitkit.wire import SubmittedOut
from tests.fixtures.bundles import TINY, tiny_bundle
from tests.service.conftest import serving
from tests.service.test_readers import register, until

URL = "/v1/submissions"
STROKES = [[[10, 20, 0, 0.5], [11, 22.5, 16, 0.6]], [[30, 40, 200, 1]]]

Token = Callable[[str], dict[str, str]]


def submit(client: TestClient, picture: bytes, label: str = "7", key: str | None = None, **more: str) -> Response:
    """Send a picture with its true label as a form."""
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(URL, files={"picture": picture}, data={"true_label": label, **more}, headers=headers)


def submitted(answer: Response) -> SubmittedOut:
    assert answer.status_code == 201, answer.text
    return SubmittedOut.model_validate_json(answer.content)


def test_a_submission_is_in_the_database_when_it_is_answered(client: TestClient, store: Store, seven: bytes) -> None:
    mine = submitted(submit(client, seven, strokes=json.dumps(STROKES), channel="draw"))
    row = store.submissions.get(mine.id)
    assert (row.true_label, row.channel, row.strokes, row.status) == ("7", "draw", STROKES, "pending")
    assert store.submissions.picture(mine.id) == seven
    assert (row.predicted, row.bundle) == (mine.prediction.label, mine.prediction.bundle)


def test_json_does_the_same_as_a_form(client: TestClient, store: Store, seven: bytes) -> None:
    body = {"picture": base64.b64encode(seven).decode(), "true_label": "not a digit", "strokes": STROKES}
    mine = submitted(client.post(URL, json=body))
    row = store.submissions.get(mine.id)
    assert (row.true_label, row.strokes, row.media_type) == ("not a digit", STROKES, "image/png")


def test_nothing_tells_who_sent_it(client: TestClient, store: Store, seven: bytes) -> None:
    assert store.submissions.get(submitted(submit(client, seven)).id).client == ""


def test_the_service_reads_the_picture_itself(client: TestClient, seven: bytes) -> None:
    assert submitted(submit(client, seven, label="3")).prediction.label == "7"
    answer = submit(client, seven, predicted="3")
    assert answer.status_code == 422


def test_the_repeat_of_a_key_gets_the_first_answer_and_is_kept_once(
    client: TestClient, store: Store, seven: bytes
) -> None:
    first, again = (submitted(submit(client, seven, key="a-key")) for _ in range(2))
    assert (again.id, again.receipt, again.created_at) == (first.id, first.receipt, first.created_at)
    assert store.submissions.count() == 1


def test_a_key_with_another_content_is_refused(client: TestClient, store: Store, seven: bytes) -> None:
    submitted(submit(client, seven, key="a-key"))
    assert submit(client, seven, label="1", key="a-key").status_code == 409
    assert store.submissions.count() == 1


@pytest.mark.parametrize("key", ["k" * 201, "two words", "\xe4"], ids=["long", "space", "letter"])
def test_a_key_that_is_none_is_refused(client: TestClient, seven: bytes, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin1")}
    answer = client.post(URL, files={"picture": seven}, data={"true_label": "7"}, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "label", ["10", "", "seven", "x" * 65, "7\0", " 7"], ids=["10", "none", "word", "long", "nul", "space"]
)
def test_a_label_that_the_bundle_does_not_know_is_refused(client: TestClient, seven: bytes, label: str) -> None:
    assert submit(client, seven, label=label).status_code == 422


@pytest.mark.parametrize(
    "strokes",
    [
        "nonsense",
        "[[[1, 2, 3]]]",
        "[[[1, 2, 3, 2]]]",
        "[[[1, 2, -3, 0]]]",
        "[[[1, 2, 3, NaN]]]",
        "[[[1e9, 2, 3, 0]]]",
        '{"a": 1}',
        json.dumps([[]] * 501),
        json.dumps([[[1, 1, 1, 1]] * 2_501] * 2),
        "[" * 5_000,
    ],
    ids=["text", "short", "pressure", "time", "nan", "far", "object", "many", "long", "deep"],
)
def test_strokes_that_make_no_sense_are_refused(client: TestClient, store: Store, seven: bytes, strokes: str) -> None:
    assert submit(client, seven, strokes=strokes).status_code == 422
    assert store.submissions.count() == 0


@pytest.mark.parametrize(
    ("picture", "status"),
    [(b"no picture", 415), (b"\x89PNG\r\n\x1a\nbroken", 422), (b"", 415)],
    ids=["text", "broken", "empty"],
)
def test_what_is_no_picture_is_not_kept(client: TestClient, store: Store, picture: bytes, status: int) -> None:
    assert submit(client, picture).status_code == status
    assert store.submissions.count() == 0


def test_other_bodies_are_refused(client: TestClient, seven: bytes) -> None:
    assert client.post(URL, content=seven, headers={"Content-Type": "image/png"}).status_code == 415
    assert client.post(URL, data={"true_label": "7"}).status_code == 415
    assert client.post(URL, files={"picture": seven}).status_code == 422
    assert client.post(URL, files={"true_label": (None, "7"), "more": (None, "1")}).status_code == 422
    twice = [("picture", ("a", seven)), ("picture", ("b", seven)), ("true_label", (None, b"7"))]
    assert client.post(URL, files=twice).status_code in (400, 413)


def test_the_receipt_lets_its_sender_correct_the_label(client: TestClient, store: Store, seven: bytes) -> None:
    mine = submitted(submit(client, seven, label="1"))
    changed = client.patch(f"{URL}/{mine.id}/label", json={"true_label": "7"}, headers={"X-Receipt": mine.receipt})
    assert (changed.status_code, changed.json()["true_label"]) == (200, "7")
    assert store.submissions.get(mine.id).true_label == "7"


def test_the_receipt_lets_its_sender_delete_it(client: TestClient, store: Store, seven: bytes) -> None:
    mine = submitted(submit(client, seven, key="gone"))
    assert client.delete(f"{URL}/{mine.id}", headers={"X-Receipt": mine.receipt}).status_code == 204
    assert store.submissions.count() == 0
    assert submit(client, seven, key="gone").status_code == 410


def test_another_receipt_opens_nothing(client: TestClient, store: Store, seven: bytes) -> None:
    mine, other = submitted(submit(client, seven)), submitted(submit(client, seven))
    headers = {"X-Receipt": other.receipt}
    assert client.delete(f"{URL}/{mine.id}", headers=headers).status_code == 404
    assert client.patch(f"{URL}/{mine.id}/label", json={"true_label": "1"}, headers=headers).status_code == 404
    assert store.submissions.count() == 2


def test_without_receipt_only_an_admin_deletes(client: TestClient, store: Store, seven: bytes, token: Token) -> None:
    mine = submitted(submit(client, seven))
    url = f"{URL}/{mine.id}"
    assert client.delete(url).status_code == 401
    assert client.delete(url, headers=token("review")).status_code == 403
    assert client.delete(url, headers=token("admin")).status_code == 204
    assert store.submissions.count() == 0


def test_a_label_is_corrected_only_before_the_review(client: TestClient, store: Store, seven: bytes) -> None:
    mine = submitted(submit(client, seven))
    store.submissions.review(mine.id, "accepted", "the tests")
    answer = client.patch(f"{URL}/{mine.id}/label", json={"true_label": "1"}, headers={"X-Receipt": mine.receipt})
    assert answer.status_code == 409


def test_while_the_database_is_away_pictures_are_read_and_nothing_is_said_to_be_saved(
    tmp_path: object, seven: bytes
) -> None:
    with serving(database=f"{tmp_path}/missing/digitkit.sqlite") as client:
        assert client.post("/v1/predict", content=seven).status_code == 200
        answer = submit(client, seven)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text


def test_a_repeat_gets_its_first_answer_also_from_a_champion_of_other_classes(
    database: Path, store: Store, seven: bytes, tmp_path: Path
) -> None:
    letters = tmp_path / "letters.onnx"
    letters.write_bytes(tiny_bundle(replace(TINY, name="letters", classes=tuple("abcdefghij"))))
    with serving(database=str(database), champion_poll_s=0.05) as client:
        first = submitted(submit(client, seven, key="once"))
        store.bundles.promote(register(store, letters), "the tests")
        until(lambda: client.get("/v1/bundles").json()["champion"].startswith("letters@"))
        repeat = submitted(submit(client, seven, key="once"))
        assert (repeat.id, repeat.prediction.label) == (first.id, first.prediction.label)
        for key in (None, "another"):
            refused = submit(client, seven, key=key)
            assert refused.status_code == 422
            assert "expected one of 'a', 'b'" in refused.text
        mine = {"X-Receipt": str(first.receipt)}
        corrected = client.patch(f"{URL}/{first.id}/label", json={"true_label": "1"}, headers=mine)
        assert corrected.status_code == 200, corrected.text  # a class of the bundle that read it
        unknown = client.patch(f"{URL}/{first.id}/label", json={"true_label": "?"}, headers=mine)
        assert unknown.status_code == 422
