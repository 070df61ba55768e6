"""Submissions are taken once, kept whole, and found again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from digitkit.core.errors import ConfigError, Conflict, Gone, NotFound
from digitkit.store import Store, SubmissionFilter
from tests.store.conftest import HandClock
from tests.store.made import BUNDLE, prediction, submission

STROKES = [[[1.0, 2.5, 0.0, 0.5], [3.0, 4.0, 16.0, 0.75]]]


def test_a_submission_comes_back_as_it_was_given(store: Store, clock: HandClock) -> None:
    new = submission("3", b"\x89PNG\0\xff", strokes=STROKES, channel="app", client="anna")
    added = store.submissions.add(new)
    row = store.submissions.get(added.row.id)
    assert added.is_new
    assert row == added.row
    assert (row.created_at, row.channel, row.client, row.true_label) == (clock.moment, "app", "anna", "3")
    assert (row.predicted, row.confidence, row.verdict, row.reason) == ("7", 0.9, "digit", "because")
    assert row.probabilities == new.prediction.probabilities
    assert (row.status, row.reviewed_label, row.label) == ("pending", None, "3")
    assert (row.strokes, row.bundle) == (STROKES, BUNDLE.id)
    assert (row.picture_bytes, row.media_type) == (6, "image/png")
    assert store.submissions.picture(row.id) == b"\x89PNG\0\xff"


def test_a_store_that_is_opened_again_has_what_the_first_one_kept(url: str, open_store: Callable[..., Store]) -> None:
    first = open_store(url)
    added = first.submissions.add(submission())
    first.close()
    assert open_store(url).submissions.get(added.row.id) == added.row


def test_a_blank_picture_and_an_empty_label_are_kept(store: Store) -> None:
    added = store.submissions.add(submission("", read=prediction(None, 0.0, "blank")))
    row = store.submissions.get(added.row.id)
    assert (row.predicted, row.true_label, row.label) == (None, "", "")


def test_any_letters_are_kept(store: Store) -> None:
    added = store.submissions.add(submission("семь 七 🎉", client="Zoë \\ ' \" ; --"))
    row = store.submissions.get(added.row.id)
    assert (row.true_label, row.client) == ("семь 七 🎉", "Zoë \\ ' \" ; --")


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "7" * 65},
        {"label": "7\0"},
        {"label": "\ud800"},
        {"picture": b""},
        {"picture": bytes(20 * 2**20 + 1)},
        {"client": "x" * 129},
        {"strokes": [[[float("nan"), 0, 0, 0]]]},
        {"strokes": [[[0.0, 0.0, 0.0, 0.0]] * 70_000]},
    ],
    ids=["long", "nul", "half", "empty", "large", "client", "nan", "strokes"],
)
def test_what_no_database_should_hold_is_refused_before(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        submission(**wrong)  # type: ignore[arg-type]


def test_the_repeat_of_a_key_gets_the_first_answer_and_changes_nothing(store: Store, clock: HandClock) -> None:
    first = store.submissions.add(submission("7", b"same"), "key")
    clock.advance(minutes=1)
    later_bundle = prediction("1", 0.5, "unsure")  # another bundle may have become champion meanwhile
    again = store.submissions.add(submission("7", b"same", later_bundle, client="moved"), "key")
    assert not again.is_new
    assert (again.row, again.receipt, again.receipt_until) == (first.row, first.receipt, first.receipt_until)
    assert store.submissions.count() == 1


@pytest.mark.parametrize("other", [{"label": "8"}, {"picture": b"other"}, {"channel": "app"}, {"strokes": STROKES}])
def test_a_key_with_another_content_is_refused(store: Store, other: dict[str, object]) -> None:
    store.submissions.add(submission("7", b"same"), "key")
    with pytest.raises(Conflict, match="another submission"):
        store.submissions.add(submission(**({"label": "7", "picture": b"same"} | other)), "key")  # type: ignore[arg-type]
    assert store.submissions.count() == 1
    assert store.check() == []  # no picture is left over


def test_without_a_key_two_submissions_are_two(store: Store) -> None:
    first, second = (store.submissions.add(submission("7", b"same")) for _ in range(2))
    assert first.row.id != second.row.id
    assert first.receipt != second.receipt
    assert store.submissions.count() == 2


def test_the_same_request_at_the_same_time_makes_one_row(url: str, open_store: Callable[..., Store]) -> None:
    stores = [open_store(url) for _ in range(4)]
    start = threading.Barrier(4)

    def send(store: Store, number: int) -> tuple[str, str]:
        start.wait()
        added = store.submissions.add(submission("7", b"%d" % number), f"key {number}")
        return added.row.id, added.receipt

    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            answers = list(pool.map(send, stores, [number] * 4))
            assert len(set(answers)) == 1
    assert stores[0].submissions.count() == 10
    assert stores[0].check() == []


def test_a_picture_is_kept_once_and_until_the_last_submission_that_has_it_goes(store: Store) -> None:
    first, second = (store.submissions.add(submission(label, b"same")).row.id for label in "78")
    assert store.submissions.stats().pictures == 1
    store.submissions.delete(first, "anna")
    assert store.submissions.picture(second) == b"same"
    store.submissions.delete(second, "anna")
    assert store.submissions.stats().pictures == 0
    with pytest.raises(NotFound):
        store.submissions.picture(second)


def test_deleting_and_submitting_the_same_picture_at_once_loses_nothing(
    url: str, open_store: Callable[..., Store]
) -> None:
    deleter, sender = open_store(url), open_store(url)
    with ThreadPoolExecutor(2) as pool:
        old = sender.submissions.add(submission("7", b"same")).row.id
        for _ in range(15):
            deleted = pool.submit(deleter.submissions.delete, old, "anna")
            sent = pool.submit(sender.submissions.add, submission("7", b"same"))
            deleted.result()
            old = sent.result().row.id
            assert sender.submissions.picture(old) == b"same"
    assert sender.check() == []


@pytest.mark.parametrize("wrong", ["0" * 32, "", "x", "\0", "../../etc/passwd", "'; DROP TABLE submissions; --"])
def test_an_id_that_is_none_is_not_found(store: Store, wrong: str) -> None:
    for call in (store.submissions.get, store.submissions.picture):
        with pytest.raises(NotFound, match="no submission"):
            call(wrong)
    with pytest.raises(NotFound):
        store.submissions.delete(wrong, "anna")
    with pytest.raises(NotFound):
        store.submissions.review(wrong, "accepted", "anna")


def test_the_key_of_a_deleted_submission_does_not_bring_it_back(store: Store) -> None:
    added = store.submissions.add(submission("7", b"same"), "key")
    store.submissions.delete(added.row.id, "anna")
    with pytest.raises(Gone, match="deleted"):
        store.submissions.add(submission("7", b"same"), "key")
    assert store.submissions.count() == 0


@pytest.mark.parametrize("database", ["postgresql"])  # on SQLite the deletion waits for the repeat
def test_a_repeat_that_is_under_way_while_its_submission_is_deleted_does_not_bring_it_back(
    url: str, store: Store, open_store: Callable[..., Store]
) -> None:
    sender = open_store(url)
    first = store.submissions.add(submission("7", b"same"), "key").row.id

    def delete_first(connection: sa.Connection, cursor: object, statement: str, *more: object) -> None:
        if statement.startswith("INSERT INTO pictures") and store.submissions.count():
            store.submissions.delete(first, "anna")

    sa.event.listen(sender.database.engine, "before_cursor_execute", delete_first)
    with pytest.raises(Gone, match="deleted"):
        sender.submissions.add(submission("7", b"same"), "key")
    assert store.submissions.count() == 0
    assert store.check() == []


def test_the_bytes_of_a_deleted_picture_are_in_no_file(url: str, store: Store, tmp_path: Path, database: str) -> None:
    picture = b"the handwriting of somebody " * 3_000
    kept, gone = (store.submissions.add(submission(picture=each)).row.id for each in (b"another", picture))
    store.submissions.delete(gone, "anna")
    store.backup(tmp_path / "backup.sqlite")
    store.close()
    files = [tmp_path / "backup.sqlite", *([Path(url)] if database == "sqlite" else [])]
    assert not any(b"the handwriting of somebody" in path.read_bytes() for path in files)
    assert store.submissions.picture(kept) == b"another"


def test_the_store_holds_neither_keys_nor_receipts_of_senders(url: str, store: Store, database: str) -> None:
    added = store.submissions.add(submission(), "a key that nobody else knows")
    told = repr(store.submissions.get(added.row.id)) + repr(store.audit())
    assert added.receipt not in told
    if database == "sqlite":
        store.close()
        with open(url, "rb") as file:
            content = file.read()
        assert b"a key that nobody else knows" not in content
        assert added.receipt.encode() not in content


def test_ids_sort_by_time(store: Store, clock: HandClock) -> None:
    ids = []
    for _ in range(5):
        clock.advance(milliseconds=1)
        ids.append(store.submissions.add(submission()).row.id)
    assert ids == sorted(ids)
    assert [row.id for row in store.submissions.page(SubmissionFilter()).rows] == ids[::-1]
