"""How a film is read: the digit is found, and the answer settles."""

import numpy as np
import pytest

from digitkit.app.watching import Habits, Watcher
from digitkit.core.errors import ConfigError
from digitkit.runtime.predictor import Predictor
from tests.app.film import empty, frame


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.mark.parametrize("label", [1, 2, 3, 5, 7, 8])
def test_a_digit_that_is_held_up_is_read(predictor: Predictor, label: int) -> None:
    reading = Watcher(predictor, Habits()).read(frame(label, 260, 140, np.random.default_rng(label)))
    assert (reading.prediction.label, reading.prediction.verdict) == (str(label), "digit")
    assert reading.box.likeness(reading.box) == 1


def test_of_two_digits_the_larger_one_is_read(predictor: Predictor) -> None:
    both = np.minimum(
        frame(7, 100, 60, np.random.default_rng(0), side=220), frame(3, 480, 60, np.random.default_rng(0), side=70)
    )
    assert Watcher(predictor, Habits()).read(both).prediction.label == "7"


def test_the_answer_settles_over_some_frames(predictor: Predictor) -> None:
    rng = np.random.default_rng(1)
    watcher = Watcher(predictor, Habits(settle=9))
    seven, three = frame(7, 260, 140, rng), frame(3, 260, 140, rng)
    watcher.read(seven)
    first = watcher.read(three)
    assert first.at_once.label == "3"
    assert first.prediction.label == "7"
    later = [watcher.read(three) for _ in range(12)]
    assert later[-1].prediction.label == "3"
    shares = [reading.prediction.probabilities["3"] for reading in later]
    assert shares == sorted(shares)


def test_without_settling_every_frame_speaks_for_itself(predictor: Predictor) -> None:
    rng = np.random.default_rng(1)
    watcher = Watcher(predictor, Habits(settle=1))
    watcher.read(frame(7, 260, 140, rng))
    reading = watcher.read(frame(3, 260, 140, rng))
    assert reading.prediction == reading.at_once


def test_a_digit_that_has_left_is_forgotten_at_once(predictor: Predictor) -> None:
    rng = np.random.default_rng(2)
    watcher = Watcher(predictor, Habits(settle=30))
    watcher.read(frame(7, 260, 140, rng))
    reading = watcher.read(empty(rng))
    assert (reading.prediction.label, reading.prediction.verdict) == (None, "blank")


def test_what_the_model_saw_is_there_when_it_was_wanted(predictor: Predictor) -> None:
    picture = frame(5, 260, 140, np.random.default_rng(0))
    image = Watcher(predictor, Habits(show_image=True)).read(picture).image
    assert image is not None
    assert image.shape == (28, 28)
    assert Watcher(predictor, Habits()).read(picture).image is None


def test_a_habit_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 frame or more, got 0"):
        Habits(settle=0)
