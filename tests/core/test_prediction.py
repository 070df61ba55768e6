"""A prediction ranks its classes."""

import pytest

import digitkit
from digitkit.core.prediction import Prediction

ANSWER = Prediction("7", 0.6, {"1": 0.3, "2": 0.05, "7": 0.6, "9": 0.05}, "digit", "clear", "b@1")


def test_the_most_probable_classes_come_first() -> None:
    assert ANSWER.top(2) == [("7", 0.6), ("1", 0.3)]


def test_equal_classes_keep_the_order_of_the_bundle() -> None:
    assert [label for label, _ in ANSWER.top(4)] == ["7", "1", "2", "9"]


@pytest.mark.parametrize(("k", "count"), [(0, 0), (3, 3), (99, 4)])
def test_there_are_never_more_than_there_are_classes(k: int, count: int) -> None:
    assert len(ANSWER.top(k)) == count


def test_prediction_can_be_imported_from_the_package() -> None:
    assert digitkit.Prediction is Prediction


def test_the_package_says_which_attribute_it_lacks() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        digitkit.predict  # noqa: B018
