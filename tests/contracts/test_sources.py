"""Contract of every source, present and future: published facts, labels, ink, orientation, the same each time.

No test has a network. Each source reads a tiny file that is written here in its publisher's format (`SAMPLES`); the
real files are read only where `DIGITKIT_TEST_CACHE` names a cache folder that has them.
"""

import os
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import FetchError, SourceError
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.data import drawings
from digitkit.data.catalogue import SOURCES, find_source
from digitkit.data.fetch import fetch
from digitkit.data.fingerprint import marks_of
from digitkit.data.npz_records import RECORDS
from digitkit.data.source import MIXED, PARTS, Source
from digitkit.data.statistics import describe
from digitkit.data.stock import is_here, missing, source_folder
from tests.fixtures.formats import SAMPLES, Pictures, Sample, coloured
from tests.strokes import draw_digits

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"
NO_HASH_PUBLISHED = ("optdigits-orig",)
PUT_THERE_BY_HAND = tuple(record.name for record in RECORDS.values())
every_source = pytest.mark.parametrize("name", SOURCES)
every_format = pytest.mark.parametrize("name", SAMPLES)


def read(source: Source) -> dict[str, DigitSet]:
    """Every part of a source that is here; its extra part may not be."""
    needed = [part for part in source.parts if not missing(source, (part,))]
    return {part: source.read(source_folder(source), part) for part in needed}


def contents(digits: DigitSet) -> list[tuple[str, bytes]]:
    """The label and the pixels of every picture, in order."""
    return [(label, picture.tobytes()) for picture, label in digits]


def write_sample(source: Source, sample: Sample, folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Write every file of a source, other drawings in each part; returns the contents that should be read of it."""
    parts: dict[str, Pictures] = {}
    for number, part in enumerate(source.parts):
        drawn = draw_digits(30 + 5 * number, np.random.default_rng(number), sample.side)
        images = sample.draw(np.stack([drawn.pictures[index] for index in range(len(drawn))]))
        parts[part] = (
            images,
            [sample.labels[int(label) + (number if len(sample.labels) > 10 else 0)] for label in drawn.labels],
        )
    sample.write(folder, parts)
    return {
        part: [(sample.reads_as(label), image.tobytes()) for image, label in zip(*content, strict=True)]
        for part, content in parts.items()
    }


@pytest.fixture
def source(name: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source that can be read without a network; the first tenth of what digitkit draws itself."""
    monkeypatch.setattr(drawings, "COUNTS", {part: count // 10 for part, count in drawings.COUNTS.items()})
    if "DIGITKIT_TEST_CACHE" in os.environ:
        monkeypatch.setenv("DIGITKIT_CACHE", os.environ["DIGITKIT_TEST_CACHE"])
    if not is_here(SOURCES[name]):
        pytest.skip(f"the files of {name} are not here; DIGITKIT_TEST_CACHE names no cache folder that has them")
    return SOURCES[name]


@every_source
def test_a_source_is_found_by_the_name_it_gives_itself(name: str) -> None:
    assert find_source(name).name == name


@every_source
def test_a_source_says_what_it_is_and_under_which_terms(name: str) -> None:
    source = SOURCES[name]
    assert source.title
    assert source.licence
    assert urlsplit(source.homepage).netloc


@every_source
def test_a_source_has_parts_in_their_order(name: str) -> None:
    places = [PARTS.index(part) for part in SOURCES[name].parts]
    assert places
    assert all(first < second for first, second in pairwise(places))


@every_source
def test_every_file_has_a_hash_and_a_way_to_it_or_the_list_of_exceptions_names_it(name: str) -> None:
    source = SOURCES[name]
    for file in source.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) or name in NO_HASH_PUBLISHED
        assert file.urls or source.steps or name in PUT_THERE_BY_HAND
        assert all(urlsplit(url).scheme == "https" for url in file.urls)


@every_source
def test_a_file_for_one_part_belongs_to_a_part_that_the_source_has(name: str) -> None:
    source = SOURCES[name]
    assert {file.part for file in source.files} <= {"", *source.parts}


@every_source
def test_a_source_says_what_its_ink_is_and_names_test_parts_that_exist(name: str) -> None:
    source = SOURCES[name]
    assert source.ink in ("bright", "dark", "mixed")
    for part, places in source.contains.items():
        assert part in source.parts
        assert all(place.split("/")[1] in SOURCES[place.split("/")[0]].parts for place in places)


@every_source
def test_a_source_that_is_read_from_files_has_a_sample_in_its_format(name: str) -> None:
    assert (name in SAMPLES) == bool(SOURCES[name].files)


@every_format
def test_what_was_written_is_read_with_its_labels_upright_and_with_its_ink(name: str, tmp_path: Path) -> None:
    sample, source = SAMPLES[name], SOURCES[name]
    written = write_sample(source, sample, tmp_path)
    found = {part: source.read(tmp_path, part) for part in source.parts}
    assert {len(digits) > 0 for digits in found.values()} == {True}
    if sample.has_parts:
        assert {part: contents(digits) for part, digits in found.items()} == written
    everything = [entry for entries in written.values() for entry in entries]
    assert sorted(entry for digits in found.values() for entry in contents(digits)) == sorted(everything)


@every_format
def test_pictures_come_in_their_own_size_as_bytes(name: str, tmp_path: Path) -> None:
    sample, source = SAMPLES[name], SOURCES[name]
    write_sample(source, sample, tmp_path)
    for part in source.parts:
        picture = source.read(tmp_path, part).pictures[0]
        assert picture.dtype == np.uint8
        assert picture.shape[:2] == (sample.side, sample.side)
        assert picture.shape[2:] in ((), (3,))


@every_format
def test_the_ink_is_what_the_record_says(name: str, tmp_path: Path) -> None:
    sample, source = SAMPLES[name], SOURCES[name]
    if sample.draw is coloured:
        pytest.skip("the channels of this sample differ in their ink")
    write_sample(source, sample, tmp_path)
    share = describe(source.read(tmp_path, "test")).dark_ink
    assert share == (1.0 if source.ink == "dark" else 0.0)


@every_format
@pytest.mark.parametrize("damage", ["cut in the middle", "other bytes", "empty", "not there"])
def test_a_damaged_file_is_one_clear_error(name: str, damage: str, tmp_path: Path) -> None:
    source = SOURCES[name]
    write_sample(source, SAMPLES[name], tmp_path)
    for file in source.files:
        path = tmp_path / file.name
        whole = path.read_bytes()
        if damage == "not there":
            path.unlink()
        else:
            path.write_bytes(
                {"cut in the middle": whole[: len(whole) // 2 + 7], "other bytes": b"\0no" * 99}.get(damage, b"")
            )
    for part in source.parts:
        with pytest.raises(SourceError) as caught:
            source.read(tmp_path, part)
        assert any(file.name in str(caught.value) or str(tmp_path) in str(caught.value) for file in source.files)
        assert "\n" not in str(caught.value)


@every_format
def test_offline_one_line_says_which_file_is_missing_and_where_to_put_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path))
    source = SOURCES[name]
    with pytest.raises(FetchError) as caught:
        fetch(source, offline=True)
    assert source.files[0].name in str(caught.value)
    assert str(source_folder(source)) in str(caught.value)
    assert "\n" not in str(caught.value)


@every_source
def test_a_source_stands_in_the_docs(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text()


@every_source
def test_each_part_has_every_class(name: str, source: Source) -> None:
    for digits in read(source).values():
        assert min(digits.counts().values()) > 0


@every_source
def test_digits_have_the_ink_that_the_record_says_and_none_is_blank(name: str, source: Source) -> None:
    for digits in read(source).values():
        if NOT_A_DIGIT in digits.classes or source.ink == MIXED:
            continue
        figures = describe(digits)
        assert (figures.dark_ink > 0.5) == (source.ink == "dark")
        assert figures.blank == 0
        assert 0.05 < figures.inked < 0.5


@every_source
def test_reading_twice_gives_the_same_pictures(name: str, source: Source) -> None:
    for part, digits in read(source).items():
        again = source.read(source_folder(source), part)
        assert (marks_of(again.pictures) == marks_of(digits.pictures)).all()
        assert np.array_equal(again.labels, digits.labels)
        assert again.origins.tolist() == digits.origins.tolist()


@every_source
def test_each_picture_has_an_origin_of_its_own(name: str, source: Source) -> None:
    origins = [str(origin) for digits in read(source).values() for origin in digits.origins]
    assert len(origins) == len(set(origins))
    assert all(origin.startswith(f"{name}/") for origin in origins)


@every_source
def test_no_picture_of_the_test_part_is_in_another_part(name: str, source: Source) -> None:
    marks = {part: set(marks_of(digits.pictures).tolist()) for part, digits in read(source).items()}
    held_out = marks.pop("test", set())
    assert all(held_out.isdisjoint(others) for others in marks.values())
