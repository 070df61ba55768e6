"""The learning rate rises, peaks once, and falls."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.core.errors import ConfigError
from digitkit.learn.fitting import AverageConfig, AverageKind, ScheduleConfig, Shape
from digitkit.learn.schedule import Pace, Schedule

every_shape = st.sampled_from(list(Shape))


def schedule(steps: int, epoch: float = 10, average: AverageConfig | None = None, **settings: Any) -> Schedule:
    return Schedule(ScheduleConfig(**settings), average or AverageConfig(), Pace(steps, epoch))


def shares(warmup: float, end: float, steps: int, shape: Shape = Shape.linear) -> list[float]:
    made = schedule(steps, warmup=warmup, end=end, shape=shape)
    return [made(step) for step in range(steps)]


@given(st.floats(0, 0.99), st.floats(0, 1), st.integers(1, 300), every_shape)
def test_it_is_never_negative_and_never_above_the_peak(warmup: float, end: float, steps: int, shape: Shape) -> None:
    assert all(0 < share <= 1 for share in shares(warmup, end, steps, shape))


@given(st.floats(0, 0.99), st.integers(2, 300), st.sampled_from([Shape.linear, Shape.cosine, Shape.drops]))
def test_it_rises_to_the_peak_and_falls_from_there(warmup: float, steps: int, shape: Shape) -> None:
    made = shares(warmup, 0, steps, shape)
    peak = made.index(max(made))
    assert made[peak] == 1
    assert made[: peak + 1] == sorted(made[: peak + 1])
    assert made[peak:] == sorted(made[peak:], reverse=True)


@pytest.mark.parametrize(("warmup", "peak"), [(0.0, 0), (0.1, 9), (0.5, 49)])
def test_the_peak_is_the_last_step_of_the_warm_up(warmup: float, peak: int) -> None:
    made = shares(warmup, 0, 100)
    assert made.index(1) == peak


def test_both_lines_are_straight() -> None:
    made = shares(0.2, 0, 50)
    rising = [after - before for before, after in pairwise(made[:10])]
    falling = [after - before for before, after in pairwise(made[9:])]
    assert rising == pytest.approx([0.1] * 9)
    assert falling == pytest.approx([falling[0]] * 40)


@pytest.mark.parametrize("shape", [Shape.linear, Shape.cosine, Shape.restarts])
@pytest.mark.parametrize("end", [0.0, 0.1, 1.0])
def test_one_step_after_the_last_it_reaches_its_end(end: float, shape: Shape) -> None:
    made = schedule(100, warmup=0.1, end=end, shape=shape, cycle_epochs=2)
    assert made(100) == pytest.approx(end)
    assert made(99) > 0


def test_a_wave_is_half_way_down_in_the_middle() -> None:
    made = schedule(101, warmup=0, end=0.2, shape=Shape.cosine)
    assert [made(step) for step in (0, 50, 51)] == pytest.approx([1, 0.606, 0.594], abs=1e-3)
    assert made(10) > 1 - 0.8 * 10 / 101  # flat at first


def test_drops_come_where_they_are_asked_for() -> None:
    made = schedule(100, warmup=0.1, shape=Shape.drops, drops=[0.3, 0.8], drop=0.5)
    assert [made(step) for step in (9, 29, 30, 79, 80, 99)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_drops_that_fall_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"schedule\.drops must rise"):
        ScheduleConfig(drops=[0.8, 0.3])


@given(st.floats(0.1, 50), st.sampled_from([1.0, 1.5, 2.0, 10.0]), st.integers(1, 400), st.floats(0, 0.9))
def test_cycles_fill_the_run_and_every_one_falls_from_the_peak_to_the_end(
    cycle_epochs: float, growth: float, steps: int, warmup: float
) -> None:
    made = schedule(steps, 7.5, shape=Shape.restarts, cycle_epochs=cycle_epochs, growth=growth, warmup=warmup)
    assert [made(step) for step in made.restarts] == [1] * len(made.restarts)
    assert all(made(step - 1) < 1 for step in made.restarts)
    assert made.bounds == sorted(set(made.bounds))
    assert made.bounds[-1] == steps
    assert made(steps) == 0
    last = [made(step) for step in range(made.bounds[-2], steps)]
    assert last == sorted(last, reverse=True)


@pytest.mark.parametrize(
    ("epochs", "cycles"),
    [(10, []), (14, []), (20, [67, 133]), (30, [100, 200]), (40, [133, 267]), (70, [100, 200, 400])],
)
def test_as_many_cycles_are_made_as_come_nearest_to_the_length_asked_for(epochs: int, cycles: list[int]) -> None:
    made = schedule(10 * epochs, shape=Shape.restarts, cycle_epochs=10, growth=2, warmup=0)
    assert made.cycles == cycles


@pytest.mark.parametrize("shape", [Shape.linear, Shape.cosine, Shape.drops])
def test_other_shapes_have_no_cycles(shape: Shape) -> None:
    made = schedule(500, shape=shape)
    assert (made.cycles, made.restarts) == ([], [])


@pytest.mark.parametrize("shape", Shape)
def test_while_swa_averages_the_learning_rate_is_its_own(shape: Shape) -> None:
    average = AverageConfig(kind=AverageKind.swa, start=0.8, lr=0.5, anneal=0.05)
    made, plain = schedule(100, average=average, shape=shape), schedule(100, shape=shape)
    assert [made(step) for step in range(80)] == [plain(step) for step in range(80)]
    goes_over = [plain(80), *(made(step) for step in range(80, 85))]
    assert [after - before for before, after in pairwise(goes_over)] == pytest.approx([(0.5 - plain(80)) / 5] * 5)
    assert [made(step) for step in range(84, 100)] == pytest.approx([0.5] * 16)


@pytest.mark.parametrize(("epochs", "step"), [(0, 100), (3, 70), (2.55, 74), (10, 0), (20, 0)])
def test_the_last_epochs_begin_at_a_step(epochs: float, step: int) -> None:
    assert Pace(100, 10).left(epochs) == step
