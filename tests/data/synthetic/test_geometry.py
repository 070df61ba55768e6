"""What makes sure that no number is cut off: the room on the plane, and the layout within it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.data.synthetic.dice import Dice
from digitkit.data.synthetic.drawn import drawn_faces
from digitkit.data.synthetic.layout import Setting, lay_out, thicken
from digitkit.data.synthetic.scene import bounds_of
from digitkit.data.synthetic.warp import Box, Frame, Pose, bend

poses = st.builds(
    Pose,
    turn_deg=st.floats(-20, 20), slant=st.floats(-0.2, 0.2), yaw=st.floats(-0.3, 0.3), pitch=st.floats(-0.2, 0.2),
    bulge=st.floats(0, 0.3), sag=st.floats(-0.15, 0.15), folds=st.integers(0, 5), fold_depth=st.floats(0, 0.12),
)  # fmt: skip
sides = st.integers(16, 200)


@given(poses, sides, sides, st.integers(0, 1000))
def test_what_lies_in_the_safe_room_is_whole_in_the_picture(pose: Pose, high: int, wide: int, seed: int) -> None:
    frame = Frame(high, min(3 * high, max(wide, high // 2)))
    warp = bend(frame, pose, Dice(seed))
    room = warp.safe
    plane = np.zeros(frame.flat, np.uint8)
    if room.width > 8 and room.height > 8:
        plane[round(room.top) : round(room.bottom), round(room.left) : round(room.right)] = 255
    seen = warp.look(plane)
    assert max(float(seen[0].max()), float(seen[-1].max()), float(seen[:, 0].max()), float(seen[:, -1].max())) == 0


@given(poses, st.integers(0, 1000))
def test_each_corner_of_the_safe_room_is_seen(pose: Pose, seed: int) -> None:
    warp = bend(Frame(64, 64), pose, Dice(seed))
    room = warp.safe
    for x, y in ((room.left, room.top), (room.right, room.top), (room.left, room.bottom), (room.right, room.bottom)):
        plane = np.zeros(warp.frame.flat, np.uint8)
        plane[round(y) - 2 : round(y) + 2, round(x) - 2 : round(x) + 2] = 255
        assert float(warp.look(plane).sum()) > 0.2


def test_a_flat_pose_shows_the_plane_as_it_is() -> None:
    frame = Frame(40, 30)
    warp = bend(frame, Pose(), Dice(0))
    plane = np.zeros(frame.flat, np.uint8)
    high, wide = frame.flat
    plane[high // 2 - 20 : high // 2 + 20, wide // 2 - 10 : wide // 2 + 10] = 255
    bounds = bounds_of(warp.look(plane))
    assert (bounds.top, bounds.bottom) == (10, 30)
    assert abs(bounds.left - 10) <= 1
    assert abs(bounds.right - 20) <= 1
    assert float(warp.shade.min()) == float(warp.shade.max()) == 1


@pytest.mark.parametrize("label", ["1", "7", "88", "00", "100", "444"])
@pytest.mark.parametrize(("width", "height"), [(100, 100), (40, 200), (300, 60), (20, 20)])
def test_a_number_is_laid_inside_its_room_whole(label: str, width: int, height: int) -> None:
    room = Box(50, 40, 50 + width, 40 + height)
    setting = Setting(fill=1.0, weight=0.03, border=0.05, bounce=0.04, uneven=0.1, gap=0.2)
    for seed, face in enumerate(drawn_faces()[::5]):
        canvas = np.zeros((300, 420), np.uint8)
        box = lay_out(label, face, room, canvas, setting, Dice(seed))
        bounds = bounds_of(canvas / np.float32(255))
        assert room.left < box.left <= bounds.left + 1
        assert room.top < box.top <= bounds.top + 1
        assert bounds.right - 1 <= box.right < room.right
        assert bounds.bottom - 1 <= box.bottom < room.bottom
        assert room.left <= bounds.left
        assert room.top <= bounds.top
        assert bounds.right <= room.right
        assert bounds.bottom <= room.bottom
        assert bounds.bottom - bounds.top > 0.15 * min(height, width)


def test_thickening_adds_as_much_on_every_side() -> None:
    mask = np.zeros((31, 31), np.uint8)
    mask[15, 15] = 255
    thick = thicken(mask, 5)
    assert [int(thick[15, 10]), int(thick[15, 20]), int(thick[10, 15]), int(thick[20, 15])] == [255] * 4
    assert int(thick[15, 9]) == int(thick[9, 15]) == 0
    assert int(thick[10, 10]) == 0  # no square


def test_a_stroke_that_is_thickened_and_thinned_is_as_it_was() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 12:28] = 255
    assert (thicken(thicken(mask, 3), -3) == mask).all()


def test_half_a_pixel_is_half_as_dark() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[:, 4:] = 255
    assert 120 <= int(thicken(mask, 0.5)[4, 3]) <= 135
