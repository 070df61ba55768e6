"""Likely wrong labels are found by networks that never saw the picture."""

from pathlib import Path

import numpy as np
import pytest

from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import DataError
from digitkit.learn.compose import compose
from digitkit.learn.labels import FOLDS, OVERRIDES, confident_errors, find_label_errors, folds
from tests.conftest import DrawDigits
from tests.fixtures.runs import quiet

SETTINGS = (
    "model=tiny_cnn", "optim=adamw", "budget.batch=64", "budget.least_steps=60", "run.device=cpu", "run.threads=1",
)  # fmt: skip


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def with_wrong_labels(digits: DigitSet, count: int) -> tuple[DigitSet, set[int]]:
    """The same pictures, the first `count` labelled as the next digit."""
    labels = digits.labels.copy()
    labels[:count] = (labels[:count] + 1) % 10
    return DigitSet(digits.pictures, labels, digits.classes, digits.origins), set(range(count))


def answers_of(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_wrong_labels_among_drawn_digits_are_found(drawn_digits: DrawDigits, cache: Path) -> None:
    digits, wrong = with_wrong_labels(drawn_digits(600, np.random.default_rng(1)), 15)
    told: list[tuple[int, int, str]] = []
    suspects = find_label_errors(digits, compose([*OVERRIDES, *SETTINGS]), lambda *each: told.append(each))
    found = [each.index in wrong for each in suspects]
    assert sum(found) >= 12
    assert sum(found) >= 0.8 * len(found)
    right = next(each for each in suspects if each.index in wrong)
    assert (int(right.looks_like) + 1) % 10 == int(right.label)
    assert right.picture == f"drawn/train/{right.index}"
    assert [each.margin for each in suspects] == sorted((each.margin for each in suspects), reverse=True)
    assert told[-1] == (240, 240, "learning to judge labels")


def test_a_class_of_few_pictures_is_not_judged(drawn_digits: DrawDigits, cache: Path) -> None:
    drawn = drawn_digits(400, np.random.default_rng(2))
    two = np.flatnonzero(drawn.labels < 2)
    odd = np.array([int(np.flatnonzero(drawn.labels == 5)[0])])
    digits = drawn.take(np.concatenate([odd, two]))
    suspects = find_label_errors(digits, compose([*OVERRIDES, *SETTINGS]), quiet)
    assert all(each.index != 0 for each in suspects)
    assert all({each.label, each.looks_like} <= {"0", "1"} for each in suspects)


def test_a_set_that_nobody_could_learn_is_refused() -> None:
    digits = DigitSet(Dense(np.zeros((10, 8, 8), np.uint8)), np.arange(10), tuple("0123456789"), np.full(10, "a"))
    with pytest.raises(DataError, match="two or more classes need 8 pictures or more each; 0 have so many"):
        find_label_errors(digits, compose([*OVERRIDES]), quiet)


def test_a_picture_is_suspect_when_another_class_is_as_sure_as_it_usually_is() -> None:
    answers = answers_of([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.1, 0.9], [0.2, 0.8]])
    suspects, likely, margins = confident_errors(answers, np.array([0, 0, 0, 1, 1]))
    assert suspects.tolist() == [2]
    assert likely[2] == 1
    assert margins[2] == pytest.approx(0.9)


def test_labels_that_all_fit_give_no_suspects() -> None:
    answers = answers_of([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]])
    assert confident_errors(answers, np.array([0, 0, 1, 1]))[0].tolist() == []


def test_suspects_are_ranked_by_how_much_more_probable_the_other_class_is() -> None:
    rows = [[0.95, 0.05]] * 20 + [[0.05, 0.95]] * 20 + [[0.2, 0.8], [0.01, 0.99], [0.04, 0.96]]
    labels = np.array([0] * 20 + [1] * 20 + [0, 0, 0])
    suspects, _, _ = confident_errors(answers_of(rows), labels)
    assert suspects.tolist()[:2] == [41, 42]


def test_every_fold_has_its_share_of_every_class() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), [8, 40, 9, 17, 26]))
    fold_of = folds(labels, seed=3)
    for label in range(5):
        counts = np.bincount(fold_of[labels == label], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    assert folds(labels, seed=3).tolist() == fold_of.tolist()
    assert folds(labels, seed=4).tolist() != fold_of.tolist()
