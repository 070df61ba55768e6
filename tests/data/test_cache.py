import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import StoreError
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import Array, cached_rows, key_of

PIXELS = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
Make = Callable[[], Mapping[str, Array]]


def make() -> dict[str, Array]:
    return {"pixels": PIXELS, "labels": np.array([7, 1]), "names": np.array(["seven", "one"])}


def never() -> dict[str, Array]:
    raise AssertionError("these arrays are in the cache")


def cached_arrays(key: str, make: Make) -> dict[str, Array]:
    """What `make` gives, each array in one piece."""

    def fill(writer: ArrayWriter) -> None:
        for name, array in make().items():
            writer.append(name, array)

    return cached_rows(key, fill)


def entry(cache: Path) -> Path:
    return cache / "arrays" / "key"


def test_arrays_come_back_as_they_were_made() -> None:
    arrays = cached_arrays("key", make)
    assert {name: array.tolist() for name, array in arrays.items()} == {n: a.tolist() for n, a in make().items()}
    assert arrays["pixels"].dtype == np.uint8


def test_arrays_are_made_once() -> None:
    cached_arrays("key", make)
    assert cached_arrays("key", never)["labels"].tolist() == [7, 1]


def test_arrays_stay_on_the_disk_and_cannot_be_changed() -> None:
    array = cached_arrays("key", make)["pixels"]
    assert isinstance(array.base, np.memmap)
    assert not array.flags.writeable


def test_an_empty_array_is_an_array_too() -> None:
    arrays = cached_arrays("key", lambda: {"none": np.zeros((0, 28, 28), np.uint8)})
    assert arrays["none"].shape == (0, 28, 28)


def test_rows_that_come_piece_by_piece_make_one_array() -> None:
    def fill(writer: ArrayWriter) -> None:
        for start in range(0, 1_000, 100):
            writer.append("squares", np.arange(start, start + 100) ** 2)

    assert np.array_equal(cached_rows("key", fill)["squares"], np.arange(1_000) ** 2)


def test_rows_that_come_in_any_order_find_their_place() -> None:
    def fill(writer: ArrayWriter) -> None:
        pixels = writer.lay_out("pixels", (100, 2, 2), np.uint8)
        for index in np.random.default_rng(0).permutation(100):
            pixels[index] = index
        writer.append("labels", np.arange(3))

    arrays = cached_rows("key", fill)
    assert arrays["pixels"][:, 1, 0].tolist() == list(range(100))
    assert arrays["labels"].tolist() == [0, 1, 2]
    assert np.array_equal(cached_arrays("key", never)["pixels"], arrays["pixels"])


@pytest.mark.parametrize("shape", [(0, 28, 28), (5,), (3, 0)])
def test_an_array_of_any_shape_can_be_laid_out(shape: tuple[int, ...]) -> None:
    def fill(writer: ArrayWriter) -> None:
        writer.lay_out("zeros", shape, np.int64)

    zeros = cached_rows("key", fill)["zeros"]
    assert (zeros.shape, str(zeros.dtype), bool(zeros.any())) == (shape, "int64", False)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "pixels.npy").write_bytes(b""),
        lambda folder: (folder / "pixels.npy").write_bytes((folder / "pixels.npy").read_bytes()[:-1] + b"x"),
        lambda folder: os.truncate(folder / "pixels.npy", 130),
        lambda folder: (folder / "labels.npy").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text('{"format": 999, "arrays": {}}'),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").unlink(),
    ],
    ids=["emptied", "one byte", "cut", "array gone", "half a manifest", "another format", "no record", "no manifest"],
)
def test_a_damaged_entry_is_made_again(cache: Path, damage: Callable[[Path], None]) -> None:
    cached_arrays("key", make)
    damage(entry(cache))
    assert np.array_equal(cached_arrays("key", make)["pixels"], PIXELS)
    assert np.array_equal(cached_arrays("key", never)["pixels"], PIXELS)


def test_a_copied_cache_is_still_good(cache: Path) -> None:
    cached_arrays("key", make)
    for path in entry(cache).glob("*.npy"):
        os.utime(path, ns=(0, 0))
    assert np.array_equal(cached_arrays("key", never)["pixels"], PIXELS)


def test_an_array_of_python_objects_is_never_read(cache: Path) -> None:
    cached_arrays("key", make)
    target = entry(cache) / "pixels.npy"
    np.save(target, np.array([print], object), allow_pickle=True)
    manifest = json.loads((entry(cache) / "manifest.json").read_text())
    status = target.stat()
    manifest["arrays"]["pixels"] |= {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    (entry(cache) / "manifest.json").write_text(json.dumps(manifest))
    assert np.array_equal(cached_arrays("key", make)["pixels"], PIXELS)


def test_when_making_fails_nothing_is_kept(cache: Path) -> None:
    def fail(writer: ArrayWriter) -> None:
        writer.append("pixels", PIXELS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_rows("key", fail)
    assert [path.name for path in (cache / "arrays").iterdir()] == [".key.lock"]


def test_what_a_killed_process_left_does_not_get_into_the_entry(cache: Path) -> None:
    left = cache / "arrays" / ".key.new"
    left.mkdir(parents=True)
    (left / "old.npy").write_bytes(b"half")
    cached_arrays("key", make)
    assert sorted(path.name for path in entry(cache).iterdir()) == [
        "labels.npy",
        "manifest.json",
        "names.npy",
        "pixels.npy",
    ]
    assert not left.exists()


def test_of_several_at_once_one_makes_the_entry() -> None:
    made: list[int] = []

    def note_and_make() -> dict[str, Array]:
        made.append(1)
        return make()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: cached_arrays("key", note_and_make)["pixels"].sum(), range(8)))
    assert results == [PIXELS.sum()] * 8
    assert made == [1]


def test_of_two_processes_one_makes_the_entry(tmp_path: Path) -> None:
    code = """
import os, sys
import numpy as np
from digitkit.data.cache import cached_rows

def fill(writer):
    with open(sys.argv[1], "a") as log:
        log.write("made\\n")
    writer.append("ones", np.ones(1_000_000))

assert cached_rows("shared", fill)["ones"].sum() == 1_000_000
"""
    log = tmp_path / "log"
    search = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen([sys.executable, "-c", code, log], env=search) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert log.read_text() == "made\n"


def test_a_cache_that_cannot_be_written_is_said_plainly(cache: Path) -> None:
    cache.mkdir()
    (cache / "arrays").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="Choose another place"):
        cached_arrays("key", make)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_leaves_nothing_half_written(cache: Path) -> None:
    def fill(writer: ArrayWriter) -> None:
        (cache / "arrays" / ".key.new" / "pixels.npy").symlink_to("/dev/full")
        writer.append("pixels", np.zeros((100_000, 3), np.uint8))

    with pytest.raises(StoreError, match="Free some space"):
        cached_rows("key", fill)
    assert not entry(cache).exists()
    assert not (cache / "arrays" / ".key.new").exists()


def test_a_key_depends_on_every_fact() -> None:
    keys = {key_of("a", 1), key_of("a", "1"), key_of("a1"), key_of("a", 1, None)}
    assert len(keys) == 4
    assert key_of("a", 1) in keys
