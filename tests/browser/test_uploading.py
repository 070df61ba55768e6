"""Pictures that are given: files good and bad, the clipboard, the camera."""

from contextlib import suppress
from pathlib import Path

from playwright.sync_api import FilePayload, Page, TimeoutError, expect

from tests.browser.hand import Visit, answer, open_tab, panel_of
from tests.browser.processes import Process

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = "<img src=x onerror=document.title='broken'> **bold** `7`.png"


def named(name: str, content: bytes) -> FilePayload:
    """A file as a browser would send it."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def give(page: Page, *files: FilePayload) -> None:
    """Choose files on the tab Upload."""
    open_tab(page, "Upload")
    page.locator("input[type=file]").set_input_files(list(files))


def test_good_files_are_read_and_a_bad_one_has_its_message_in_place(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    seven, three = (named(name, (EXAMPLES / name).read_bytes()) for name in ("seven.png", "three-blue-pen.png"))
    give(page, seven, named("notes.txt", b"no picture"), three)
    expect(page.locator(".panel")).to_have_count(3)
    expect(panel_of(page, 2)).to_have_attribute("data-label", "3")
    assert answer(page, 0) == ("7", "digit")
    expect(panel_of(page, 1).locator(".problem")).to_contain_text("not a picture")
    for name in ("seven.png", "notes.txt", "three-blue-pen.png"):
        expect(page.get_by_test_id("stMain").get_by_text(name, exact=True).last).to_be_visible()


def test_a_hostile_file_name_is_shown_as_text(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    give(page, named(HOSTILE, (EXAMPLES / "seven.png").read_bytes()))
    expect(panel_of(page)).to_have_attribute("data-label", "7")
    expect(page.get_by_test_id("stText").get_by_text(HOSTILE, exact=True)).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.locator(".cards li").get_by_text(HOSTILE)).to_be_visible()
    assert page.title() != "broken"


def test_a_picture_from_the_clipboard_is_read(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    open_tab(page, "Upload")
    expect(page.locator(".paste")).to_be_visible()
    content = list((EXAMPLES / "seven.png").read_bytes())
    page.evaluate(
        """content => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(content)], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }""",
        content,
    )
    expect(panel_of(page)).to_have_attribute("data-label", "7")


def test_a_file_that_is_dropped_is_read(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    open_tab(page, "Upload")
    dropped = page.evaluate_handle(
        """content => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(content)], "dropped.png", { type: "image/png" }));
            return data;
        }""",
        list((EXAMPLES / "seven.png").read_bytes()),
    )
    for event in ("dragenter", "dragover", "drop"):
        page.get_by_test_id("stFileUploaderDropzone").dispatch_event(event, {"dataTransfer": dropped})
    expect(panel_of(page)).to_have_attribute("data-label", "7")


def test_the_camera_takes_a_picture_that_is_read(app: Process, visit: Visit) -> None:
    page = visit(app.address)
    open_tab(page, "Camera")
    for _ in range(30):  # Streamlit's button does nothing until the camera's first picture has come
        page.get_by_role("button", name="Take Photo").click()
        with suppress(TimeoutError):
            page.locator("video").wait_for(state="detached", timeout=2_000)
            break
    expect(panel_of(page).locator(".facts")).to_be_visible()
    assert answer(page)[1] in ("not a digit", "unsure", "digit", "blank")
    expect(panel_of(page).get_by_alt_text("what the model saw")).to_be_visible()
