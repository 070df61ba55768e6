"""What is said of an answer in words."""

import pytest

from digitkit.app.words import percent, words
from digitkit.core.prediction import Verdict
from digitkit.wire import PredictionOut


def said(verdict: Verdict, reason: str, label: str | None = "3") -> str:
    return words(
        PredictionOut(
            label=label,
            confidence=0.6,
            probabilities={"3": 0.6},
            verdict=verdict,
            reason=reason,
            bundle="b@0",
            milliseconds=1,
        )
    )


@pytest.mark.parametrize(
    ("verdict", "reason", "label", "expected"),
    [
        ("digit", "clear", "3", "It is 3"),
        ("number", "clear", "", "It is no number"),
        ("unsure", "3 or 8?", "3", "Not sure: 3 or 8?"),
        ("unsure", "several digits?", "3", "Several digits?"),
        ("not a digit", "looks like no digit", "3", "Not a digit"),
        ("blank", "nothing is drawn", None, "Nothing is drawn"),
        ("blank", "too faint", None, "Too faint to read"),
    ],
)
def test_every_verdict_has_words(verdict: Verdict, reason: str, label: str | None, expected: str) -> None:
    assert said(verdict, reason, label) == expected


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.9996, "100 %"), (0.993, "99.3 %"), (0.0, "0 %")])
def test_shares_are_told_in_percent(share: float, text: str) -> None:
    assert percent(share) == text
