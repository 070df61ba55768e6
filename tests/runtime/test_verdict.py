"""A verdict follows from the numbers and the thresholds alone."""

from dataclasses import replace
from typing import Any

import pytest

from digitkit.core.bundle import Bundle
from digitkit.core.prediction import Thresholds
from digitkit.runtime.verdict import Evidence, judge

LIMITS = Thresholds(ink_share=0.01, contrast=0.1, acceptance=0.4, margin=0.25)
BUNDLE = Bundle(name="b", classes=("3", "8", "5"), thresholds=LIMITS)
CLEAR = Evidence((0.9, 0.06, 0.04), ink_share=0.2, contrast=0.8, acceptance=0.9)


def test_a_clear_digit_is_a_digit() -> None:
    answer = judge(BUNDLE, CLEAR)
    assert (answer.label, answer.confidence, answer.verdict, answer.reason) == ("3", 0.9, "digit", "clear")
    assert answer.probabilities == {"3": 0.9, "8": 0.06, "5": 0.04}
    assert answer.bundle == "b@000000000000"


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"ink_share": 0.0099}, "blank", "nothing is drawn"),
        ({"contrast": 0.0999}, "blank", "too faint"),
        ({"acceptance": 0.3999}, "not a digit", "looks like no digit"),
        ({"probabilities": (0.3, 0.5, 0.2)}, "unsure", "8 or 3?"),
        ({"ink_share": 0.01, "contrast": 0.1, "acceptance": 0.4}, "digit", "clear"),
        ({"probabilities": (0.25, 0.5, 0.25)}, "digit", "clear"),
    ],
)
def test_each_threshold_has_its_verdict_and_belongs_to_the_better_side(
    changes: dict[str, Any], verdict: str, reason: str
) -> None:
    answer = judge(BUNDLE, replace(CLEAR, **changes))
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_blank_comes_before_every_other_verdict() -> None:
    assert judge(BUNDLE, Evidence((0.4, 0.3, 0.3), 0.0, 0.0, 0.0)).verdict == "blank"


def test_not_a_digit_comes_before_unsure() -> None:
    assert judge(BUNDLE, Evidence((0.4, 0.3, 0.3), 1.0, 1.0, 0.0)).verdict == "not a digit"


def test_a_blank_picture_has_neither_label_nor_confidence() -> None:
    answer = judge(BUNDLE, replace(CLEAR, ink_share=0.0))
    assert answer.label is None
    assert answer.confidence == 0.0


@pytest.mark.parametrize("changes", [{"acceptance": 0.1}, {"probabilities": (0.4, 0.3, 0.3)}])
def test_what_is_not_blank_keeps_its_most_probable_label(changes: dict[str, Any]) -> None:
    assert judge(BUNDLE, replace(CLEAR, **changes)).label == "3"


def test_classes_of_several_characters_make_a_number() -> None:
    numbers = replace(BUNDLE, classes=("", "7", "23"))
    assert judge(numbers, replace(CLEAR, probabilities=(0.0, 0.1, 0.9))).verdict == "number"
    assert judge(numbers, replace(CLEAR, acceptance=0.0)).reason == "looks like no number"


def test_the_empty_class_is_an_answer_and_not_blank() -> None:
    numbers = replace(BUNDLE, classes=("", "7", "23"))
    answer = judge(numbers, CLEAR)
    assert (answer.label, answer.verdict, answer.reason) == ("", "number", "clear")
    assert judge(numbers, replace(CLEAR, probabilities=(0.4, 0.3, 0.3))).reason == "none or 7?"


def test_a_single_class_can_be_judged() -> None:
    assert judge(replace(BUNDLE, classes=("1",)), replace(CLEAR, probabilities=(1.0,))).label == "1"


def test_equal_probabilities_are_unsure_in_the_order_of_the_classes() -> None:
    assert judge(BUNDLE, replace(CLEAR, probabilities=(0.4, 0.4, 0.2))).reason == "3 or 8?"


def test_several_digits_are_unsure_however_sure_the_network_is() -> None:
    answer = judge(BUNDLE, replace(CLEAR, several=True))
    assert (answer.label, answer.verdict, answer.reason) == ("3", "unsure", "several digits?")
    assert judge(BUNDLE, replace(CLEAR, several=True, ink_share=0.0)).verdict == "blank"


def test_a_model_that_knows_what_is_no_digit_says_so_and_reads_digits_all_the_same() -> None:
    bundle = replace(BUNDLE, classes=("3", "8", "not a digit"))
    other = judge(bundle, replace(CLEAR, probabilities=(0.04, 0.06, 0.9)))
    assert (other.label, other.verdict, other.reason) == ("not a digit", "not a digit", "looks like no digit")
    assert judge(bundle, CLEAR).verdict == "digit"  # though one class has a long name, these are no numbers
