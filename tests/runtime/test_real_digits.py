"""The bundle that ships reads real digits from places that it was not trained on, however they are given."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.runtime.predictor import Predictor

FIXTURE = Path(__file__).parents[1] / "fixtures" / "digits.npz"
SETS = ("semeion", "optdigits", "pendigits", "kensanata", "hwd1000")


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return Predictor.load("default", device="cpu")


def digits_of(name: str) -> tuple[list[Pixels], list[str]]:
    """The pictures of one set and their labels."""
    with np.load(FIXTURE, allow_pickle=False) as stored:
        return list(stored[f"{name}_images"]), [str(label) for label in stored[f"{name}_labels"]]


def enlarged(picture: Pixels) -> Pixels:
    side = 9 * picture.shape[0]
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def on_a_larger_sheet(picture: Pixels) -> Pixels:
    edge = int(np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])))
    return np.pad(picture, picture.shape[0] // 2, constant_values=edge)


AS_GIVEN: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda picture: picture,
    "inverted": lambda picture: 255 - picture,
    "enlarged": enlarged,
    "on a larger sheet": on_a_larger_sheet,
    "in colour": lambda picture: np.stack([picture, picture // 2 + 60, picture // 3 + 90], axis=2),
}


@pytest.mark.parametrize("way", AS_GIVEN)
def test_nine_of_ten_real_digits_are_read_right_in_every_way_they_may_come(reader: Predictor, way: str) -> None:
    right = total = 0
    for name in SETS:
        pictures, labels = digits_of(name)
        answers = reader.predict([AS_GIVEN[way](picture) for picture in pictures])
        right += sum(answer.label == label for answer, label in zip(answers, labels, strict=True))
        total += len(labels)
    assert total == 100
    assert right >= 90


@pytest.mark.parametrize("name", SETS)
def test_every_set_of_the_fixture_holds_each_class_twice(name: str) -> None:
    pictures, labels = digits_of(name)
    assert sorted(labels) == sorted("0123456789" * 2)
    assert all(picture.dtype == np.uint8 for picture in pictures)


def test_no_real_digit_is_called_blank(reader: Predictor) -> None:
    answers = [answer for name in SETS for answer in reader.predict(digits_of(name)[0])]
    assert [answer.verdict for answer in answers].count("blank") == 0
