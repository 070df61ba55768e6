"""Which bundle answers, and which did."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from digitkit.core.errors import Conflict, NotFound
from digitkit.store import Store
from tests.store.made import BUNDLE, OTHER, submission


@pytest.fixture
def registered(store: Store) -> Store:
    store.bundles.register(BUNDLE, "default")
    store.bundles.register(OTHER)
    return store


def test_a_bundle_is_registered_once_and_keeps_its_location(store: Store) -> None:
    store.bundles.register(BUNDLE, "default")
    row = store.bundles.register(BUNDLE)
    assert row == store.bundles.get(BUNDLE.id)
    assert (row.classes, row.report, row.location) == (BUNDLE.classes, BUNDLE.report, "default")
    assert len(store.bundles.list()) == 1


def test_a_bundle_that_scored_a_submission_is_known(store: Store) -> None:
    store.submissions.add(submission())
    assert [row.id for row in store.bundles.list()] == [BUNDLE.id]
    assert store.bundles.register(BUNDLE, "default").location == "default"


def test_there_is_no_champion_before_the_first_promotion(registered: Store) -> None:
    assert registered.bundles.champion() is None
    assert registered.bundles.history() == []


def test_a_promotion_moves_the_champion_and_is_remembered(registered: Store) -> None:
    registered.bundles.promote(BUNDLE.id, "anna", "the first")
    registered.bundles.promote(OTHER.id, "bert", "better", instead_of=BUNDLE.id)
    champion = registered.bundles.champion()
    assert champion is not None
    assert champion.id == OTHER.id
    assert [row.is_champion for row in registered.bundles.list()] == [
        row.id == OTHER.id for row in registered.bundles.list()
    ]
    told = [(each.bundle, each.kind, each.by, each.reason) for each in registered.bundles.history()]
    assert told == [(BUNDLE.id, "promote", "anna", "the first"), (OTHER.id, "promote", "bert", "better")]
    assert [row.action for row in registered.audit()] == ["promote", "promote"]


def test_a_challenger_that_beat_another_champion_is_not_promoted(registered: Store) -> None:
    registered.bundles.promote(BUNDLE.id, "anna")
    with pytest.raises(Conflict, match="no longer"):
        registered.bundles.promote(OTHER.id, "bert", instead_of=OTHER.id)
    with pytest.raises(Conflict, match="already"):
        registered.bundles.promote(BUNDLE.id, "bert")
    with pytest.raises(NotFound, match="nothing@0"):
        registered.bundles.promote("nothing@0", "bert")


def test_of_two_promotions_at_once_that_expect_the_same_champion_one_wins(
    url: str, registered: Store, open_store: Callable[..., Store]
) -> None:
    registered.bundles.promote(BUNDLE.id, "anna")
    third = open_store(url)

    def promote(store: Store) -> str:
        try:
            return store.bundles.promote(OTHER.id, "bert", instead_of=BUNDLE.id).kind
        except Conflict:
            return "conflict"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(promote, [registered, third])) == ["conflict", "promote"]


def test_rollback_goes_back_step_by_step_and_by_id(registered: Store) -> None:
    for name in (BUNDLE.id, OTHER.id):
        registered.bundles.promote(name, "anna")
    assert registered.bundles.rollback("bert", "worse on scans").bundle == BUNDLE.id
    with pytest.raises(Conflict, match="no champion before"):
        registered.bundles.rollback("bert")
    assert registered.bundles.rollback("bert", to=OTHER.id).bundle == OTHER.id
    assert [each.kind for each in registered.bundles.history()] == ["promote", "promote", "rollback", "rollback"]


def test_a_rollback_leads_only_to_former_champions(registered: Store) -> None:
    registered.bundles.promote(BUNDLE.id, "anna")
    with pytest.raises(NotFound, match="never was champion"):
        registered.bundles.rollback("bert", to=OTHER.id)
    with pytest.raises(Conflict, match="already"):
        registered.bundles.rollback("bert", to=BUNDLE.id)
