"""The reviewer's queue, before a real service."""

import base64
import secrets

import pytest

from digitkit.app.review_queue import DISPUTED, NEWEST, UNCERTAIN, Queue
from digitkit.wire import MAX_PAGE, ReviewIn, SubmissionIn
from tests.app.conftest import Running
from tests.app.pictures import digit_png

SENT = ((7, "7"), (3, "8"), (1, "1"))  # what is drawn, and what its sender says


@pytest.fixture
def waiting(service: Running) -> list[str]:
    """Three submissions that wait, oldest first; those of other tests wait no more."""
    for row, _ in list(service.store.submissions.each()):
        service.store.submissions.delete(row.id, by="tests")
    return [send(service, drawn, label) for drawn, label in SENT]


def send(service: Running, drawn: int, label: str) -> str:
    """Submit a digit; its id."""
    picture = base64.b64encode(digit_png(drawn)).decode()
    return service.client.submit(SubmissionIn(picture=picture, true_label=label), secrets.token_hex(8)).id


def test_what_model_and_sender_dispute_comes_first(service: Running, waiting: list[str]) -> None:
    current = Queue(service.tokens["review"], DISPUTED).current(service.client)
    assert current is not None
    assert (current.true_label, current.predicted) == ("8", "3")


@pytest.mark.parametrize("order", [UNCERTAIN, NEWEST])
def test_other_orders_show_what_they_say(service: Running, waiting: list[str], order: str) -> None:
    queue = Queue(service.tokens["review"], order)
    queue.current(service.client)
    confidences = [row.confidence for row in queue.rows]
    expected = sorted(confidences) if order == UNCERTAIN else confidences
    assert confidences == expected
    assert order == UNCERTAIN or [row.id for row in queue.rows] == waiting[::-1]


def test_a_decision_is_stored_and_the_next_one_comes(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["review"], NEWEST)
    first = queue.current(service.client)
    assert first is not None
    queue.decide(service.client, ReviewIn(status="accepted", reviewed_label="9"))
    assert service.store.submissions.get(first.id).reviewed_label == "9"
    following = queue.current(service.client)
    assert following is not None
    assert following.id == waiting[1]
    assert queue.decided == 1


def test_the_last_decision_can_be_taken_back(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["review"], NEWEST)
    queue.current(service.client)
    queue.decide(service.client, ReviewIn(status="rejected"))
    queue.take_back(service.client)
    assert service.store.submissions.get(waiting[2]).status == "pending"
    again = queue.current(service.client)
    assert again is not None
    assert (again.id, queue.decided, queue.last) == (waiting[2], 0, None)


def test_what_is_skipped_comes_no_more(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["review"], NEWEST)
    seen = []
    while (current := queue.current(service.client)) is not None:
        seen.append(current.id)
        queue.skip()
    assert seen == waiting[::-1]
    assert service.store.submissions.get(waiting[0]).status == "pending"


def test_a_submission_that_was_taken_back_meanwhile_is_left_out(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["review"], NEWEST)
    queue.current(service.client)
    service.store.submissions.delete(waiting[2], by="tests")
    queue.decide(service.client, ReviewIn(status="accepted"))
    assert queue.failure
    current = queue.current(service.client)
    assert current is not None
    assert current.id == waiting[1]


def test_a_decision_without_the_right_stays_in_front(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["read"], NEWEST)
    queue.current(service.client)
    queue.decide(service.client, ReviewIn(status="accepted"))
    assert "needs the role review" in queue.failure
    assert queue.rows[0].id == waiting[2]


def test_more_than_a_page_is_gone_through(service: Running, waiting: list[str]) -> None:
    every = {*waiting, *(send(service, 0, "0") for _ in range(MAX_PAGE))}
    newest, uncertain = (Queue(service.tokens["review"], order) for order in (NEWEST, UNCERTAIN))
    seen = set()
    while (current := newest.current(service.client)) is not None:
        seen.add(current.id)
        newest.skip()
    assert seen == every
    uncertain.current(service.client)
    assert {row.id for row in uncertain.rows} == every


def test_a_decision_about_what_is_gone_cannot_be_taken_back(service: Running, waiting: list[str]) -> None:
    queue = Queue(service.tokens["review"], NEWEST)
    queue.current(service.client)
    queue.decide(service.client, ReviewIn(status="accepted"))
    service.store.submissions.delete(waiting[2], by="tests")
    queue.take_back(service.client)
    assert queue.failure
    assert queue.last is None
