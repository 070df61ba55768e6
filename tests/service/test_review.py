"""Reviewers see, judge and take away submissions, with a token that may."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from digitkit.data.catalogue import find_source
from digitkit.store import Store
from digitkit.wire import StatsOut, SubmissionOut, SubmissionsOut
from tests.fixtures.bundles import TINY, tiny_bundle
from tests.service.conftest import png, serving
from tests.service.test_readers import register, until
from tests.service.test_submit import STROKES, submit, submitted

URL = "/v1/submissions"

Token = Callable[[str], dict[str, str]]


@pytest.mark.parametrize("path", [URL, f"{URL}/export", f"{URL}/{'0' * 32}", f"{URL}/{'0' * 32}/picture", "/v1/stats"])
def test_without_a_valid_token_nothing_is_shown(client: TestClient, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer dk_{'a' * 43}"},
        {"Authorization": "Basic x"},
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_token_opens_nothing(client: TestClient, store: Store, token: Token) -> None:
    headers = token("read")
    assert client.get(URL, headers=headers).status_code == 200
    store.keys.revoke("a read", "the tests")
    assert client.get(URL, headers=headers).status_code == 401


def test_a_token_that_may_only_read_cannot_review(client: TestClient, seven: bytes, token: Token) -> None:
    mine = submitted(submit(client, seven))
    answer = client.patch(f"{URL}/{mine.id}", json={"status": "accepted"}, headers=token("read"))
    assert answer.status_code == 403


def test_a_submission_is_shown_with_its_picture_and_strokes(client: TestClient, seven: bytes, token: Token) -> None:
    mine, headers = submitted(submit(client, seven, strokes=json.dumps(STROKES))), token("read")
    shown = SubmissionOut.model_validate_json(client.get(f"{URL}/{mine.id}", headers=headers).content)
    picture = client.get(f"{URL}/{mine.id}/picture", headers=headers)
    assert [[list(point) for point in stroke] for stroke in shown.strokes or []] == STROKES
    assert (picture.content, picture.headers["content-type"]) == (seven, "image/png")


def test_pages_hold_every_submission_once(client: TestClient, digits: list[bytes], token: Token) -> None:
    sent = [submitted(submit(client, digit, label=str(n))).id for n, digit in enumerate(digits)]
    headers, seen, after = token("read"), list[str](), None
    while True:
        query = {"limit": "4"} | ({"after": after} if after else {})
        page = SubmissionsOut.model_validate_json(client.get(URL, params=query, headers=headers).content)
        seen += [each.id for each in page.submissions]
        after = page.next
        if after is None:
            break
    assert seen == sent[::-1]


def test_submissions_are_found_by_what_they_are(client: TestClient, digits: list[bytes], token: Token) -> None:
    sent = [submitted(submit(client, digit, label=str(n), channel=f"way{n % 2}")) for n, digit in enumerate(digits)]
    headers = token("read")
    for query, wanted in (
        ({"label": "3"}, [sent[3]]),
        ({"channel": "way1", "label": "4"}, []),
        ({"status": "accepted"}, []),
    ):
        page = client.get(URL, params=query, headers=headers).json()["submissions"]
        assert [each["id"] for each in page] == [each.id for each in wanted]


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "limit=0",
        "limit=101",
        "after=nonsense",
        "order=best",
        "since=2026-01-01",
        "since=no",
        "colour=red",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(client: TestClient, token: Token, query: str) -> None:
    assert client.get(f"{URL}?{query}", headers=token("read")).status_code == 422


def test_a_review_is_kept_with_the_name_of_the_reviewer(
    client: TestClient, store: Store, seven: bytes, token: Token
) -> None:
    mine = submitted(submit(client, seven, label="1"))
    asked = {"status": "accepted", "reviewed_label": "7", "reason": "crossed"}
    shown = client.patch(f"{URL}/{mine.id}", json=asked, headers=token("review")).json()
    assert (shown["status"], shown["reviewed_label"]) == ("accepted", "7")
    (review,) = store.submissions.reviews(mine.id)
    assert (review.reason, review.by[:12]) == ("crossed", "key a review")


@pytest.mark.parametrize(
    "asked", [{}, {"status": "lost"}, {"status": "accepted", "reviewed_label": "12"}, {"status": "accepted", "more": 1},
              {"status": "rejected", "reason": "x" * 501}, {"status": "rejected", "reason": "a\0b"}],
    ids=["empty", "status", "label", "more", "long", "nul"],
)  # fmt: skip
def test_a_review_that_makes_no_sense_is_refused(
    client: TestClient, seven: bytes, token: Token, asked: dict[str, object]
) -> None:
    mine = submitted(submit(client, seven))
    assert client.patch(f"{URL}/{mine.id}", json=asked, headers=token("review")).status_code == 422


def test_a_label_that_no_class_has_is_named_by_its_field(client: TestClient, seven: bytes, token: Token) -> None:
    mine = submitted(submit(client, seven))
    asked = {"status": "accepted", "reviewed_label": "12"}
    answer = client.patch(f"{URL}/{mine.id}", json=asked, headers=token("review"))
    assert answer.json()["detail"].startswith("reviewed_label: expected one of '0'")


def test_json_that_is_broken_is_no_request(client: TestClient, seven: bytes, token: Token) -> None:
    mine, kind = submitted(submit(client, seven)), {"Content-Type": "application/json"}
    for path, headers in ((mine.id, token("review")), (f"{mine.id}/label", {"X-Receipt": mine.receipt})):
        for body, status in ((b"{", 400), (b"", 422), (b"[]", 422), (b"[" * 100_000, 400)):
            answer = client.patch(f"{URL}/{path}", content=body, headers=headers | kind)
            assert answer.status_code == status, (path, body[:9])


@pytest.mark.parametrize(
    "query",
    [
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-01:00"},
        {"after": "WyJuZXdlc3QiLCAiXHVkODAwIl0="},
    ],
    ids=["before all time", "after all time", "half a letter"],
)
def test_what_no_database_can_hold_is_refused(client: TestClient, token: Token, query: dict[str, str]) -> None:
    assert client.get(URL, params=query, headers=token("read")).status_code == 422


def test_what_is_not_there_is_not_found(client: TestClient, token: Token) -> None:
    headers, url = token("admin"), f"{URL}/{'0' * 32}"
    assert client.get(url, headers=headers).status_code == 404
    assert client.get(f"{url}/picture", headers=headers).status_code == 404
    assert client.patch(url, json={"status": "accepted"}, headers=headers).status_code == 404
    assert client.delete(url, headers=headers).status_code == 404
    assert client.get(f"{URL}/no-id", headers=headers).status_code == 422


def test_the_numbers_count_what_was_sent(client: TestClient, seven: bytes, token: Token) -> None:
    for label in ("7", "7", "1"):
        submitted(submit(client, seven, label=label))
    stats = StatsOut.model_validate_json(client.get("/v1/stats", headers=token("read")).content)
    assert (stats.total.submissions, stats.total.agreeing, stats.pictures) == (3, 2, 1)
    assert {label: count.submissions for label, count in stats.per_label.items()} == {"7": 2, "1": 1}


def test_the_export_is_read_as_a_data_set(
    client: TestClient, store: Store, digits: list[bytes], token: Token, tmp_path: Path
) -> None:
    for n, digit in enumerate([*digits, png(np.full((9, 9), 200, np.uint8))]):
        mine = submitted(submit(client, digit, label=str(n) if n < 10 else "not a digit"))
        store.submissions.review(mine.id, "rejected" if n == 3 else "accepted", "the tests", "1" if n == 5 else None)
    answer = client.get(f"{URL}/export", headers=token("read"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    path = tmp_path / "submissions.zip"
    path.write_bytes(answer.content)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        rows = [json.loads(line) for line in archive.read("submissions.jsonl").splitlines()]
        pictures = {row["image"]: archive.read(row["image"]) for row in rows}
        archive.extractall(tmp_path / "folder")
    expected = sorted([*"0", "1", "2", "4", "1", *"6789", "not a digit"])
    assert sorted(row["suffix"] for row in rows) == expected
    assert set(pictures.values()) == {digit for n, digit in enumerate(digits) if n != 3} | {
        png(np.full((9, 9), 200, np.uint8))
    }
    for source in (f"archive:{path}", f"folder:{tmp_path / 'folder'}", f"jsonl:{tmp_path / 'folder'}"):
        assert labels_of(source) == expected, source


def labels_of(source: str) -> list[str]:
    """The labels that digitkit reads from a source."""
    return sorted(label for _, label in find_source(source).read(Path(), "train"))


def test_an_export_of_nothing_is_an_empty_archive(client: TestClient, token: Token) -> None:
    answer = client.get(f"{URL}/export", headers=token("read"))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["submissions.jsonl"]


def test_what_a_former_champion_read_can_have_its_classes(
    database: Path, store: Store, seven: bytes, token: Token, tmp_path: Path
) -> None:
    letters = tmp_path / "letters.onnx"
    letters.write_bytes(tiny_bundle(replace(TINY, name="letters", classes=("not a digit", *"bcdefghij"))))
    with serving(database=str(database), champion_poll_s=0.05) as client:
        reviewer, mine = token("review"), submitted(submit(client, seven, "8"))
        store.bundles.promote(register(store, letters), "the tests")
        until(lambda: client.get("/v1/bundles").json()["champion"].startswith("letters@"))
        for label, code in (("7", 200), ("b", 200), ("not a digit", 200), ("?", 422)):
            asked = {"status": "accepted", "reviewed_label": label}
            answer = client.patch(f"{URL}/{mine.id}", json=asked, headers=reviewer)
            assert answer.status_code == code, answer.text
        assert answer.text.count("not a digit") == 1
