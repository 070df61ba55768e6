"""MATLAB's files, written here by scipy: what both read is the same, and damage is one message."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitkit.core.errors import SourceError
from digitkit.data.matlab import read_matlab

io = pytest.importorskip("scipy.io")
PIXELS = np.arange(4 * 5 * 3 * 6, dtype=np.uint8).reshape(4, 5, 3, 6)
LABELS = np.array([[1], [10], [3]], np.uint8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with pictures and labels that are not packed, so that a change meets what is looked at."""
    path = tmp_path_factory.mktemp("matlab") / "whole.mat"
    io.savemat(path, {"y": LABELS, "X": PIXELS}, do_compression=False)
    return path


def read(path: Path) -> dict[str, NDArray[np.generic]]:
    """Every array of a file."""
    return {
        array.name: array.read(int(np.prod(array.shape))).reshape(array.shape, order="F") for array in read_matlab(path)
    }


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["u1", "i2", "f4", "f8", "u4"])
def test_arrays_of_numbers_are_what_scipy_wrote(tmp_path: Path, packed: bool, kind: str) -> None:
    arrays = {"X": PIXELS, "y": LABELS.astype(kind), "a_long_name_of_an_array": np.arange(7.0)[None]}
    io.savemat(tmp_path / "a.mat", arrays, do_compression=packed)
    found = read(tmp_path / "a.mat")
    assert set(found) == set(arrays)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert found["y"].dtype == arrays["y"].dtype


def test_what_is_no_plain_array_is_passed_over(tmp_path: Path) -> None:
    io.savemat(tmp_path / "a.mat", {"text": "words", "record": {"a": 1}, "wave": np.ones((2, 2)) * 1j, "y": LABELS})
    assert set(read(tmp_path / "a.mat")) == {"y"}


def test_an_array_can_be_read_in_pieces(tmp_path: Path) -> None:
    io.savemat(tmp_path / "a.mat", {"X": PIXELS, "y": LABELS}, do_compression=True)
    array = next(read_matlab(tmp_path / "a.mat"))
    pieces = [array.read(60) for _ in range(6)]
    assert np.array_equal(np.concatenate(pieces), PIXELS.ravel(order="F"))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kept", [0, 100, 130, 150, 190, 250])
def test_a_file_that_was_cut_is_one_error(tmp_path: Path, packed: bool, kept: int) -> None:
    io.savemat(tmp_path / "a.mat", {"X": PIXELS}, do_compression=packed)
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:kept])
    with pytest.raises(SourceError, match=r"a\.mat is damaged or no MATLAB file"):
        read(tmp_path / "a.mat")


def test_a_small_file_cannot_unpack_to_more_than_its_header_says(tmp_path: Path) -> None:
    io.savemat(tmp_path / "a.mat", {"y": LABELS}, do_compression=False)
    whole = (tmp_path / "a.mat").read_bytes()
    packed = zlib.compress(whole[128:] + bytes(10**7))
    (tmp_path / "a.mat").write_bytes(
        whole[:128] + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    )
    assert np.array_equal(read(tmp_path / "a.mat")["y"], LABELS)


@given(changes=st.lists(st.tuples(st.integers(128, 260), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_was_changed_in_a_header_is_read_or_refused(whole: Path, changes: list[tuple[int, int]]) -> None:
    content = bytearray(whole.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    changed = whole.with_name("changed.mat")
    changed.write_bytes(content)
    try:
        names = set(read(changed))
    except SourceError:
        names = set()
    assert len(names) <= 2
