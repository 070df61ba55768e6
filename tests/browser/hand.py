"""How a test draws and looks: recorded strokes along the mouse, and the panel's answer."""

import itertools
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

STROKES = Path(__file__).parents[1] / "fixtures" / "strokes.npz"
Visit = Callable[..., Page]  # opens an address: the fixture `visit`
Strokes = list[list[tuple[float, float]]]  # x right and y down, shares of the pad


@cache
def _recorded() -> dict[str, NDArray[np.int64]]:
    with np.load(STROKES, allow_pickle=False) as file:
        return {name: file[name].astype(np.int64) for name in file.files}


def recorded(digit: int, writer: int = 0) -> Strokes:
    """A digit as one of ten writers wrote it, in the middle of the pad, 0.6 high."""
    kept = _recorded()
    index = 10 * writer + digit
    starts = kept["stroke_offsets"][kept["digit_offsets"][index] : kept["digit_offsets"][index + 1] + 1]
    strokes = [kept["points"][start:end] for start, end in itertools.pairwise(starts)]
    every = np.concatenate(strokes)
    middle, size = (every.max(0) + every.min(0)) / 2, (every.max(0) - every.min(0)).max()
    shares = [0.5 + 0.6 * (stroke - middle) / size * [1, -1] for stroke in strokes]
    return [[(float(x), float(y)) for x, y in stroke[::3]] for stroke in shares]


def pad_of(page: Page) -> Locator:
    """The sketch pad, once it is there."""
    pad = page.locator(".pad")
    pad.locator("canvas").scroll_into_view_if_needed()
    return pad


def open_tab(page: Page, name: str) -> None:
    """Choose a way in; Streamlit forgets a click that comes before its first run is shown, and one clicks again."""
    pad, tab = pad_of(page), page.get_by_role("tab", name=name)
    panel_of(page).wait_for()
    for _ in range(3):
        tab.click()
        with suppress(AssertionError):
            expect(pad).to_be_hidden(timeout=10_000)
            return
    raise AssertionError(f"the tab {name} does not open")


def press(page: Page, key: str, shown: Locator) -> None:
    """Press a key until something shows; Streamlit forgets one that comes while it draws, and one presses again."""
    for _ in range(3):
        page.keyboard.press(key)
        with suppress(AssertionError):
            expect(shown).to_be_visible(timeout=10_000)
            return
    raise AssertionError(f"the key {key} does nothing")


def draw(page: Page, strokes: Strokes) -> None:
    """Draw with the mouse, and wait until the newest drawing is answered."""
    canvas = pad_of(page).locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    for stroke in strokes:
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*at[0])
        page.mouse.down()
        for x, y in at[1:]:
            page.mouse.move(x, y)
        page.mouse.up()
    wait_for_answer(page)


def wait_for_answer(page: Page) -> None:
    """Until the panel shows the answer to what is on the pad."""
    version = pad_of(page).evaluate("pad => pad.pad.version")
    expect(panel_of(page)).to_have_attribute("data-version", re.compile(rf"^{version}$"))
    expect(panel_of(page)).to_have_attribute("data-problem", "")


def panel_of(page: Page, place: int = 0) -> Locator:
    """A result panel."""
    return page.locator(".panel").nth(place)


def answer(page: Page, place: int = 0) -> tuple[str, str]:
    """The label and the verdict that a panel shows."""
    panel = panel_of(page, place)
    return cast("tuple[str, str]", (panel.get_attribute("data-label"), panel.get_attribute("data-verdict")))


def clear(page: Page) -> None:
    """Press Clear and wait until nothing is read."""
    pad_of(page).get_by_role("button", name="Clear").click()
    expect(panel_of(page)).to_have_attribute("data-verdict", "blank")
