"""One picture on the page: read, corrected, sent once, taken back."""

from io import BytesIO

import pytest
from PIL import Image

from digitkit.app.client import Client
from digitkit.app.entry import KEPT, KEPT_BYTES, Entry, remember
from digitkit.store import SubmissionFilter
from tests.app.conftest import ClientAt, Running
from tests.app.pictures import digit_png


def entry(label: int = 7) -> Entry:
    return Entry(f"id-{label}", "drawing", "draw", digit_png(label), [[(1.0, 2.0, 0.0, 0.5)]])


@pytest.fixture
def away(client_at: ClientAt) -> Client:
    return client_at("http://127.0.0.1:9")  # the port of "discard": nobody listens


def count(service: Running) -> int:
    return service.store.submissions.count(SubmissionFilter())


def test_a_picture_has_an_answer_or_a_problem(service: Running) -> None:
    good, bad = entry(), Entry("x", "notes.txt", "upload", b"no picture")
    for each in (good, bad):
        each.read(service.client)
    assert good.answer is not None
    assert (good.answer.label, good.problem) == ("7", "")
    assert bad.answer is None
    assert "not a picture" in bad.problem


def test_a_second_click_sends_nothing(service: Running) -> None:
    before, shown = count(service), entry()
    shown.submit(service.client, "7")
    shown.submit(service.client, "1")
    assert count(service) == before + 1
    assert shown.sent is not None
    assert shown.sent.true_label == "7"


def test_a_failed_sending_keeps_label_and_key_for_the_next_try(service: Running, away: Client) -> None:
    before, shown = count(service), entry(3)
    key = shown.key
    shown.submit(away, "3")
    assert shown.sent is None
    assert (shown.tried, shown.key) == ("3", key)
    assert "picture is kept" in shown.failure
    shown.submit(service.client, "3")
    assert (shown.failure, shown.tried, count(service)) == ("", None, before + 1)


def test_what_is_given_up_is_forgotten(away: Client) -> None:
    shown = entry()
    shown.submit(away, "7")
    key = shown.key
    shown.give_up()
    assert (shown.tried, shown.failure) == (None, "")
    assert shown.key != key


def test_a_submission_can_be_taken_back_and_sent_again(service: Running) -> None:
    before, shown = count(service), entry(2)
    shown.submit(service.client, "2")
    assert shown.may_withdraw
    shown.withdraw(service.client)
    assert shown.withdrawn
    assert count(service) == before
    shown.submit(service.client, "3")
    assert (shown.withdrawn, count(service)) == (False, before + 1)


def test_what_is_gone_already_counts_as_taken_back(service: Running) -> None:
    shown = entry(4)
    shown.submit(service.client, "4")
    assert shown.sent is not None
    service.store.submissions.delete(shown.sent.id, by="tests")
    shown.withdraw(service.client)
    assert (shown.withdrawn, shown.failure) == (True, "")


def test_what_cannot_be_taken_back_stays_sent(service: Running, away: Client) -> None:
    shown = entry(5)
    shown.submit(service.client, "5")
    shown.withdraw(away)
    assert shown.sent is not None
    assert "does not answer" in shown.failure


def test_the_history_weighs_no_more_than_it_may() -> None:
    history: list[Entry] = []
    half = bytes(KEPT_BYTES // 2)
    for name in "abc":
        remember(history, Entry(name, "photo", "upload", half))
    assert [each.id for each in history] == ["c", "b"]


def test_on_the_screen_every_picture_is_a_small_png() -> None:
    photo = BytesIO()
    Image.new("RGB", (2000, 1000), "red").save(photo, "TIFF")
    shown = Entry("x", "photo.tif", "upload", photo.getvalue())
    with Image.open(BytesIO(shown.small)) as small:
        assert (small.format, small.size) == ("PNG", (256, 128))


def test_the_history_holds_the_newest_of_each_picture() -> None:
    history: list[Entry] = []
    for number in range(KEPT + 5):
        remember(history, Entry(str(number), "drawing", "draw", b""))
    newer = Entry("20", "drawing", "draw", b"more strokes")
    remember(history, newer)
    assert len(history) == KEPT
    assert history[0] is newer
    assert [each.id for each in history].count("20") == 1
