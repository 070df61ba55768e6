"""How far the answer is behind the hand while people draw in the web app.

    python benchmarks/drawing.py [--sessions 10] [--seconds 15]

One real browser draws and measures, for every change, the time until an answer that knows of it is on the screen.
Beside it others draw as the pad does over HTTP: one request at a time, always the newest drawing. Prints one table, and
how much of the processors other programs took meanwhile, since that decides much.
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "src")]

from tests.browser.hand import clear, draw, pad_of, recorded  # noqa: E402
from tests.browser.processes import started  # noqa: E402

ASK = "/v1/predict?top_k=3&explain=true"
FRAME_S = 1 / 60  # a browser tells of the pen so often


def main() -> None:
    """Measure alone, then with the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10, help="how many draw at once, the browser included")
    parser.add_argument("--seconds", type=float, default=15, help="how long each measurement takes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, chromium = Path(name), shutil.which("chromium")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            show(browser.new_page(), folder, options)
            browser.close()


def show(page: Page, folder: Path, options: argparse.Namespace) -> None:
    """Start the app, open its page in a browser that runs already, and measure."""
    page.set_default_timeout(90_000)
    began = time.perf_counter()
    with started(folder, "app", "--port", "0", "--database", str(folder / "app.sqlite")) as app:
        said = time.perf_counter() - began
        page.goto(app.address)
        pad_of(page).wait_for()
        print(f"address said after {said:.1f} s, pad there after {time.perf_counter() - began:.1f} s")
        print("sessions  answers   p50 ms   p95 ms  others: requests   p95 ms  errors")
        for sessions in dict.fromkeys((1, options.sessions)):
            print(measure(page, app.address, sessions, options.seconds))
        print(
            f"private memory of page and service {private_megabytes(app.running.pid):.0f} MB;"
            f" load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )


def measure(page: Page, address: str, sessions: int, seconds: float) -> str:
    """One row of the table."""
    page.evaluate("performance.clearMeasures('digitkit-answer')")
    until = time.monotonic() + seconds
    times: list[float] = []
    errors: list[str] = []
    others = [threading.Thread(target=scrawl, args=(address, until, times, errors)) for _ in range(sessions - 1)]
    for thread in others:
        thread.start()
    digit = 0
    while time.monotonic() < until:
        draw(page, recorded(digit % 10, digit // 10 % 10))
        clear(page)
        digit += 1
    for thread in others:
        thread.join()
    behind = np.array(page.evaluate("performance.getEntriesByName('digitkit-answer').map(entry => entry.duration)"))
    beside = f"{len(times):>17} {1000 * np.quantile(times, 0.95):>8.0f}" if times else f"{0:>17} {'':>8}"
    middle, late = np.quantile(behind, (0.5, 0.95))
    return f"{sessions:>8} {len(behind):>8} {middle:>8.0f} {late:>8.0f} {beside} {len(errors):>7}"


def scrawl(address: str, until: float, times: list[float], errors: list[str]) -> None:
    """Draw as the pad does, digit after digit, with a second to think in between."""
    with httpx.Client(base_url=address, timeout=10, trust_env=False) as http:
        digit = 0
        while time.monotonic() < until:
            points = [point for stroke in recorded(digit % 10) for point in stroke]
            for length in range(2, len(points), 4):
                began = time.perf_counter()
                answer = http.post(ASK, content=sheet(points[:length]), headers={"Content-Type": "image/png"})
                times.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    errors.append(answer.text)
                time.sleep(max(0.0, FRAME_S - (time.perf_counter() - began)))
            digit += 1
            time.sleep(1)


def sheet(points: list[tuple[float, float]]) -> bytes:
    """A drawing so far as the pad would send it."""
    picture = Image.new("RGBA", (280, 280), "white")
    ImageDraw.Draw(picture).line([(280 * x, 280 * y) for x, y in points], fill="black", width=18, joint="curve")
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def private_megabytes(pid: int) -> float:
    """What a process has for itself, after Linux."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1000


if __name__ == "__main__":
    main()
