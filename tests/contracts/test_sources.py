"""Contract of every source, present and future: published facts, labels, ink, the same each time.

No test has a network: a source with files is read only where `DIGITKIT_TEST_CACHE` names a cache folder with them.
"""

import os
import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from digitkit.core.digitset import DigitSet
from digitkit.data.catalogue import SOURCES, find_source
from digitkit.data.fingerprint import marks_of
from digitkit.data.source import PARTS, Source
from digitkit.data.statistics import describe
from digitkit.data.stock import is_here, source_folder

DOCS = Path(__file__).parents[2] / "docs" / "data.md"
every_source = pytest.mark.parametrize("name", SOURCES)


def read(source: Source) -> dict[str, DigitSet]:
    """Every part of a source that is here."""
    return {part: source.read(source_folder(source), part) for part in source.parts}


@pytest.fixture
def source(name: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source that can be read without a network."""
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
def test_every_file_has_a_hash_a_size_and_a_way_to_it(name: str) -> None:
    source = SOURCES[name]
    for file in source.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size > 0
        assert file.urls or source.steps
        assert all(urlsplit(url).scheme == "https" for url in file.urls)


@every_source
def test_a_source_stands_in_the_docs(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text()


@every_source
def test_labels_are_digits_and_each_part_has_all_ten(name: str, source: Source) -> None:
    for digits in read(source).values():
        assert digits.classes == tuple("0123456789")
        assert min(digits.counts().values()) > 0


@every_source
def test_pictures_show_bright_ink_on_black_and_none_is_blank(name: str, source: Source) -> None:
    for digits in read(source).values():
        figures = describe(digits)
        assert figures.dark_ink < 0.01
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
