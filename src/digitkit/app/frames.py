"""The frames of a camera or of a video file, by OpenCV (the extra `webcam`)."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from digitkit.core.errors import ConfigError, PictureError
from digitkit.core.picture import Pixels, decode

CAPTURE_TIME_MS = 0  # CAP_PROP_POS_MSEC


def open_cv() -> ModuleType:
    """The library of cameras and windows.

    Raises: ConfigError when it is not installed, or lacks a library of the system.
    """
    try:
        return import_module("cv2")  # not a plain import: its types are not there where the extra is not
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Cameras, windows and video files need OpenCV. Install it with: pip install 'digitkit[webcam]'."
            " A folder of frames needs nothing more: --source FOLDER --headless."
        ) from error
    except ImportError as error:
        raise ConfigError(
            f"OpenCV is installed but does not load ({error}). On Debian: apt install libgl1 libglib2.0-0."
        ) from error


@contextmanager
def opened(source: Path | int) -> Iterator[Any]:
    """An open camera (its number) or video file.

    Raises: ConfigError when there is no such camera, PictureError when the file is no video.
    """
    cv2 = open_cv()
    with silent_errors():  # OpenCV and its plugins say on standard error, in many lines, what we say in one
        capture = cv2.VideoCapture(source if isinstance(source, int) else os.fspath(source))
        works = capture.isOpened()
    try:
        if not works:
            raise _not_opened(source)
        yield capture
    finally:
        capture.release()


def film(capture: Any, is_live: bool) -> Iterator[tuple[float, Pixels]]:
    """Each frame with its time in seconds since the start, uint8 (H,W,3) RGB, longest side at most 1,024 px."""
    began = time.monotonic()
    while True:
        came, frame = capture.read()
        if not came or frame is None:
            return
        # Of a camera OpenCV tells the time since the machine was started, or none.
        seconds = time.monotonic() - began if is_live else capture.get(CAPTURE_TIME_MS) / 1000
        colours = frame[..., ::-1] if frame.ndim == 3 else frame
        yield seconds, decode(np.ascontiguousarray(colours), "frame")


def _not_opened(source: Path | int) -> ConfigError | PictureError:
    """What to say when nothing opens."""
    if isinstance(source, int):
        return ConfigError(
            f"Camera {source} cannot be opened: there is none, another program has it, or it may not be used."
            " Try another number (--camera 1), or give a video or a folder of frames (--source)."
        )
    return PictureError(f"{source}: not a video that can be read. Give MP4, AVI, MKV or WebM, or a folder of frames.")


@contextmanager
def silent_errors() -> Iterator[None]:
    """What native code writes to standard error meanwhile goes nowhere."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
