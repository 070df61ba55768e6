"""Every page has an address of its own, with a real browser."""

import pytest
from playwright.sync_api import expect

from digitkit.app.index import PATHS
from tests.browser.hand import Visit
from tests.browser.processes import Process


@pytest.mark.parametrize("name", PATHS)
def test_a_page_opens_by_its_address_and_again_when_it_is_reloaded_on_a_phone(
    app: Process, visit: Visit, name: str
) -> None:
    """Streamlit has a way of its own to find pages, in a folder of that name, which would be shown instead."""
    page = visit(f"{app.address}/{name}")
    title = page.get_by_role("heading", name={"read": "Read a digit"}.get(name, name.capitalize()), level=2).first
    expect(title).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(title).to_be_visible()
    expect(page.get_by_role("link", name="About")).to_be_in_viewport(ratio=1)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth") <= 390  # nothing is cut off
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


def test_the_champion_tells_what_its_test_mixed_up(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    page.get_by_role("link", name="Models").click()
    page.get_by_text("What its test mixed up").click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
