"""Pictures go through the graph in batches of one size that are never too large, and lose no place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.core.errors import PictureError
from digitkit.core.picture import Pixels
from digitkit.runtime.batch import MAX_BATCH, MAX_BATCH_BYTES, WINDOW, WINDOW_BYTES, batches, stack_batches, windows


def blank(height: int, width: int) -> Pixels:
    return np.zeros((height, width, 3), np.uint8)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=40))
def test_every_picture_is_in_one_batch_of_its_size(sizes: list[tuple[int, int]]) -> None:
    pictures = [np.full((*size, 3), place, np.uint8) for place, size in enumerate(sizes)]
    seen: dict[int, Pixels] = {}
    for places, pixels, window in batches(pictures):
        assert len(places) == len(pixels)
        assert window == len(pictures)
        seen |= dict(zip(places.tolist(), pixels, strict=True))
    assert sorted(seen) == list(range(len(pictures)))
    assert all(np.array_equal(seen[place], picture) for place, picture in enumerate(pictures))


def test_equal_sizes_share_a_batch() -> None:
    pictures = [blank(2, 3), blank(3, 2), blank(2, 3)]
    assert [batch.places.tolist() for batch in batches(pictures)] == [[0, 2], [1]]


def test_a_batch_has_a_limited_number_of_pictures() -> None:
    sizes = [len(batch.pixels) for batch in batches([blank(1, 1)] * (MAX_BATCH + 5))]
    assert sizes == [MAX_BATCH, 5]


def test_a_batch_has_a_limited_number_of_bytes() -> None:
    large = [batch.pixels for batch in batches([blank(500, 500)] * 20)]
    assert sum(len(pixels) for pixels in large) == 20
    assert max(pixels.nbytes for pixels in large) <= MAX_BATCH_BYTES


def test_one_picture_over_the_limit_is_a_batch_of_its_own() -> None:
    assert [len(batch.pixels) for batch in batches([blank(1024, 1500)] * 2)] == [1, 1]


def test_windows_keep_the_order_and_are_limited_in_number_and_bytes() -> None:
    many = [np.full((1, 1, 3), place % 256, np.uint8) for place in range(2 * WINDOW + 3)]
    groups = list(windows(iter(many)))
    assert [len(group) for group in groups] == [WINDOW, WINDOW, 3]
    assert [int(picture[0, 0, 0]) for group in groups for picture in group] == [n % 256 for n in range(len(many))]
    photos = list(windows(blank(1024, 1024) for _ in range(15)))
    assert all(sum(photo.nbytes for photo in group) < WINDOW_BYTES + 1024 * 1024 * 3 for group in photos)
    assert len(photos) > 1


def test_no_pictures_make_no_windows() -> None:
    assert list(windows([])) == []


def test_a_stack_is_cut_into_batches_that_are_windows_of_their_own() -> None:
    stack = np.arange(MAX_BATCH + 3, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    found = list(stack_batches(stack))
    assert [(len(batch.pixels), batch.window) for batch in found] == [(MAX_BATCH, MAX_BATCH), (3, 3)]
    assert [batch.places.tolist() for batch in found] == [list(range(MAX_BATCH)), [0, 1, 2]]
    joined = np.concatenate([batch.pixels for batch in found])
    assert np.array_equal(joined, np.repeat(stack[..., None], 3, axis=3))


def test_a_stack_of_empty_pictures_says_what_is_wrong_with_them() -> None:
    with pytest.raises(PictureError, match="pictures from 0"):
        list(stack_batches(np.zeros((2, 0, 5), np.uint8)))
