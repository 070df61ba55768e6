"""The window of the camera on the screen: keys, snapshots, and an end."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from digitkit.app.frames import open_cv, silent_errors
from digitkit.app.watching import Watcher
from digitkit.app.window import View, draw
from digitkit.core.errors import ConfigError
from digitkit.core.files import write_bytes
from digitkit.core.picture import Pixels

TITLE = "digitkit"
LONGEST_WAIT_S = 1.0  # for a frame, whatever the times in a video say
QUIT = (ord("q"), ord("Q"), 27)  # and Escape
TRY = f"import cv2; cv2.namedWindow({TITLE!r})"
TRY_S = 30  # for a display that does not answer
Timed = tuple[float | None, Pixels]  # when a frame is due, in seconds since the start; None = at once


@dataclass(frozen=True)
class Screen:
    """Where snapshots go, and who is told of them."""

    snapshots: Path
    say: Callable[[str], None]


def show(frames: Iterable[Timed], watcher: Watcher, view: View, screen: Screen) -> None:
    """Show a film with what is read in it until q is pressed, the window is closed or the film ends.

    Raises: ConfigError where no window can be opened, StoreError when a snapshot cannot be written.
    """
    cv2 = open_cv()
    _check_display()
    began = None
    try:
        for seconds, frame in frames:
            shown = draw(frame, watcher.read(frame), view)
            if began is None:
                began = time.monotonic()
                _open_window(cv2, shown)
            cv2.imshow(TITLE, np.ascontiguousarray(shown[..., ::-1]))
            early_s = 0 if seconds is None else seconds - (time.monotonic() - began)
            key = cv2.waitKey(max(1, round(1000 * min(LONGEST_WAIT_S, early_s)))) & 0xFF
            if key in QUIT or not _is_open(cv2):
                return
            view = press(chr(key).lower(), view, frame, screen)
    finally:
        cv2.destroyAllWindows()


def press(key: str, view: View, frame: Pixels, screen: Screen) -> View:
    """What a key does: the view that follows; s writes a snapshot of the frame."""
    if key == "v":
        return replace(view, model_view=not view.model_view)
    if key == "m":
        return replace(view, mirrored=not view.mirrored)
    if key == "s":
        screen.say(f"Wrote {write_snapshot(frame, screen.snapshots, datetime.now())}")
    return view


def write_snapshot(frame: Pixels, folder: Path, now: datetime) -> Path:
    """The frame as the camera gave it, as PNG under the time of day.

    Raises: StoreError when it cannot be written.
    """
    buffer = BytesIO()
    Image.fromarray(frame).save(buffer, "PNG")
    path = folder / f"snapshot-{now:%Y%m%d-%H%M%S-%f}.png"
    write_bytes(path, buffer.getvalue())
    return path


def _open_window(cv2: ModuleType, shown: Pixels) -> None:
    """A window as large as the picture, without the tools that OpenCV would put around it."""
    with silent_errors():  # the window library looks for fonts that do not come with it, and says so in many lines
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(TITLE, shown.shape[1], shown.shape[0])


def _is_open(cv2: ModuleType) -> bool:
    """Whether nobody has closed the window; some window libraries say so by a number, others by an error."""
    try:
        return bool(cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:
        return False


def _check_display() -> None:
    """Try to open a window in another process: without a display OpenCV's window library ends the process."""
    command = [sys.executable, "-P", "-c", TRY]  # -P: no module of the folder where the verb was started
    try:
        tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRY_S)
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"The display does not answer within {TRY_S} s. Read without one: --headless.") from error
    if tried.returncode < 0:
        raise ConfigError("There is no display to open a window on. Read without one: --headless.")
    if tried.returncode > 0:
        raise ConfigError(
            "This OpenCV cannot open windows. Install opencv-python in place of opencv-python-headless,"
            " or read without a window: --headless."
        )
