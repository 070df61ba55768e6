"""Two readers on the same pictures: counts, McNemar's exact test, plain words."""

import json
from math import comb

import numpy as np
import pytest

from digitkit.core.intervals import wilson
from digitkit.learn.compare import Comparison, compare


def made(both: int, first: int, second: int, neither: int) -> Comparison:
    """The comparison of readers with these counts."""
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    return compare(("old", "new"), "mnist/test", one, other)


def test_pictures_are_counted_by_who_reads_them_right() -> None:
    found = made(90, 4, 1, 5)
    counts = (found.both_right, found.only_first_right, found.only_second_right, found.both_wrong)
    assert counts == (90, 4, 1, 5)
    assert (found.n, found.first_accuracy, found.second_accuracy) == (100, 0.94, 0.91)
    assert (found.first_interval, found.second_interval) == (wilson(94, 100), wilson(91, 100))


@pytest.mark.parametrize(("first", "second"), [(0, 6), (3, 9), (10, 2), (5, 5), (1, 0)])
def test_the_p_value_is_that_of_a_fair_coin(first: int, second: int) -> None:
    n, fewer = first + second, min(first, second)
    tail = sum(comb(n, k) for k in range(fewer + 1)) / 2**n
    assert made(50, first, second, 3).p_value == pytest.approx(min(1.0, 2 * tail))


def test_the_sentence_names_the_better_one_only_where_it_is_no_chance() -> None:
    assert made(900, 3, 20, 5).sentence.startswith("new reads mnist/test better: 20 pictures are read right by new")
    assert made(900, 30, 2, 5).sentence.startswith("old reads mnist/test better: 30 pictures")
    assert made(900, 5, 4, 5).sentence.startswith("No difference on mnist/test that could not be chance")
    assert made(9, 0, 0, 1).sentence == "old and new are right and wrong on the same 10 pictures."
    assert made(9, 0, 0, 1).p_value == 1


def test_a_comparison_becomes_json() -> None:
    plain = json.loads(json.dumps(made(9, 1, 0, 0).to_plain()))
    assert plain["only_first_right"] == 1
    assert plain["sentence"] == made(9, 1, 0, 0).sentence
