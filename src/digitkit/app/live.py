"""The window of the camera on the screen: keys, snapshots, and an end."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from digitkit.app.frames import open_cv
from digitkit.app.watching import Watcher
from digitkit.app.window import View, draw
from digitkit.core.errors import ConfigError
from digitkit.core.files import write_bytes
from digitkit.core.picture import Pixels

TITLE = "digitkit"
WAIT_MS = 1
QUIT = (ord("q"), 27)  # and Escape


@dataclass(frozen=True)
class Screen:
    """Where snapshots go, and who is told of them."""

    snapshots: Path
    say: Callable[[str], None]


def show(frames: Iterable[Pixels], watcher: Watcher, view: View, screen: Screen) -> None:
    """Show a film with what is read in it until q is pressed, the window is closed or the film ends.

    Raises: ConfigError where no window can be opened, StoreError when a snapshot cannot be written.
    """
    cv2 = open_cv()
    _check_display()
    try:
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        for frame in frames:
            shown = draw(frame, watcher.read(frame), view)
            cv2.imshow(TITLE, np.ascontiguousarray(shown[..., ::-1]))
            key = cv2.waitKey(WAIT_MS) & 0xFF
            if key in QUIT or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                return
            view = press(chr(key), view, frame, screen)
        cv2.destroyAllWindows()
    except cv2.error as error:
        raise ConfigError(
            "This OpenCV cannot open windows. Install opencv-python in place of opencv-python-headless,"
            " or read without a window: --headless --json."
        ) from error


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


def _check_display() -> None:
    """Without a display OpenCV's window library ends the whole process instead of raising an error."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ConfigError("There is no display to open a window on. Read without one: --headless --json.")
