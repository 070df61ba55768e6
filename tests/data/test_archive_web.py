import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.core.errors import FetchError, HashMismatch, SourceError
from digitkit.core.files import make_folder
from digitkit.data import drive
from digitkit.data.catalogue import find_source
from digitkit.data.drive import download
from digitkit.data.fetch import fetch, read_part
from digitkit.data.splits import SplitPlan, build
from digitkit.data.stock import is_here, source_folder
from tests.data.conftest import UNREACHABLE, Lines, Mirror
from tests.data.split_sources import source
from tests.fixtures.zips import pack, picture

DRIVE_LINK = "https://drive.google.com/file/d/1a2b3c4d5e6f7g8h9i0j1a2b3c4d/view"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "digits.zip"


def test_an_archive_from_the_web_is_fetched_once_and_pinned(mirror: Mirror, path: Path) -> None:
    parts = {f"{part}/{label}/x.png": picture(label) for label, part in enumerate(("train", "test"))}
    mirror.files["set.zip"] = pack(path, {**parts, "train/1/y.png": picture(9)}).read_bytes()
    spec = f"archive:{mirror.url('set.zip')}"
    assert not is_here(find_source(spec))
    lines = Lines()
    splits = build(SplitPlan((spec,), val_size=0), lines)
    assert splits.report.counts == {"primary": 2, "extra": 0, "val": 0, "test": 1}
    assert "no sha256 is published for pictures.zip" in lines.text
    assert splits.primary.origins[0] == "set/train/train/0/x.png"
    build(SplitPlan((spec,), val_size=0, offline=True))
    assert [name for name, _ in mirror.requests] == ["set.zip"]
    mirror.files["set.zip"] = pack(path, {"a_label3.png": picture()}).read_bytes()
    (fetch(find_source(spec)) / "pictures.zip").write_bytes(b"altered")
    with pytest.raises(HashMismatch, match="the first one seen is kept"):
        fetch(find_source(spec))


def test_an_archive_from_the_web_is_inspected_part_by_part_the_first_time_too(mirror: Mirror, path: Path) -> None:
    parts = {f"{part}/{label}/x.png": picture(label) for label, part in enumerate(("train", "test"))}
    mirror.files["set.zip"] = pack(path, parts).read_bytes()
    answer = CliRunner().invoke(app, ["data", "inspect", f"archive:{mirror.url('set.zip')}", "--json"])
    assert answer.exit_code == 0, answer.output
    inspected = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["part"] for line in inspected if "part" in line] == ["train", "test"]


@pytest.mark.parametrize("verb", ["inspect", "fetch"])
def test_a_part_of_an_archive_from_the_web_is_found_the_first_time_too(mirror: Mirror, path: Path, verb: str) -> None:
    parts = {f"{part}/{label}/x.png": picture(label) for label, part in enumerate(("train", "test"))}
    mirror.files["set.zip"] = pack(path, parts).read_bytes()
    spec = f"archive:{mirror.url('set.zip')}"
    answer = CliRunner().invoke(app, ["data", verb, spec, "--part", "test", "--json"])
    assert answer.exit_code == 0, answer.output
    answer = CliRunner().invoke(app, ["data", verb, spec, "--part", "val", "--json"])
    assert answer.exit_code == 3
    assert "has no part 'val'. Its parts: train, test." in answer.stderr


def test_the_test_part_of_an_archive_from_the_web_is_read_the_first_time_too(mirror: Mirror, path: Path) -> None:
    parts = {f"{part}/{label}/x.png": picture(label) for label, part in enumerate(("train", "test"))}
    mirror.files["set.zip"] = pack(path, parts).read_bytes()
    found = find_source(f"archive:{mirror.url('set.zip')}")
    assert read_part(found, "test").classes == ("1",)
    with pytest.raises(SourceError, match=r"no part 'val'. Its parts: train, test"):
        read_part(found, "val")


def test_a_page_instead_of_an_archive_is_named_and_never_kept(mirror: Mirror, path: Path) -> None:
    mirror.files["set.zip"] = b"<html>Sign in</html>"
    found = find_source(f"archive:{mirror.url('set.zip')}")
    with pytest.raises(HashMismatch, match="no zip file came, perhaps the page of a login"):
        fetch(found)
    mirror.files["set.zip"] = pack(path, {"a_label3.png": picture()}).read_bytes()
    assert read_part(found, "train").classes == ("3",)


def test_a_page_that_was_put_there_by_hand_is_replaced(mirror: Mirror, path: Path) -> None:
    found, lines = find_source(f"archive:{mirror.url('set.zip')}"), Lines()
    kept = make_folder(source_folder(found)) / "pictures.zip"
    kept.write_bytes(b"<html>Sign in</html>")
    mirror.files["set.zip"] = pack(path, {"a_label3.png": picture()}).read_bytes()
    fetch(found, report=lines)
    assert f"{kept} is no zip file and will be replaced" in lines.text
    assert kept.read_bytes() == path.read_bytes()


def test_an_archive_that_cannot_be_reached_is_one_clear_line() -> None:
    with pytest.raises(FetchError, match="offline switch") as caught:
        fetch(find_source(f"archive:{UNREACHABLE}/set.zip"), offline=True)
    assert "\n" not in str(caught.value)


def test_a_drive_link_without_gdown_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(FetchError, match=r"needs gdown. Run `pip install 'digitkit\[gdrive\]'`"):
        fetch(find_source(f"archive:{DRIVE_LINK}"))


def test_without_gdown_an_extra_source_on_drive_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    lines = Lines()
    mine = source(tmp_path / "mine", {"3": 4, "7": 4})
    splits = build(SplitPlan((mine,), val_size=0, extra=(f"archive:{DRIVE_LINK}",)), lines)
    assert len(splits.extra) == 0
    assert "digitkit[gdrive]" in lines.text
    assert "the run goes on without it" in lines.text


def test_an_altered_archive_from_drive_is_asked_for_again(path: Path) -> None:
    pytest.importorskip("gdown", reason="the extra gdrive is not installed")
    lines = Lines()
    drawn = find_source(f"archive:{DRIVE_LINK}")
    kept = make_folder(source_folder(drawn)) / "pictures.zip"
    pack(kept, {"a_label3.png": picture()})
    fetch(drawn, offline=True)
    kept.write_bytes(b"altered")
    with pytest.raises(FetchError):
        fetch(find_source(f"archive:{DRIVE_LINK}"), report=lines)
    assert "trying Google Drive" in lines.text


def test_a_drive_link_is_asked_of_google_through_gdown(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gdown", reason="the extra gdrive is not installed")
    monkeypatch.setattr(drive, "RETRIES", 0)
    lines = Lines()
    with pytest.raises(FetchError, match="nothing gave it"):
        fetch(find_source(f"archive:{DRIVE_LINK}"), report=lines)
    assert "no file came" in lines.text


def test_what_gdown_gets_is_written_whole_and_bounded(mirror: Mirror, tmp_path: Path) -> None:
    pytest.importorskip("gdown", reason="the extra gdrive is not installed")
    mirror.files["set.zip"] = picture()
    download(mirror.url("set.zip"), tmp_path / "kept.zip")
    assert (tmp_path / "kept.zip").read_bytes() == picture()
    with pytest.raises(FetchError, match="more than the 10 that are taken"):
        download(mirror.url("set.zip"), tmp_path / "large.zip", most_bytes=10)
    with pytest.raises(FetchError, match="no file came"):
        download(mirror.url("absent.zip"), tmp_path / "none.zip")
