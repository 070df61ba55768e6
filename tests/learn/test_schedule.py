"""The learning rate rises, peaks once, and falls."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.learn.recipe import ScheduleConfig
from digitkit.learn.schedule import lr_share


def shares(warmup: float, end: float, steps: int) -> list[float]:
    return [lr_share(ScheduleConfig(warmup=warmup, end=end), step, steps) for step in range(steps)]


@given(st.floats(0, 0.99), st.floats(0, 1), st.integers(1, 300))
def test_it_is_never_negative_and_never_above_the_peak(warmup: float, end: float, steps: int) -> None:
    assert all(0 < share <= 1 for share in shares(warmup, end, steps))


@given(st.floats(0, 0.99), st.integers(2, 300))
def test_it_rises_to_the_peak_and_falls_from_there(warmup: float, steps: int) -> None:
    made = shares(warmup, 0, steps)
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


@pytest.mark.parametrize("end", [0.0, 0.1, 1.0])
def test_one_step_after_the_last_it_reaches_its_end(end: float) -> None:
    config = ScheduleConfig(warmup=0.1, end=end)
    assert lr_share(config, 100, 100) == pytest.approx(end)
    assert lr_share(config, 99, 100) > 0
