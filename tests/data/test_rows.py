from pathlib import Path

import numpy as np
import pytest

from digitkit.core.picture import Pixels
from digitkit.data import rows
from digitkit.data.rows import join_rows, take_rows

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 3, 4), np.uint8)
ORDER = np.random.default_rng(1).permutation(50)[:40]


@pytest.fixture(params=[False, True], ids=["in memory", "on disk"])
def is_large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param:
        monkeypatch.setattr(rows, "LARGE_BYTES", 100)
        monkeypatch.setattr(rows, "PIECE", 7)
    return bool(request.param)


def is_on_disk(pixels: Pixels) -> bool:
    return isinstance(pixels.base, np.memmap)


def test_chosen_rows_come_in_their_order_and_many_of_them_lie_on_disk(is_large: bool, cache: Path) -> None:
    taken = take_rows(PIXELS, ORDER, "content")
    assert np.array_equal(taken, PIXELS[ORDER])
    assert is_on_disk(taken) == is_large
    assert cache.exists() == is_large


def test_joined_rows_come_one_behind_the_other_and_many_of_them_lie_on_disk(is_large: bool) -> None:
    joined = join_rows([PIXELS[:20], PIXELS[20:]], "content")
    assert np.array_equal(joined, PIXELS)
    assert is_on_disk(joined) == is_large


def test_no_rows_at_all_are_rows_too() -> None:
    assert take_rows(PIXELS, np.zeros(0, np.int64), "content").shape == (0, 3, 4)
