import gzip
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import SourceError
from digitkit.data.pickled import read_arrays

ARRAYS = (np.arange(12, dtype=np.float32).reshape(3, 4), np.array([1, 2, 3]))
AMPLE = 10**6


def packed(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


class Hostile:
    """What an attacker would put into a pickle."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def as_numpy_1(content: bytes) -> bytes:
    """The same pickle as numpy 1 wrote it."""
    return content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def as_python_2(content: bytes) -> bytes:
    """The same pickle as Python 2 wrote it, whose strings were bytes."""
    older = bytearray(as_numpy_1(content))
    for code, _, position in pickletools.genops(bytes(older)):
        if position is not None and code.name in ("BINBYTES", "SHORT_BINBYTES"):
            older[position] = ord("T" if code.name == "BINBYTES" else "U")
    return bytes(older)


@pytest.mark.parametrize("spell", [bytes, as_numpy_1, as_python_2])
def test_arrays_are_read_from_the_pickles_of_every_numpy(tmp_path: Path, spell: Callable[[bytes], bytes]) -> None:
    content = spell(pickle.dumps((ARRAYS, [ARRAYS[1]]), protocol=3))
    read = read_arrays(packed(tmp_path / "p.gz", content), AMPLE)
    assert isinstance(read, tuple)
    assert np.array_equal(read[0][0], ARRAYS[0])
    assert np.array_equal(read[1][0], ARRAYS[1])


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Hostile(print, "owned"), protocol=2),
        pickle.dumps(Hostile(eval, "open('owned', 'w')"), protocol=0),
        pickle.dumps((ARRAYS, Hostile(exec, "raise SystemExit")), protocol=4),
        pickle.dumps(np.load, protocol=2),
        pickle.dumps(np.random.default_rng(), protocol=2),
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy\nndarray.__class__\n.",
    ],
    ids=["print", "eval", "exec", "numpy.load", "generator", "numpy by hand", "attribute of an admitted name"],
)
def test_any_other_name_is_refused_before_it_is_used(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="which is no part of an array"):
        read_arrays(packed(tmp_path / "p.gz", content), AMPLE)
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["p.gz"]


def test_more_bytes_than_expected_are_not_read(tmp_path: Path) -> None:
    content = pickle.dumps(np.zeros(100_000), protocol=3)
    path = packed(tmp_path / "p.gz", content)
    with pytest.raises(SourceError, match="more bytes than it should"):
        read_arrays(path, len(content) - 1)
    assert isinstance(read_arrays(path, len(content)), np.ndarray)


def test_damage_anywhere_is_our_error_and_never_another(tmp_path: Path) -> None:
    content = pickletools.optimize(pickle.dumps((np.arange(3), [np.eye(2, order="F")]), protocol=3))
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(content)
        damaged[int(rng.integers(len(content)))] = int(rng.integers(256))
        try:
            read_arrays(packed(tmp_path / "p.gz", bytes(damaged)), AMPLE)
            outcomes.add("read")
        except SourceError:
            outcomes.add("refused")
    assert "refused" in outcomes


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"\x80\x02")[:-6]], ids=["empty", "plain", "cut"])
def test_a_file_that_is_not_packed_whole_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.gz").write_bytes(content)
    with pytest.raises(SourceError, match=r"p\.gz"):
        read_arrays(tmp_path / "p.gz", AMPLE)
