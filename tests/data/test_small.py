import gzip
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.errors import HashMismatch, SourceError
from digitkit.data import small
from digitkit.data.small import read_optdigits

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


@pytest.mark.parametrize(("content", "error"), [(gzip.compress(b"1,2"), HashMismatch), (b"plain", SourceError)])
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
