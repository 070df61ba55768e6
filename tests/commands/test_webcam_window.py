"""The real window of the webcam, on a display in memory: what is on the screen, and what keys do."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from digitkit.app.window import BANNER, FOOT, HEIGHT, PANEL
from digitkit.core.picture import Pixels, decode
from tests.app.film import frame
from tests.fixtures.opencv import needs_opencv

pytestmark = [pytest.mark.slow, needs_opencv]
needs_screen = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("Xvfb", "xdotool", "openbox")),
    reason="no display can be made (on Debian: apt install xvfb xdotool openbox)",
)
PATIENCE_S = 60
CAMERA = (slice(BANNER, BANNER + HEIGHT), slice(0, 720))  # where the window shows the camera
WINDOW = (720 + PANEL, BANNER + HEIGHT + FOOT)


def wait_for(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


@dataclass
class Screen:
    """A display that lives in memory, and what is on it."""

    name: str
    memory: Path

    def shown(self) -> Pixels:
        """All that is on the screen, uint8 (900,1400,3); X keeps it as XWD: a header, colours, then BGR0."""
        content = self.memory.read_bytes()
        words = np.frombuffer(content[:100], ">u4")
        header, width, height, colours = (int(words[place]) for place in (0, 4, 5, 19))
        pixels = np.frombuffer(content[header + 12 * colours :], np.uint8)[: 4 * width * height]
        return pixels.reshape(height, width, 4)[..., 2::-1]

    def ask(self, *words: str) -> str:
        """Let xdotool do something; what it says."""
        done = subprocess.run(["xdotool", *words], env={**os.environ, "DISPLAY": self.name}, capture_output=True)
        return done.stdout.decode()

    def is_open(self) -> bool:
        """Whether the window has its size."""
        size = self.ask("search", "--name", "^digitkit$", "getwindowgeometry")
        return f"Geometry: {WINDOW[0]}x{WINDOW[1]}" in size

    def press(self, key: str) -> None:
        """Press a key in the window."""
        self.ask("search", "--name", "^digitkit$", "key", key)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1400x900x24", "-noreset", "-fbdir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield Screen(f":{server.stdout.readline().strip()}", tmp_path / "Xvfb_screen0")
        server.terminate()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a 7 that lasts longer than any test."""
    cv2 = import_module("cv2")  # not a plain import: its types are not there where the extra is not
    path = tmp_path_factory.mktemp("film") / "seven.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 2, (640, 480))
    picture = frame(7, 250, 120, np.random.default_rng(5))[..., ::-1].copy()
    for _ in range(2 * 2 * PATIENCE_S):
        writer.write(picture)
    writer.release()
    return path


@contextmanager
def watching(film: Path, display: str, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """The verb on a display."""
    command = [sys.executable, "-m", "digitkit", "webcam", "--source", str(film), *words]
    environment = {**os.environ, "DISPLAY": display, "WAYLAND_DISPLAY": ""}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as verb:
        yield verb
        verb.kill()


def is_photo(area: Pixels) -> bool:
    """Whether an area has the noise of a camera, rather than squares."""
    return len(np.unique(area.reshape(-1, 3), axis=0)) > 1_000


@needs_screen
def test_the_window_shows_the_camera_and_after_v_what_the_model_sees(film: Path, screen: Screen) -> None:
    with watching(film, screen.name):
        wait_for(screen.is_open, "the window")
        wait_for(lambda: is_photo(screen.shown()[CAMERA]), "the camera")
        assert (screen.shown()[CAMERA] == [62, 207, 142]).all(-1).any()  # the box of a digit that is read
        screen.press("v")
        wait_for(lambda: not is_photo(screen.shown()[CAMERA]), "what the model sees")
        assert screen.shown()[CAMERA].max() > 200
        assert screen.is_open()
        screen.press("v")
        wait_for(lambda: is_photo(screen.shown()[CAMERA]), "the camera again")


@needs_screen
def test_s_writes_the_frame_and_q_quits(film: Path, screen: Screen, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    with watching(film, screen.name, "--snapshots", str(shots)) as verb:
        wait_for(screen.is_open, "the window")
        screen.press("s")
        wait_for(lambda: shots.exists() and bool(list(shots.glob("*.png"))), "the snapshot")
        screen.press("q")
        _, said = verb.communicate(timeout=PATIENCE_S)
        assert verb.returncode == 0
    (written,) = shots.iterdir()
    assert said.strip() == f"Wrote {written}"  # and nothing of the window library's own
    assert decode(written).shape == (480, 640, 3)


@needs_screen
def test_a_window_that_is_closed_ends_the_verb(film: Path, screen: Screen) -> None:
    with (
        subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": screen.name}, stderr=subprocess.DEVNULL) as desk,
        watching(film, screen.name) as verb,
    ):
        wait_for(screen.is_open, "the window")
        wait_for(lambda: screen.ask("getactivewindow", "getwindowname") == "digitkit\n", "its focus")
        screen.ask("key", "alt+F4")
        _, said = verb.communicate(timeout=PATIENCE_S)
        assert (verb.returncode, said) == (0, "")
        desk.terminate()


def test_a_display_that_is_not_there_is_an_error_instead_of_a_crash(film: Path) -> None:
    with watching(film, ":29999") as verb:
        _, said = verb.communicate(timeout=PATIENCE_S)
    assert verb.returncode == 2
    assert "There is no display" in said
