"""Names of sources, and whose writing is in them."""

from pathlib import Path

import pytest

from digitkit.data.catalogue import SOURCES, family_of, known_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mnist", "qmnist"), ("mnist", "emnist-digits"), ("mnist", "kaggle:digits"), ("usps", "usps16"),
        ("semeion", "npz:some/place/semeion16.npz"), ("optdigits", "optdigits32"), ("optdigits", "optdigits-orig"),
    ],
)  # fmt: skip
def test_sources_of_the_same_writers_are_one_family(one: str, other: str) -> None:
    assert family_of(one) == family_of(other)


def test_other_sources_are_families_of_their_own() -> None:
    alone = ("mnist", "usps", "semeion", "optdigits", "pendigits_rendered28", "kensanata_numbers16", "hwd1000", "svhn")
    assert len({family_of(name) for name in alone}) == len(alone)
    assert family_of("folder:mnist") != family_of("mnist")
    assert {family for family in (source.family for source in SOURCES.values()) if family} <= {
        "nist", "usps", "semeion", "optdigits",
    }  # fmt: skip


def test_a_file_is_known_by_its_name_unopened() -> None:
    assert known_name("npz:nowhere/usps16.npz") == "usps16"
    assert known_name("npz:/nowhere/mine.npz") == "npz:/nowhere/mine.npz"


def test_a_place_of_ones_own_is_the_same_however_it_is_spelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spelt = ("folder:mine", "folder:./mine", f"folder:{tmp_path}/mine", "folder:other/../mine")
    assert {family_of(spec) for spec in spelt} == {f"folder:{tmp_path}/mine"}
    assert family_of("archive:https://nowhere.org/a.zip") == "archive:https://nowhere.org/a.zip"
