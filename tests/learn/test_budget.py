"""How long a training lasts: epochs, steps, or minutes that become steps once."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn.budget import Timing, in_steps
from digitkit.learn.compose import compose
from digitkit.learn.loader import Images
from digitkit.learn.parts import Parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.running import BudgetConfig
from tests.fixtures.runs import train_small
from tests.learn.short_runs import SHORT, history_without_seconds, same, weights


def parts_of(val: int, test: int) -> Parts:
    """Parts whose images nobody looks at."""

    class Counted(Images):
        def __init__(self, count: int) -> None:
            object.__setattr__(self, "count", count)

        def __len__(self) -> int:
            return int(self.__dict__["count"])

    return Parts(Counted(10), 10, Counted(val), Counted(test), 0.0, ())


def minutes(count: float, *overrides: str) -> Recipe:
    return compose(["experiment=tiny", f"budget.minutes={count}", *overrides])


def test_the_minutes_hold_measuring_slow_first_steps_and_all_scoring() -> None:
    recipe = minutes(1, "run.validations=2", "run.views=5")
    found, note = in_steps(recipe, parts_of(100, 50), Timing(step_s=0.1, warm_s=2, image_s=0.01, spent_s=8))
    scoring = 0.01 * (2 * 2 * 100 + 100 + 50 * 6)
    assert found.budget.steps == int(0.95 * (60 - 8 - 2 - scoring) / 0.1)
    assert found == replace(recipe, budget=replace(recipe.budget, minutes=0.0, steps=found.budget.steps))
    assert note.startswith(f"budget.minutes=1 became {found.budget.steps} steps: one takes 100 ms here")


@pytest.mark.parametrize(("overrides", "images"), [(["run.test=false"], 700), (["average.kind=swa"], 16150)])
def test_what_is_not_scored_takes_no_time_and_what_swa_sees_again_does(overrides: list[str], images: int) -> None:
    timing = Timing(step_s=1, warm_s=0, image_s=0.001, spent_s=0)
    _, note = in_steps(minutes(1, *overrides, "run.views=5"), parts_of(100, 75), timing)
    assert f"scoring {images / 1000:.1f} s in all" in note


@pytest.mark.parametrize("seconds", [0.04, 3, 5, 5.05, 11, 123.4, 1000])
def test_as_many_steps_fit_as_leave_time_for_the_variants_that_they_need(seconds: float) -> None:
    """The first 50 steps find theirs made; every 50 later, 6 seconds go by."""
    found = Timing(step_s=0.1, warm_s=0, image_s=0, spent_s=0, bank_s=6, bank_steps=50).steps(seconds)

    def lasts(steps: int) -> float:
        return 0.1 * steps + 6 * max(0, math.ceil(steps / 50) - 1)

    assert lasts(found) <= seconds + 1e-6 < lasts(found + 1)


def test_a_round_of_variants_is_told() -> None:
    timing = Timing(step_s=0.1, warm_s=0, image_s=0, spent_s=0, bank_s=6, bank_steps=50)
    _, note = in_steps(minutes(1), parts_of(1, 1), timing)
    assert "one takes 100 ms here, a round of variants 6 s, and scoring" in note


def test_minutes_without_room_for_a_step_are_refused() -> None:
    slow = Timing(step_s=1, warm_s=0, image_s=1, spent_s=0)
    with pytest.raises(ConfigError, match=r"budget\.minutes=1 leaves no time to learn: .* 1 s here and scoring 700 s"):
        in_steps(minutes(1, "run.test=false"), parts_of(100, 0), slow)


@pytest.mark.parametrize("given", [{}, {"steps": 5, "epochs": 4.0}, {"steps": 5, "minutes": 1.0}])
def test_exactly_one_length_decides(given: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"Exactly one of epochs, steps and minutes decides"):
        BudgetConfig(**{"epochs": 0.0} | given)  # type: ignore[arg-type]


def test_a_length_that_is_asked_for_takes_the_place_of_the_experiments() -> None:
    budget = compose(["experiment=tiny", "budget.steps=7"]).budget
    assert (budget.epochs, budget.steps, budget.minutes) == (0, 7, 0)
    with pytest.raises(ConfigError, match=r"budget\.epochs and budget\.minutes both say how long"):
        compose(["budget.epochs=3", "budget.minutes=3"])


def test_minutes_become_steps_once_and_change_nothing_that_is_learnt(drawn_source: str, tmp_path: Path) -> None:
    """The steps stand in the run, so that it goes on as it began, and can be done again."""
    timed = train_small(drawn_source, tmp_path / "timed", (*SHORT, "budget.epochs=0", "budget.minutes=0.02")).run
    recipe, text = timed.recipe(), timed.file("recipe.yaml").read_text()
    steps = recipe.budget.steps
    assert recipe.budget.minutes == 0 < steps == timed.report()["steps"]
    assert text.startswith(f"# budget.minutes=0.02 became {steps} steps: ")
    counted = train_small(drawn_source, tmp_path / "counted", (*SHORT, "budget.epochs=0", f"budget.steps={steps}")).run
    assert same(weights(timed), weights(counted))
    assert history_without_seconds(timed) == history_without_seconds(counted)
