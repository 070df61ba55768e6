"""Batches are mixed by an exact ratio, drawn fairly, weighted as asked and counted."""

from collections import Counter
from fractions import Fraction
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitkit.core.digitset import Indices
from digitkit.core.errors import ConfigError, DataError
from digitkit.data.batches import Drawing, DrawPlan, balanced

sets = st.tuples(st.integers(1, 60), st.integers(0, 40))  # primary and extra pictures
shares = st.sampled_from([0.01, 0.05, 0.1, 1 / 3, 0.5, 0.9])
batch_sizes = st.integers(1, 50)
seeds = st.integers(0, 99)


def drawing_of(plan: DrawPlan, steps: int, classes: int = 3) -> Drawing:
    """A drawing of pictures whose labels go round."""
    labels = np.arange(plan.primary + plan.extra) % classes
    return Drawing(labels, tuple("abcdefghij"[:classes]), plan, steps)


def drawn(plan: DrawPlan, steps: int) -> list[list[int]]:
    return [indices.tolist() for indices in drawing_of(plan, steps)]


def is_fair(indices: list[int], members: range) -> bool:
    """Whether at every moment no member has been drawn twice more often than another."""
    counts: Counter[int] = Counter()
    for index in indices:
        counts[index] += 1
        if counts[index] > 1 + min(counts[member] for member in members):
            return False
    return True


@given(sets, batch_sizes, shares, seeds)
@settings(max_examples=100)
def test_extra_pictures_have_their_exact_share_of_any_number_of_steps(
    sizes: tuple[int, int], batch: int, share: float, seed: int
) -> None:
    primary, extra = sizes
    plan = DrawPlan(primary, extra, batch, seed, share)
    wanted = Fraction(str(share)) if extra else Fraction(0)
    seen = found = 0
    for indices in drawn(plan, 60):
        seen += len(indices)
        found += sum(index >= primary for index in indices)
        assert abs(found - wanted * seen) <= Fraction(1, 2)


@given(sets, batch_sizes, shares, seeds)
@settings(max_examples=100)
def test_every_picture_is_drawn_before_any_of_its_kind_is_drawn_twice(
    sizes: tuple[int, int], batch: int, share: float, seed: int
) -> None:
    primary, extra = sizes
    indices = list(chain(*drawn(DrawPlan(primary, extra, batch, seed, share), 40)))
    assert is_fair([index for index in indices if index < primary], range(primary))
    assert is_fair([index for index in indices if index >= primary], range(primary, primary + extra))


@given(sets, batch_sizes, shares, st.integers(0, 40))
@settings(max_examples=60)
def test_the_number_of_steps_is_what_iteration_yields(
    sizes: tuple[int, int], batch: int, share: float, steps: int
) -> None:
    plan = DrawPlan(*sizes, batch, 0, share)
    found = drawn(plan, steps)
    assert len(found) == steps
    assert all(len(indices) == plan.size <= batch for indices in found)


def test_an_epoch_of_95_to_5_sees_each_primary_picture_once_and_extra_ones_in_proportion() -> None:
    plan = DrawPlan(1900, 700, batch=100, extra_share=0.05)
    assert plan.steps(epochs=1, least=1) == 20
    drawing = drawing_of(plan, 20)
    indices = np.concatenate(list(drawing))
    assert sorted(indices[indices < 1900].tolist()) == list(range(1900))
    assert len(set(indices[indices >= 1900].tolist())) == 100
    assert drawing.epochs()[0] == {
        "epoch": 1,
        "pictures": 2000,
        "extra": 100,
        "classes": {name: int((indices % 3 == label).sum()) for label, name in enumerate("abc")},
    }


def test_without_extra_pictures_a_share_for_them_changes_nothing() -> None:
    assert drawn(DrawPlan(30, 0, 8, 1, 0.3), 12) == drawn(DrawPlan(30, 0, 8, 1), 12)


def test_the_same_seed_draws_the_same_order_and_another_does_not() -> None:
    first, again, other = (drawn(DrawPlan(30, 10, 8, seed, 0.2), 12) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_order_is_the_same_on_every_machine() -> None:
    assert drawn(DrawPlan(7, 3, 4, 0, 0.25), 3) == [[3, 2, 1, 8], [6, 0, 4, 9], [5, 6, 4, 7]]


def noted(drawing: Drawing, steps: int) -> list[list[int]]:
    """The next batches, each picture as hard as its number says."""
    found = []
    for indices in islice(iter(drawing), steps):
        drawing.note(indices, indices.astype(np.float32))
        found.append(indices.tolist())
    return found


def test_after_the_first_pass_only_the_hardest_share_of_the_primary_pictures_is_drawn() -> None:
    found = noted(drawing_of(DrawPlan(40, 5, 10, hard_share=0.5, extra_share=0.2), 30), 30)
    primary = [index for index in chain(*found) if index < 40]
    assert sorted(primary[:40]) == list(range(40))
    assert set(primary[40:]) == set(range(20, 40))


PLANS = {
    "even": DrawPlan(30, 0, 8, 5),
    "hard": DrawPlan(30, 0, 8, 5, hard_share=0.5),
    "mixed": DrawPlan(30, 7, 8, 5, extra_share=0.3, hard_share=0.5),
    "weighted": DrawPlan(30, 7, 8, 5, extra_share=0.3, weights=np.arange(30.0)),
    "some": DrawPlan(30, 0, 8, 5, weights=np.arange(30.0), count=13, replacement=False),
}


@pytest.mark.parametrize("stop", [1, 3, 4, 9, 11])
@pytest.mark.parametrize("name", PLANS)
def test_drawing_goes_on_from_its_state(name: str, stop: int) -> None:
    whole = drawing_of(PLANS[name], 12)
    expected = noted(whole, 12)
    cut = drawing_of(PLANS[name], 12)
    head, state = noted(cut, stop), cut.state()
    noted(cut, 12 - stop)  # what happens afterwards does not change the state that was taken
    resumed = drawing_of(PLANS[name], 12)
    resumed.go_on(state)
    assert head + noted(resumed, 12) == expected
    assert resumed.epochs() == whole.epochs()


@pytest.mark.parametrize("now", [DrawPlan(31, 4), DrawPlan(30, 5), DrawPlan(34, 0)])
def test_a_state_of_other_pictures_is_refused(now: DrawPlan) -> None:
    state = drawing_of(DrawPlan(30, 4), 12).state()
    with pytest.raises(DataError, match="stopped with 30 and 4 training pictures, now there are"):
        drawing_of(now, 12).go_on(state)


def test_balanced_weights_draw_a_rare_class_as_often_as_a_common_one() -> None:
    labels = np.array([0] * 900 + [1] * 100)
    drawing = Drawing(labels, ("a", "b"), DrawPlan(1000, 0, 100, 0, weights=balanced(labels, 2)), 100)
    for _ in drawing:
        pass
    totals = Counter[str]()
    for epoch in drawing.epochs():
        totals.update(epoch["classes"])
    assert totals["a"] + totals["b"] == 10_000
    assert abs(totals["a"] - 5_000) < 4 * 50  # four standard deviations


def test_a_picture_of_weight_0_is_never_drawn() -> None:
    weights = np.array([0, 1, 3, 0, 0.5, 0])
    with_return = chain(*drawn(DrawPlan(6, 0, 6, weights=weights), 200))
    without = chain(*drawn(DrawPlan(6, 0, 6, weights=weights, count=2, replacement=False), 200))
    counts = Counter(with_return)
    assert set(counts) == set(without) == {1, 2, 4}
    assert counts[2] > 2 * counts[1] > 2 * counts[4]


def test_without_replacement_no_picture_is_drawn_twice_in_an_epoch() -> None:
    plan = DrawPlan(50, 0, 10, weights=np.arange(50.0) + 1, count=20, replacement=False)
    found = drawn(plan, 20)
    epochs = [list(chain(*found[start : start + 2])) for start in range(0, 20, 2)]
    assert all(len(set(epoch)) == 20 for epoch in epochs)
    counts = Counter(chain(*epochs))
    assert sum(counts[index] for index in range(25, 50)) > 1.5 * sum(counts[index] for index in range(25))


@pytest.mark.parametrize(
    "options", [{"count": 4, "replacement": False}, {"replacement": False}, {"weights": np.zeros(5)}]
)
def test_a_pass_that_cannot_be_drawn_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"data\.sampling asks for \d pictures in a pass, and \d have a weight"):
        DrawPlan(5, **{"weights": np.array([1.0, 1, 1, 0, 0]), **options})


def test_a_number_of_pictures_makes_the_epoch_shorter_or_longer() -> None:
    ones = np.ones(100)
    assert DrawPlan(100, 0, 10, weights=ones).steps(2, 1) == 20
    assert DrawPlan(100, 0, 10, weights=ones, count=300).steps(2, 1) == 60
    assert DrawPlan(100, 0, 10).steps(0.01, 7) == 7


def test_only_epochs_that_are_over_are_told_until_the_last_step() -> None:
    drawing = drawing_of(DrawPlan(25, 0, 10), 6)  # two and a half steps an epoch
    told = []
    for indices in drawing:
        told.append([epoch["pictures"] for epoch in drawing.epochs()])
        assert len(indices) == 10
    assert told == [[], [], [30], [30], [30, 20], [30, 20, 10]]


def test_a_second_iteration_counts_anew() -> None:
    drawing = drawing_of(DrawPlan(20, 0, 10), 2)
    totals = [sum(len(indices) for indices in drawing), sum(len(indices) for indices in drawing)]
    assert totals == [20, 20]
    assert [epoch["pictures"] for epoch in drawing.epochs()] == [20]


def test_indices_are_whole_numbers_also_without_extra_pictures() -> None:
    indices: Indices = next(iter(drawing_of(DrawPlan(1, 0, 1), 1)))
    assert indices.tolist() == [0]
    assert indices.dtype == np.dtype(np.int64)
