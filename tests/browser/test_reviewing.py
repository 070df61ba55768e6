"""Reviewers, with a real browser: what everybody sent, decided with keys."""

import base64
import secrets
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from digitkit.app.client import Client
from digitkit.store import Store
from digitkit.wire import SubmissionIn
from tests.app.pictures import digit_png
from tests.browser.hand import Visit, press
from tests.browser.processes import Process


@pytest.fixture
def store(app: Process) -> Iterator[Store]:
    """What the app has stored: one submission that nobody has reviewed, a 3 that was called 8."""
    with closing(Store.open(str(app.running.args[-1]))) as store:  # type: ignore[index]
        for row, _ in list(store.submissions.each()):
            store.submissions.delete(row.id, by="tests")
        with Client(app.address) as client:
            picture = base64.b64encode(digit_png(3)).decode()
            client.submit(SubmissionIn(picture=picture, true_label="8", channel="upload"), secrets.token_hex(8))
        yield store


def enter(page: Page, store: Store, role: str) -> None:
    """Give a token where the page asks for one."""
    token = store.keys.create(f"a {role}er", role, by="tests").secret
    page.get_by_role("textbox").fill(token)
    page.get_by_role("button", name="Use it").click()


def reviews_of(store: Store) -> tuple[str, str | None]:
    """The status and the label that reviewers gave to the one submission."""
    ((row, _),) = store.submissions.each()
    return row.status, row.reviewed_label


def test_a_reviewer_decides_with_keys_and_takes_it_back(app: Process, visit: Visit, store: Store) -> None:
    page = visit(f"{app.address}/review")
    enter(page, store, "review")
    expect(page.get_by_text("The model says: 3")).to_be_visible()
    expect(page.get_by_alt_text("Submitted picture, sent as 8")).to_be_visible()
    accept, nothing = page.get_by_role("button", name="Accept"), page.get_by_text("Nothing waits for a review.")
    for key, review in (("3", ("accepted", "3")), ("x", ("rejected", None)), ("a", ("accepted", None))):
        expect(accept).to_be_visible()
        press(page, key, nothing)
        assert reviews_of(store) == review
        press(page, "z", accept)
    assert reviews_of(store)[0] == "pending"


def test_with_a_token_the_history_shows_what_everybody_sent(app: Process, visit: Visit, store: Store) -> None:
    page = visit(f"{app.address}/history")
    page.get_by_role("radio", name="Everybody's").click()
    enter(page, store, "read")
    card = page.locator(".cards li")
    expect(card.locator(".title")).to_have_text("8")
    expect(card.get_by_text("Read as 3")).to_be_visible()
