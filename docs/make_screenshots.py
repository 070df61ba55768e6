"""Takes the pictures of the web app for the documentation, in a real browser: python docs/make_screenshots.py [FOLDER]

Needs Chromium (Debian: apt install chromium) and the extras `app` and `dev`. Every page at 1280 and 390 px, light and
dark; they are kept small, and `docs/app.md` shows some of them.
"""

import base64
import shutil
import sys
import tempfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from digitkit.app.client import Client  # noqa: E402
from digitkit.store import Store  # noqa: E402
from digitkit.wire import SubmissionIn  # noqa: E402
from tests.browser.hand import draw, open_tab, panel_of, recorded, wait_for_answer  # noqa: E402
from tests.browser.processes import started  # noqa: E402

WIDTHS = {1280: 900, 390: 844}  # px, and heights
PAGES = ("read", "upload", "history", "review", "models", "about")
SENT = (("seven.png", "7"), ("three-blue-pen.png", "8"), ("eight-tiny.png", "8"))
PATIENCE_MS = 90_000


def main(folder: Path) -> None:
    """All of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        database = str(Path(name) / "app.sqlite")
        expect.set_options(timeout=PATIENCE_MS)
        with started(Path(name), "app", "--port", "0", "--database", database) as app:
            token = prepare(app.address, database)
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            for scheme in ("light", "dark"):
                for width in WIDTHS:
                    visit(browser, app.address, token, folder / f"{scheme}-{width}")
            browser.close()


def prepare(address: str, database: str) -> str:
    """Some submissions, and a token to review them."""
    with Client(address) as client:
        for name, label in SENT:
            picture = base64.b64encode((ROOT / "examples" / name).read_bytes()).decode()
            client.submit(SubmissionIn(picture=picture, true_label=label, channel="upload"), f"docs-{name}")
    with closing(Store.open(database)) as store:
        return store.keys.create("docs", "review", by="docs").secret


def visit(browser: Browser, address: str, token: str, target: Path) -> None:
    """One visitor, who looks at every page."""
    scheme, width = target.name.split("-")
    size = {"width": int(width), "height": WIDTHS[int(width)]}
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    for name in PAGES:
        SHOW[name](page, token)
        take(page, target.with_name(f"{name}-{target.name}.webp"))
    context.close()


def show_read(page: Page, token: str) -> None:
    """A digit that is drawn."""
    draw(page, recorded(3))
    wait_for_answer(page)
    expect(page.get_by_role("button", name="Correct, it is 3")).to_be_visible()


def show_upload(page: Page, token: str) -> None:
    """A good file and a bad one."""
    open_tab(page, "Upload")
    files = [("seven.png", (ROOT / "examples" / "seven.png").read_bytes()), ("notes.txt", b"no picture")]
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    expect(panel_of(page, 1).locator(".problem")).to_be_visible()
    expect(page.get_by_role("button", name="Correct, it is 7")).to_be_visible()


def show_history(page: Page, token: str) -> None:
    """What this visitor did."""
    go_to(page, "History")
    expect(page.locator(".cards li")).to_have_count(3)


def show_review(page: Page, token: str) -> None:
    """The first submission that waits."""
    go_to(page, "Review")
    page.get_by_role("textbox").fill(token)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    expect(page.get_by_test_id("stImage").locator("img")).to_be_visible()


def show_models(page: Page, token: str) -> None:
    """The champion on the drawing."""
    go_to(page, "Models")
    expect(panel_of(page).locator(".facts")).to_be_visible()
    expect(page.get_by_role("combobox")).to_be_visible()


def show_about(page: Page, token: str) -> None:
    """Tips and privacy."""
    go_to(page, "About")
    expect(page.get_by_text("Privacy")).to_be_visible()


SHOW = dict(zip(PAGES, (show_read, show_upload, show_history, show_review, show_models, show_about), strict=True))


def go_to(page: Page, title: str) -> None:
    """Follow the link of a page."""
    page.get_by_role("link", name=title, exact=True).click()


def take(page: Page, target: Path) -> None:
    """The whole page as WebP."""
    page.mouse.move(0, 0)
    page.wait_for_function("document.querySelector('[data-testid=stStatusWidget]') === null")
    main = page.get_by_test_id("stMain")
    height = int(main.evaluate("main => main.scrollHeight"))
    width = page.viewport_size["width"] if page.viewport_size else 0
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": max(height, 400)})
    content = page.screenshot()
    if before:
        page.set_viewport_size(before)
    Image.open(BytesIO(content)).convert("RGB").save(target, quality=75, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "assets" / "app")
