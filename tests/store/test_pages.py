"""Submissions are found by what they are, page after page, in an order that helps."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from digitkit.core.errors import ConfigError
from digitkit.core.prediction import Verdict
from digitkit.store import Count, Store, SubmissionFilter, SubmissionRow
from tests.store.conftest import HandClock
from tests.store.made import BUNDLE, OTHER, prediction, submission


def pages(store: Store, wanted: SubmissionFilter, limit: int) -> list[str]:
    """The ids of all pages, one after the other."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = store.submissions.page(wanted, cursor, limit)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        cursor = page.next


def fill(store: Store, clock: HandClock, n: int) -> list[str]:
    ids = []
    for number in range(n):
        clock.advance(seconds=1)
        read = prediction("7", round(0.5 + number / 100, 2))
        ids.append(store.submissions.add(submission("7" if number % 3 else "1", read=read)).row.id)
    return ids


@pytest.mark.parametrize("limit", [1, 3, 10, 11, 500])
def test_pages_hold_every_submission_once(store: Store, clock: HandClock, limit: int) -> None:
    ids = fill(store, clock, 10)
    assert pages(store, SubmissionFilter(), limit) == ids[::-1]
    assert sorted(pages(store, SubmissionFilter(order="doubt"), limit)) == ids


def test_submissions_that_come_between_two_pages_hide_and_double_none(store: Store, clock: HandClock) -> None:
    ids = fill(store, clock, 6)
    first = store.submissions.page(SubmissionFilter(), limit=3)
    fill(store, clock, 3)
    second = store.submissions.page(SubmissionFilter(), first.next, 3)
    assert [row.id for row in (*first.rows, *second.rows)] == ids[::-1]


def test_the_most_disputed_come_first(store: Store) -> None:
    reads = {
        "sure of another": submission("1", read=prediction("7", 0.99)),
        "unsure": submission("7", read=prediction("7", 0.4, "unsure")),
        "agrees": submission("7", read=prediction("7", 0.99)),
        "agrees that it is none": submission("not a digit", read=prediction("7", 0.4, "not a digit")),
    }
    names = {store.submissions.add(new).row.id: name for name, new in reads.items()}
    order = [names[row.id] for row in store.submissions.page(SubmissionFilter(order="doubt")).rows]
    assert order == ["sure of another", "unsure", "agrees", "agrees that it is none"]


def test_a_digit_that_was_refused_and_a_scribble_that_was_read_are_disputed(store: Store) -> None:
    refused = store.submissions.add(submission("7", read=prediction("7", 0.6, "not a digit"))).row
    read = store.submissions.add(submission("not a digit", read=prediction("7", 0.8))).row
    assert (refused.doubt, read.doubt) == (1.0, 0.8)
    assert store.submissions.count(SubmissionFilter(agrees=False)) == 2


@pytest.mark.parametrize("label", ["7", "1", "not a digit"])
@pytest.mark.parametrize(
    ("answer", "verdict"), [("7", "digit"), ("7", "unsure"), ("7", "not a digit"), (None, "blank")]
)
def test_a_row_and_the_database_say_the_same_of_agreement(
    store: Store, label: str, answer: str | None, verdict: Verdict
) -> None:
    row = store.submissions.add(submission(label, read=prediction(answer, 0.6, verdict))).row
    assert store.submissions.count(SubmissionFilter(agrees=row.agrees)) == 1
    assert row.agrees == (label == ("7" if verdict in ("digit", "unsure") else "not a digit"))


def test_filters_find_what_they_say(store: Store, clock: HandClock) -> None:
    seven = store.submissions.add(submission("7", channel="app")).row
    clock.advance(days=1)
    one = store.submissions.add(submission("1", read=prediction("7", 0.6, "unsure"), bundle=OTHER)).row
    store.submissions.review(one.id, "accepted", "anna", "3")
    expected: dict[SubmissionFilter, int | SubmissionRow] = {
        SubmissionFilter(): 2,
        SubmissionFilter(status="pending"): seven,
        SubmissionFilter(status="accepted"): one,
        SubmissionFilter(status="rejected"): 0,
        SubmissionFilter(label="7"): seven,
        SubmissionFilter(label="3"): one,
        SubmissionFilter(label="1"): 0,
        SubmissionFilter(predicted="7"): 2,
        SubmissionFilter(verdict="unsure"): one,
        SubmissionFilter(bundle=BUNDLE.id): seven,
        SubmissionFilter(channel="app"): seven,
        SubmissionFilter(agrees=True): seven,
        SubmissionFilter(agrees=False): one,
        SubmissionFilter(since=clock.moment): one,
        SubmissionFilter(until=clock.moment): seven,
        SubmissionFilter(status="accepted", agrees=True): 0,
    }
    for wanted, answer in expected.items():
        rows = store.submissions.page(wanted).rows
        assert store.submissions.count(wanted) == len(rows)
        if isinstance(answer, int):
            assert len(rows) == answer, wanted
        else:
            assert [row.id for row in rows] == [answer.id], wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "open"},
        {"verdict": "seven"},
        {"order": "id; DROP TABLE submissions"},
        {"label": "\0"},
        {"since": datetime(2026, 1, 1)},
        {"since": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))},
        {"until": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2)))},
    ],
    ids=["status", "verdict", "order", "nul", "no-zone", "before-all-time", "after-all-time"],
)
def test_a_filter_that_nothing_can_pass_is_a_mistake(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        SubmissionFilter(**wrong)  # type: ignore[arg-type]


def cursor_of(*values: object) -> str:
    """A cursor as pages write them."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "W10=", "WyJuZXdlc3QiLCAxXQ==", "eyJhIjogMX0="])
def test_a_cursor_that_no_page_gave_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        store.submissions.page(SubmissionFilter(), cursor)


@pytest.mark.parametrize("place", ["\ud800", "\0", "", "0" * 33], ids=["half", "nul", "none", "long"])
def test_a_cursor_whose_place_is_no_id_is_refused(store: Store, place: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        store.submissions.page(SubmissionFilter(), cursor_of("newest", place))
    with pytest.raises(ConfigError, match="cursor"):
        store.submissions.page(SubmissionFilter(order="doubt"), cursor_of("doubt", 0.5, place))


def test_pages_leave_out_the_strokes_which_may_be_long(store: Store) -> None:
    row = store.submissions.add(submission(strokes=[[[1.0, 2.0, 0.0, 0.5]]])).row
    assert row.strokes is not None
    assert store.submissions.page().rows == [replace(row, strokes=None)]
    assert [each for each, _ in store.submissions.each()] == [replace(row, strokes=None)]
    assert store.submissions.get(row.id) == row


def test_a_cursor_of_another_order_is_refused(store: Store, clock: HandClock) -> None:
    fill(store, clock, 2)
    cursor = store.submissions.page(SubmissionFilter(), limit=1).next
    with pytest.raises(ConfigError, match="order"):
        store.submissions.page(SubmissionFilter(order="doubt"), cursor)


def test_each_gives_every_picture_and_goes_past_what_is_deleted_meanwhile(store: Store, clock: HandClock) -> None:
    ids = fill(store, clock, 4)
    pairs = store.submissions.each()
    first, _ = next(pairs)
    store.submissions.delete(ids[1], "anna")
    rest = {row.id: picture for row, picture in pairs}
    assert first.id == ids[3]
    assert set(rest) == {ids[0], ids[2]}
    assert all(picture.startswith(b"picture ") for picture in rest.values())


def test_each_goes_on_behind_the_page_that_it_is_given(store: Store, clock: HandClock) -> None:
    ids = fill(store, clock, 5)
    first = store.submissions.page(limit=2)
    assert [row.id for row, _ in store.submissions.each(first=first)] == ids[::-1]


def test_stats_count_days_labels_and_agreement(store: Store, clock: HandClock) -> None:
    clock.moment = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    first = store.submissions.add(submission("7")).row
    clock.moment += timedelta(minutes=2)
    store.submissions.add(submission("7"))
    store.submissions.add(submission("not a digit", read=prediction("7", 0.4, "not a digit"), bundle=OTHER))
    store.submissions.review(first.id, "accepted", "anna", "1")
    stats = store.submissions.stats()
    assert stats.total == Count(3, 2)
    assert stats.per_day == {"2026-11-21": Count(1, 0), "2026-11-22": Count(2, 2)}
    assert stats.per_label == {"1": Count(1, 0), "7": Count(1, 1), "not a digit": Count(1, 1)}
    assert stats.per_bundle == {BUNDLE.id: Count(2, 1), OTHER.id: Count(1, 1)}
    assert stats.per_status == {"accepted": 1, "pending": 2}
    assert (stats.pictures, stats.picture_bytes > 0) == (3, True)
    assert list(store.submissions.stats(days=1).per_day) == ["2026-11-22"]


def test_an_empty_store_has_stats_too(store: Store) -> None:
    stats = store.submissions.stats()
    assert (stats.total, stats.per_day, stats.pictures, stats.picture_bytes) == (Count(0, 0), {}, 0, 0)
    assert store.submissions.page().rows == []
