"""A real browser before real processes: Debian's Chromium, `digitkit app`, `digitkit serve`."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser.hand import Visit
from tests.browser.processes import Process, started

PATIENCE_MS = 60_000  # a busy machine is no broken promise
CALM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Page and service in one process, on SQLite (`folder_of`)."""
    folder = tmp_path_factory.mktemp("app")
    with started(folder, "app", "--port", "0", "--database", str(folder / "app.sqlite")) as process:
        yield process


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, with a camera that shows a test picture. It ends with the module: it holds an event loop."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*CALM, *CAMERA])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a page complained of, and whom it asked."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def follow(self, page: Page) -> None:
        """Note everything from now on."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _note(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")):
            self.hosts.add(request.url.split("/")[2])


@pytest.fixture(scope="module")
def desk(chromium: Browser) -> Iterator[BrowserContext]:
    """A large window, whose pages share a cache; Streamlit's sessions belong to a page, not to a window."""
    with patient(chromium.new_context(viewport={"width": 1280, "height": 900})) as context:
        yield context


@contextmanager
def patient(context: BrowserContext) -> Iterator[BrowserContext]:
    """A window that waits for a busy machine."""
    context.set_default_timeout(PATIENCE_MS)
    context.set_default_navigation_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def visit(chromium: Browser, desk: BrowserContext) -> Iterator[Visit]:
    """Open an address in a page of its own; in the end it complained of nothing and asked no other host."""
    watches: list[tuple[Watch, str, bool]] = []
    with ExitStack() as opened:

        def open_page(address: str, may_complain: bool = False, **options: object) -> Page:
            context = opened.enter_context(patient(chromium.new_context(**options))) if options else desk  # type: ignore[arg-type]
            page = context.new_page()
            opened.callback(page.close)
            watch = Watch()
            watch.follow(page)
            watches.append((watch, address.split("/")[2], may_complain))
            page.goto(address)
            return page

        yield open_page
    for watch, own, may_complain in watches:
        assert watch.hosts == {own}
        assert may_complain or watch.complaints == []
