"""Drawing in the page, with a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hand import Visit, answer, clear, draw, pad_of, panel_of, recorded, wait_for_answer
from tests.browser.processes import Process

SCRIBBLE = [[(0.5 + 0.4 * (((37 * k) % 19) / 9 - 1), 0.5 + 0.4 * (((53 * k) % 23) / 11 - 1)) for k in range(45)]]


def test_at_least_nine_of_ten_digits_drawn_with_the_mouse_are_read_right(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    right = 0
    for digit in range(10):
        draw(page, recorded(digit))
        right += answer(page)[0] == str(digit)
        clear(page)
    assert right >= 9


@pytest.mark.slow
def test_of_a_hundred_digits_of_ten_writers_at_least_ninety_are_read_right(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    right = 0
    for writer in range(10):
        for digit in range(10):
            draw(page, recorded(digit, writer))
            right += answer(page)[0] == str(digit)
            clear(page)
    assert right >= 90


def test_undo_redo_and_clear_change_the_answer(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    draw(page, recorded(3))
    before = answer(page)
    assert before == ("3", "digit")
    tools = pad_of(page)
    tools.get_by_role("button", name="Undo").click()
    expect(panel_of(page)).to_have_attribute("data-verdict", "blank")
    tools.get_by_role("button", name="Redo").click()
    expect(panel_of(page)).to_have_attribute("data-label", "3")
    clear(page)
    expect(panel_of(page).get_by_text("Nothing is drawn", exact=True)).to_be_visible()
    page.keyboard.press("Control+z")  # clearing can be undone too
    expect(panel_of(page)).to_have_attribute("data-label", "3")


def test_the_answer_changes_while_the_pen_is_down(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    canvas = pad_of(page).locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    for step in range(30):
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + (0.2 + 0.02 * step) * box["height"])
    wait_for_answer(page)
    assert answer(page) == ("1", "digit")
    page.mouse.up()


def test_a_scribble_is_no_digit(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    draw(page, SCRIBBLE)
    assert answer(page)[1] in ("not a digit", "unsure")


def test_dark_paper_reads_the_same_digit(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    draw(page, recorded(7))
    pad_of(page).get_by_role("button", name="Dark paper").click()
    wait_for_answer(page)
    assert answer(page) == ("7", "digit")


def test_a_digit_can_be_drawn_with_the_keyboard_alone(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    pad_of(page).locator("canvas").focus()
    for key in (*["ArrowUp"] * 10, " ", *["ArrowDown"] * 20, " "):
        page.keyboard.press(key)
    wait_for_answer(page)
    assert answer(page) == ("1", "digit")


def test_a_pen_tells_its_pressure_and_the_slider_its_thickness(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    pad_of(page).get_by_label("Thickness of the pen").fill("30")
    box = pad_of(page).locator("canvas").bounding_box()
    assert box is not None
    pen = page.context.new_cdp_session(page)
    for step in range(20):
        kind = "mouseMoved" if step else "mousePressed"
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * (0.2 + 0.03 * step)}
        how = {"pointerType": "pen", "force": 0.75, "button": "left", "buttons": 1}
        pen.send("Input.dispatchMouseEvent", {"type": kind, **at, **how})
    pen.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **at, "pointerType": "pen", "button": "left"})
    wait_for_answer(page)
    (stroke,) = pad_of(page).evaluate("pad => pad.pad.state.strokes")
    assert stroke["width"] == 30
    assert {point[3] for point in stroke["points"]} == {0.75}
    assert answer(page) == ("1", "digit")


def test_a_quick_mouse_fills_no_drawing_and_a_drawing_that_comes_back_keeps_its_times(
    app: Process, visit: Visit
) -> None:
    page = visit(app.address)
    box = pad_of(page).locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 50, steps=100)
    page.mouse.up()
    wait_for_answer(page)
    assert pad_of(page).evaluate("pad => pad.pad.state.strokes[0].points.length") <= 12
    expect(page.get_by_text("No, it is:")).to_be_visible()  # the page has been told too
    page.get_by_role("link", name="About").click()
    expect(page.get_by_text("Privacy")).to_be_visible()
    page.get_by_role("link", name="Read").click()
    expect(panel_of(page)).to_have_attribute("data-version", re.compile(r"\d"))
    draw(page, recorded(1))
    times = pad_of(page).evaluate("pad => pad.pad.state.strokes.flatMap(each => each.points.map(point => point[2]))")
    assert len(times) > 12
    assert times == sorted(times)


def test_a_finger_draws_on_a_phone_without_moving_the_page(app: Process, visit: Visit) -> None:
    page = visit(app.address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = pad_of(page).locator("canvas").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    before = scroll_of(page)
    touch = page.context.new_cdp_session(page)
    for step in range(25):
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * (0.15 + 0.028 * step)}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": [at]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for_answer(page)
    assert answer(page) == ("1", "digit")
    assert scroll_of(page) == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def scroll_of(page: Page) -> float:
    """How far the page is scrolled; Streamlit scrolls an element of its own."""
    return float(page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop + window.scrollY"))


def test_a_drawing_is_still_there_after_a_look_at_another_page(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    draw(page, recorded(5))
    expect(page.get_by_role("button", name="Correct, it is 5")).to_be_visible()
    page.get_by_role("link", name="About").click()
    expect(page.get_by_text("Privacy")).to_be_visible()
    page.get_by_role("link", name="Read").click()
    expect(panel_of(page)).to_have_attribute("data-label", "5")
    assert pad_of(page).evaluate("pad => pad.pad.state.strokes.length") > 0


def test_two_visitors_do_not_mix(app: Process, visit: Visit) -> None:
    size = {"width": 1280, "height": 900}
    one, other = visit(app.address, viewport=size), visit(app.address, viewport=size)  # windows of their own
    draw(one, recorded(4))
    draw(other, recorded(8))
    expect(one.get_by_role("button", name="Correct, it is 4")).to_be_visible()
    expect(other.get_by_role("button", name="Correct, it is 8")).to_be_visible()
    for page, own in ((one, "It is 4"), (other, "It is 8")):
        page.get_by_role("link", name="History").click()
        expect(page.locator(".cards li")).to_have_count(1)
        expect(page.locator(".cards li .title")).to_have_text(own)
