import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import HashMismatch, SourceError
from digitkit.data import small
from digitkit.data.small import read_optdigits, read_usps

NOWHERE = Path()


def test_optdigits_are_what_scikit_learn_gives() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    values, labels = datasets.load_digits(return_X_y=True)
    expected = sorted((int(label), *map(int, picture)) for picture, label in zip(values, labels, strict=True))
    parts = [read_optdigits(NOWHERE, part) for part in ("train", "test")]
    found = sorted(
        (int(label), *np.rint(picture.astype(float).ravel() * 16 / 255).astype(int).tolist())
        for part in parts
        for picture, label in zip(map(part.pictures.__getitem__, range(len(part))), part.labels, strict=True)
    )
    assert found == expected


def test_the_parts_of_optdigits_keep_the_share_of_each_class() -> None:
    train, test = (read_optdigits(NOWHERE, part).counts() for part in ("train", "test"))
    assert (sum(train.values()), sum(test.values())) == (1438, 359)
    assert all(abs(test[name] / (test[name] + train[name]) - 0.2) < 0.01 for name in train)


def test_without_scikit_learn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "CARRIER", "a_package_that_nobody_has")
    with pytest.raises(SourceError, match=r"digitkit\[train\]"):
        read_optdigits(NOWHERE, "train")


@pytest.mark.parametrize(
    ("content", "error"), [(gzip.compress(b"1,2"), HashMismatch), (b"plain", SourceError)], ids=["gzip", "plain"]
)
def test_another_file_in_its_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, error: type[Exception]
) -> None:
    (tmp_path / "carrier" / small.OPTDIGITS.parent).mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").touch()
    (tmp_path / "carrier" / small.OPTDIGITS).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(small, "CARRIER", "carrier")
    with pytest.raises(error, match="Install scikit-learn again"):
        read_optdigits(NOWHERE, "train")


def usps(folder: Path, *lines: str) -> Path:
    """A training file of USPS with these lines."""
    (folder / "usps.bz2").write_bytes(bz2.compress("".join(f"{line}\n" for line in lines).encode()))
    return folder


def test_usps_is_what_scikit_learn_reads(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    rng = np.random.default_rng(0)
    values = np.where(rng.random((20, 256)) < 0.2, 0, rng.uniform(-1, 1, (20, 256)).round(4))
    datasets.dump_svmlight_file(values, np.arange(20) % 10 + 1, str(tmp_path / "usps.txt"), zero_based=False)
    usps(tmp_path, *(tmp_path / "usps.txt").read_text().splitlines())
    digits = read_usps(tmp_path, "train")
    assert digits.labels.tolist() == list(range(10)) * 2
    expected = np.rint((values + 1) * 127.5).astype(np.uint8).reshape(20, 16, 16)
    assert all(np.array_equal(digits.pictures[index], expected[index]) for index in range(20))


def test_in_usps_minus_one_is_paper_and_one_is_ink(tmp_path: Path) -> None:
    cells = " ".join(f"{place}:{1 if place == 2 else -1}" for place in range(1, 257))
    picture = read_usps(usps(tmp_path, f"1 {cells}"), "train").pictures[0]
    assert picture[0].tolist() == [0, 255] + [0] * 14


@pytest.mark.parametrize(
    "line",
    [
        "",
        "0 1:0",
        "11 1:0",
        "1.5 1:0",
        "1 0:0.5",
        "1 257:0.5",
        "1 1.5:0",
        "1 1:2",
        "1 1:nan",
        "1 1:",
        "1 x:1",
        "1e400 1:0",
    ],
)
def test_a_damaged_line_of_usps_is_one_error_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(SourceError, match=r"usps\.bz2, line 2: expected a label from 1 to 10"):
        read_usps(usps(tmp_path, "5 1:-1 256:1", line), "train")
