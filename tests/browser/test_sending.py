"""Corrections that are sent: once, taken back, and never lost without a word."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from digitkit import load
from digitkit.store import Store, SubmissionFilter
from tests.browser.hand import Visit, draw, panel_of, recorded
from tests.browser.processes import Process, started
from tests.fixtures.postgres import Postgres


def rows_of(app: Process) -> list[tuple[str, str, str, bytes]]:
    """Label, channel, strokes and picture of every submission in the SQLite file of an app, oldest first."""
    path = Path(str(app.running.args[-1]))  # type: ignore[index]
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "select true_label, channel, strokes, content from submissions join pictures on sha256 = picture_sha256"
            " order by submissions.id"
        ).fetchall()


def send_as(page: Page, label: str) -> None:
    """Give another label than the one that was read, and see that it is saved."""
    page.get_by_role("radio", name=label, exact=True).click()
    expect(page.get_by_text(f"Saved as {label}")).to_be_visible()


def test_a_correction_lies_in_the_database_with_picture_and_strokes(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    draw(page, recorded(2))
    send_as(page, "3")
    label, channel, strokes, picture = rows_of(app)[-1]
    assert (label, channel) == ("3", "draw")
    assert load("default").predict(picture).label == "2"
    points = json.loads(strokes)[0]
    assert len(points) > 5
    assert [point[2] for point in points] == sorted(point[2] for point in points)
    assert all(0 <= x <= 280 and 0 <= y <= 280 for x, y, _, _ in points)


def test_a_double_click_sends_once(app: Process, visit: Visit) -> None:
    before = len(rows_of(app))
    page = visit(app.address)
    draw(page, recorded(6))
    page.get_by_role("button", name="Correct, it is 6").dblclick()
    expect(page.get_by_text("Saved as 6")).to_be_visible()
    assert len(rows_of(app)) == before + 1


def test_what_was_sent_can_be_taken_back(app: Process, visit: Visit) -> None:
    before = len(rows_of(app))
    page = visit(app.address)
    draw(page, recorded(1))
    send_as(page, "not a digit")
    assert len(rows_of(app)) == before + 1
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    assert len(rows_of(app)) == before


def test_a_service_that_is_stopped_costs_nothing_but_a_second_click(visit: Visit, tmp_path: Path) -> None:
    database = str(tmp_path / "away.sqlite")
    with started(tmp_path, "serve", "--port", "0", "--database", database) as service:
        port = service.address.rsplit(":", 1)[1]
        with started(tmp_path, "app", "--port", "0", "--service", service.address) as app:
            page = visit(app.address, may_complain=True)  # the browser itself notes a 503 on its console
            draw(page, recorded(9))
            expect(page.get_by_role("button", name="Correct, it is 9")).to_be_visible()
            service.stop()
            page.get_by_role("button", name="Correct, it is 9").click()
            expect(page.get_by_text("Not saved.")).to_be_visible()
            expect(panel_of(page)).to_have_attribute("data-label", "9")
            assert page.locator(".pad").evaluate("pad => pad.pad.state.strokes.length") > 0
            with started(tmp_path, "serve", "--port", port, "--database", database):
                page.get_by_role("button", name="Try again as 9").click()
                expect(page.get_by_text("Saved as 9")).to_be_visible()
            with closing(Store.open(database)) as store:
                assert store.submissions.count(SubmissionFilter()) == 1


@pytest.mark.slow
def test_a_correction_lies_in_postgresql_too(visit: Visit, tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.new_database()
    with started(tmp_path, "app", "--port", "0", "--database", url) as app:
        page = visit(app.address, may_complain=True)  # the app ends before its page does
        draw(page, recorded(2))
        send_as(page, "7")
    with closing(Store.open(url)) as store:
        (row,) = store.submissions.page(SubmissionFilter(), None, 10).rows
        kept = store.submissions.get(row.id)
        assert (kept.true_label, kept.channel) == ("7", "draw")
        assert kept.strokes
        assert store.submissions.picture(row.id).startswith(b"\x89PNG")
