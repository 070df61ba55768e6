"""A test part that a model learnt from is marked, unless all copies of its pictures are sure to be dropped."""

import numpy as np
import pytest

from digitkit.data.catalogue import SOURCES
from digitkit.data.contamination import contaminations
from digitkit.data.loading import Loaded
from digitkit.data.splits import SplitPlan, build
from tests.data.conftest import Lines
from tests.strokes import draw_digits

DRAWN = draw_digits(2, np.random.default_rng(0))


def learnt(name: str, part: str = "train", contains: tuple[str, ...] | None = None) -> Loaded:
    """A source that one part is learnt from, with what its record says of it."""
    places = SOURCES[name].contains[part] if contains is None else contains
    return Loaded(name, {part: DRAWN}, contains=places, extra=part == "extra")


def in_the_run(name: str) -> Loaded:
    return Loaded(name, {"train": DRAWN, "test": DRAWN})


@pytest.mark.parametrize(("duplicates", "places"), [("near", []), ("exact", ["mnist/test"]), ("keep", ["mnist/test"])])
def test_a_test_part_of_the_run_is_clean_only_where_near_copies_are_dropped(duplicates: str, places: list[str]) -> None:
    tables = learnt("kaggle:digits", contains=("mnist/test",))
    assert list(contaminations([tables, in_the_run("mnist")], duplicates)) == places


def test_a_test_part_elsewhere_is_marked_once_with_a_line() -> None:
    sources = [learnt("qmnist", "extra"), learnt("kaggle:digits", contains=("mnist/test",))]
    found = contaminations(sources, "near")
    assert list(found) == ["mnist/test", "qmnist/test", "emnist-digits/test"]
    assert found["mnist/test"].startswith("Contaminated: qmnist has digits of mnist/test, so the accuracy there")


def test_digits_in_another_frame_are_marked_always_since_their_copies_are_not_found() -> None:
    assert list(contaminations([learnt("emnist-digits"), in_the_run("mnist")], "near")) == ["mnist/test", "qmnist/test"]
    extra = learnt("qmnist", "extra")
    assert list(
        contaminations([in_the_run("mnist"), in_the_run("qmnist"), in_the_run("emnist-digits"), extra], "near")
    ) == ["emnist-digits/test"]


def test_learning_from_small_pictures_of_test_digits_is_marked_said_and_reported() -> None:
    lines = Lines()
    splits = build(SplitPlan(("optdigits",)), lines)
    assert splits.report.contaminated == ("optdigits-orig/test",)
    [line] = [line for line in lines if line.startswith("Contaminated")]
    assert line in splits.report.notes


def test_envelopes_of_usps_are_in_the_set_for_tests() -> None:
    assert list(contaminations([learnt("usps")], "near")) == ["usps16/test"]
