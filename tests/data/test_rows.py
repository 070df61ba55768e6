from pathlib import Path

import numpy as np
import pytest

from digitkit.core.picture import Pixels
from digitkit.data import rows
from digitkit.data.rows import join_rows, release, take_rows

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


def test_rows_of_another_shape_are_others_though_their_content_has_one_name(is_large: bool) -> None:
    joined = [join_rows([rows_of_a_shape] * 2, "content") for rows_of_a_shape in (PIXELS, PIXELS.reshape(50, 4, 3))]
    assert [pixels.shape for pixels in joined] == [(100, 3, 4), (100, 4, 3)]


def test_no_rows_at_all_are_rows_too() -> None:
    assert take_rows(PIXELS, np.zeros(0, np.int64), "content").shape == (0, 3, 4)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the kernel's figures in /proc")
def test_rows_that_were_read_give_their_memory_back_and_can_be_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(2**26, dtype=np.uint8).reshape(2**16, 32, 32))
    mapped = np.asarray(np.load(tmp_path / "rows.npy", mmap_mode="r"))[1:]
    total, resident = int(mapped.sum()), resident_bytes()
    release(mapped)
    assert resident - resident_bytes() > 2**25
    assert int(mapped.sum()) == total


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_rows_in_memory_stay_there() -> None:
    kept = PIXELS.copy()
    release(kept)
    assert np.array_equal(kept, PIXELS)
