"""Frames as they come from a camera or a video."""

import numpy as np
import pytest

from digitkit.app.frames import film
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
