"""What was prepared is known without reading it again, until anything of it is touched."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.files import cache_folder, make_folder
from digitkit.data import ready
from digitkit.data.cache import cached_rows
from digitkit.data.source import SOURCES
from digitkit.data.stock import source_folder
from tests.data.split_sources import save
from tests.fixtures.toy_source import IMAGES, LABELS, MORE, TOY
from tests.fixtures.zips import pack, picture

FACTS = {"train": 10, "fingerprint": "abc"}
OLD_NS = 10**18  # in 2001: long settled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures that nobody touched for long."""
    for name in "37":
        save(tmp_path / "digits" / name / "a.png", int(name))
    return tmp_path / "digits"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file counts as untouched for long; nobody can set back when a file was last changed."""
    monkeypatch.setattr(ready, "SETTLED_NS", -(10**12))


def note(folder: Path, *more: str) -> list[str]:
    """Leave a note on a folder and return what was asked."""
    asked = [f"data.sources=[folder:{folder}]", *more]
    before, _ = ready.stamps([f"folder:{folder}"])
    cached_rows("images", lambda writer: writer.append("images", np.zeros((3, 2), np.uint8)))
    ready.remember(asked, before, ["images"], FACTS)
    return asked


def test_what_nobody_touched_is_recalled(settled: None, folder: Path) -> None:
    assert ready.recall(note(folder)) == FACTS
    assert ready.recall([]) is None


def touch(folder: Path) -> None:
    os.utime(folder / "3" / "a.png", ns=(OLD_NS, OLD_NS))


def add(folder: Path) -> None:
    shutil.copy(folder / "3" / "a.png", folder / "3" / "b.png")


def remove(folder: Path) -> None:
    (folder / "3" / "a.png").unlink()


def swap(folder: Path) -> None:
    """Exchange two pictures: names, sizes and times stay."""
    first, second = folder / "3" / "a.png", folder / "7" / "a.png"
    first.rename(folder / "other")
    second.rename(first)
    (folder / "other").rename(second)


def clear_cache(folder: Path) -> None:
    shutil.rmtree(cache_folder() / "arrays")


def cut_cache(folder: Path) -> None:
    os.truncate(cache_folder() / "arrays" / "images" / "images.npy", 10)


def spoil_note(folder: Path) -> None:
    for path in (cache_folder() / "prepared").iterdir():
        path.write_text("[]")


@pytest.mark.parametrize("change", [touch, add, remove, swap, clear_cache, cut_cache, spoil_note])
def test_whatever_is_touched_is_prepared_again(settled: None, folder: Path, change: Callable[[Path], None]) -> None:
    asked = note(folder)
    change(folder)
    assert ready.recall(asked) is None


def test_a_picture_that_was_written_just_now_leaves_no_note(folder: Path) -> None:
    assert ready.recall(note(folder)) is None


def test_a_picture_that_changes_while_it_is_prepared_leaves_no_note(settled: None, folder: Path) -> None:
    before, _ = ready.stamps([f"folder:{folder}"])
    touch(folder)
    ready.remember(["asked"], before, [], FACTS)
    assert ready.recall(["asked"]) is None


def test_a_source_that_comes_with_a_package_is_recalled_by_its_name() -> None:
    before, newest_ns = ready.stamps(["optdigits"])
    ready.remember(["experiment=tiny"], before, [], FACTS)
    assert ready.recall(["experiment=tiny"]) == FACTS
    assert newest_ns == 0


def test_a_source_whose_files_are_gone_is_not_recalled() -> None:
    before, _ = ready.stamps(["mnist"])
    ready.remember(["experiment=fast"], before, [], FACTS)
    assert ready.recall(["experiment=fast"]) is None


@pytest.mark.parametrize("spec", ["archive:https://example.invalid/a.zip", "folder:nowhere", "nothing of this name"])
def test_of_a_source_whose_state_cannot_be_told_there_is_no_note(spec: str) -> None:
    before, _ = ready.stamps([spec])
    ready.remember(["asked"], before, [], FACTS)
    assert before == {spec: ""}
    assert ready.recall(["asked"]) is None


def test_annotations_stand_for_the_pictures_beside_them(settled: None, folder: Path) -> None:
    (folder / "rows.jsonl").write_text("{}\n")
    before, _ = ready.stamps([f"jsonl:{folder / 'rows.jsonl'}"])
    touch(folder)
    assert ready.stamps(before)[0] != before


def test_a_zip_on_this_disk_is_recalled_until_it_is_touched(settled: None, tmp_path: Path) -> None:
    path = pack(tmp_path / "digits.zip", {"a_7.png": picture()})
    before, _ = ready.stamps([rf"archive:{path}#_(\d)$"])
    ready.remember(["asked"], before, [], FACTS)
    assert ready.recall(["asked"]) == FACTS
    pack(path, {"b_7.png": picture()})
    assert ready.recall(["asked"]) is None


@pytest.mark.parametrize(("spec", "lacking"), [("toy", "images"), ("toy/extra", "more")])
def test_only_the_files_that_are_used_must_be_here(monkeypatch: pytest.MonkeyPatch, spec: str, lacking: str) -> None:
    monkeypatch.setitem(SOURCES._entries, "toy", TOY)
    folder = make_folder(source_folder(TOY))
    for name, content in (("images", IMAGES), ("labels", LABELS), ("more", MORE)):
        if name != "more" or "/" in spec:
            (folder / name).write_bytes(content)
    ready.remember(["asked"], ready.stamps([spec])[0], [], FACTS)
    assert ready.recall(["asked"]) == FACTS
    (folder / lacking).unlink()
    assert ready.recall(["asked"]) is None


def test_an_experiment_in_a_file_is_known_by_what_stands_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    places = []
    for size in (20, 32, 20):
        file.write_text(f"prepare: {{size: {size}}}")
        places.append(ready._place([f"experiment={file}"]))
    assert places[0] == places[2] != places[1]
