"""Every page has an address of its own, with a real browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.hand import Visit
from tests.browser.processes import Process


@pytest.mark.parametrize("name", ["read", "history", "review", "models", "about"])
def test_a_page_opens_by_its_address(app: Process, visit: Visit, name: str) -> None:
    """Streamlit has a way of its own to find pages, in a folder of that name, which would be shown instead."""
    # Streamlit first asks for its service below the page's own address, which the browser complains of.
    page = visit(f"{app.address}/{'' if name == 'read' else name}", may_complain=True)
    titles = {"read": "Read a digit", "about": "About"}
    expect(page.get_by_role("heading", name=titles.get(name, name.capitalize()), level=2).first).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


def test_the_champion_tells_what_its_test_mixed_up(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    page.get_by_role("link", name="Models").click()
    page.get_by_text("What its test mixed up").click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
