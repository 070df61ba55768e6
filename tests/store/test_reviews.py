"""Who may change a submission afterwards, and what stays of it."""

import pytest

from digitkit.core.errors import ConfigError, Conflict, Gone, NotFound
from digitkit.store import Store, SubmissionFilter
from tests.store.conftest import HandClock
from tests.store.made import prediction, submission


def test_a_review_gives_the_label_that_counts_and_is_remembered(store: Store, clock: HandClock) -> None:
    new = store.submissions.add(submission("3")).row
    clock.advance(hours=1)
    row = store.submissions.review(new.id, "accepted", "anna", "8", "a closed loop")
    assert row == store.submissions.get(new.id)
    assert (row.status, row.true_label, row.reviewed_label, row.label) == ("accepted", "3", "8", "8")
    assert row.reviewed_at == clock.moment
    (review,) = store.submissions.reviews(new.id)
    assert (review.by, review.status, review.reviewed_label, review.reason) == (
        "anna",
        "accepted",
        "8",
        "a closed loop",
    )


def test_a_review_can_be_taken_back_and_given_again(store: Store) -> None:
    new = store.submissions.add(submission("3")).row
    store.submissions.review(new.id, "accepted", "anna", "8")
    row = store.submissions.review(new.id, "pending", "bert")
    assert (row.status, row.reviewed_label, row.reviewed_at, row.label) == ("pending", None, None, "3")
    store.submissions.review(new.id, "rejected", "anna", reason="a doodle")
    assert [review.status for review in store.submissions.reviews(new.id)] == ["accepted", "pending", "rejected"]


@pytest.mark.parametrize(("status", "label"), [("accept", None), ("", None), ("accepted", "x" * 65)])
def test_a_review_that_makes_no_sense_is_refused(store: Store, status: str, label: str | None) -> None:
    new = store.submissions.add(submission()).row
    with pytest.raises(ConfigError):
        store.submissions.review(new.id, status, "anna", label)
    assert store.submissions.get(new.id) == new


def test_every_change_by_a_person_is_in_the_audit(store: Store) -> None:
    added = store.submissions.add(submission("3"))
    name = added.row.id
    store.submissions.change_with_receipt(name, added.receipt, "5")
    store.submissions.review(name, "accepted", "anna", "8")
    store.submissions.delete(name, "bert", "was asked to")
    rows = [(row.by, row.action, row.subject, row.detail) for row in store.audit()]
    assert rows == [
        ("bert", "delete", name, {"reason": "was asked to"}),
        ("anna", "review accepted", name, {"label": "8"}),
        ("its sender", "relabel", name, {"before": "3", "after": "5"}),
    ]


def test_deleting_takes_the_reviews_along(store: Store) -> None:
    new = store.submissions.add(submission()).row
    store.submissions.review(new.id, "accepted", "anna")
    store.submissions.delete(new.id, "bert")
    assert store.submissions.reviews(new.id) == []
    with pytest.raises(NotFound):
        store.submissions.get(new.id)
    with pytest.raises(NotFound):
        store.submissions.delete(new.id, "bert")


def test_a_sender_can_change_the_label_for_15_minutes(store: Store, clock: HandClock) -> None:
    added = store.submissions.add(submission("7", read=prediction("7", 0.75)))
    assert added.row.doubt == 0.25
    clock.advance(minutes=14, seconds=59)
    row = store.submissions.change_with_receipt(added.row.id, added.receipt, "1")
    assert (row.true_label, row.doubt) == ("1", 0.75)
    clock.advance(seconds=1)
    with pytest.raises(Gone, match="15 minutes"):
        store.submissions.change_with_receipt(added.row.id, added.receipt, "2")
    with pytest.raises(Gone):
        store.submissions.delete_with_receipt(added.row.id, added.receipt)
    assert store.submissions.get(added.row.id).true_label == "1"


def test_a_sender_can_delete_for_15_minutes(store: Store) -> None:
    added = store.submissions.add(submission(), "key")
    store.submissions.delete_with_receipt(added.row.id, added.receipt)
    assert store.submissions.count() == 0
    assert [row.action for row in store.audit()] == ["delete"]


def test_a_wrong_receipt_is_told_apart_from_a_wrong_id_by_nobody(store: Store) -> None:
    first, second = (store.submissions.add(submission(), key) for key in ("one", "two"))
    messages = set()
    for name, receipt in ((first.row.id, second.receipt), (first.row.id, ""), (first.row.id, "\ud800"), ("0" * 32, "")):
        with pytest.raises(NotFound) as caught:
            store.submissions.delete_with_receipt(name, receipt)
        messages.add(str(caught.value).replace(name, "ID"))
    assert len(messages) == 1
    assert store.submissions.count() == 2


def test_after_a_review_the_sender_changes_nothing_but_may_delete(store: Store) -> None:
    added = store.submissions.add(submission("3"))
    store.submissions.review(added.row.id, "accepted", "anna", "8")
    with pytest.raises(Conflict, match="reviewed"):
        store.submissions.change_with_receipt(added.row.id, added.receipt, "5")
    store.submissions.delete_with_receipt(added.row.id, added.receipt)
    assert store.submissions.count(SubmissionFilter(status="accepted")) == 0
