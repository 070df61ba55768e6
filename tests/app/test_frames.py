"""Frames as they come from a camera or a video."""

import sys
from pathlib import Path

import numpy as np
import pytest

from digitkit.app.frames import film, open_cv
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels


class Capture:
    """Two blue frames, as OpenCV gives them: BGR, and a camera's time counts from the start of the machine."""

    def __init__(self) -> None:
        self.left = 2

    def read(self) -> tuple[bool, Pixels | None]:
        self.left -= 1
        return (True, np.full((4, 6, 3), (200, 0, 0), np.uint8)) if self.left >= 0 else (False, None)

    def get(self, what: int) -> float:
        return 61_000_000.0 + 40 * (1 - self.left)


@pytest.mark.parametrize("is_live", [True, False], ids=["camera", "video"])
def test_frames_have_their_colours_and_a_time(is_live: bool) -> None:
    times, frames = zip(*film(Capture(), is_live), strict=True)
    assert [frame[0, 0].tolist() for frame in frames] == [[0, 0, 200]] * 2
    assert times[0] <= times[1]
    assert (max(times) < 60) == is_live


def test_an_opencv_that_lacks_a_library_of_the_system_is_told_apart_from_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    with pytest.raises(ConfigError, match=r"does not load \(libGL.so.1.*apt install libgl1"):
        open_cv()
