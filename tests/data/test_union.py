import numpy as np
import pytest

from digitkit.core.digitset import Dense, DigitSet, Encoded, Joined, Pictures, Ragged, origins_of
from digitkit.core.picture import Pixels
from digitkit.data.union import relabel, shared_classes, unite

CLASSES = ("0", "1")


def digits_of(pictures: Pictures, classes: tuple[str, ...] = CLASSES, name: str = "a") -> DigitSet:
    labels = np.arange(len(pictures), dtype=np.int64) % len(classes)
    return DigitSet(pictures, labels, classes, origins_of(name, "train", len(pictures)))


def random_pixels(*shape: int) -> Pixels:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)


def test_dense_sets_of_one_size_stay_dense() -> None:
    first, second = random_pixels(3, 4, 5), random_pixels(2, 4, 5)
    united = unite([digits_of(Dense(first)), digits_of(Dense(second), name="b")], CLASSES, "content")
    assert isinstance(united.pictures, Dense)
    assert np.array_equal(united.pictures.pixels, np.concatenate([first, second]))
    assert united.origins.tolist() == ["a/train/0", "a/train/1", "a/train/2", "b/train/0", "b/train/1"]
    assert united.labels.tolist() == [0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    "second",
    [
        Dense(random_pixels(2, 6, 5)),
        Dense(random_pixels(2, 4, 5, 3)),
        Ragged.pack([random_pixels(2, 2), random_pixels(3, 1, 3)]),
    ],
    ids=["another size", "colour", "ragged"],
)
def test_sets_of_several_kinds_become_ragged_with_every_pixel(second: Pictures) -> None:
    first = Dense(random_pixels(3, 4, 5))
    united = unite([digits_of(first), digits_of(second)], CLASSES, "content")
    assert isinstance(united.pictures, Ragged)
    expected = [group[index] for group in (first, second) for index in range(len(group))]
    assert all(np.array_equal(united.pictures[index], picture) for index, picture in enumerate(expected))


def test_photos_stay_encoded_beside_other_pictures() -> None:
    photos = Encoded(np.frombuffer(b"P5 2 1 255 ab", np.uint8), np.array([0, 0]), np.array([13, 13]))
    united = unite([digits_of(Dense(random_pixels(3, 4, 5))), digits_of(photos)], CLASSES, "content")
    assert isinstance(united.pictures, Joined)
    assert united.pictures.kinds[1] is photos
    assert united.pictures[4].tolist() == [[ord("a"), ord("b")]]


def test_a_single_set_is_not_copied() -> None:
    digits = digits_of(Dense(random_pixels(3, 4, 5)))
    assert unite([digits, digits.take(np.zeros(0, np.int64))], CLASSES, "") is digits


def test_nothing_at_all_is_an_empty_set_with_its_classes() -> None:
    united = unite([], CLASSES, "")
    assert len(united) == 0
    assert united.classes == CLASSES


def test_the_shared_classes_are_those_with_pictures_sorted() -> None:
    sets = [
        digits_of(Dense(random_pixels(2, 4, 4)), ("b", "a", "empty")),
        digits_of(Dense(random_pixels(1, 4, 4)), ("c",)),
    ]
    assert shared_classes(sets) == ("a", "b", "c")


def test_labels_keep_their_names_in_another_vocabulary() -> None:
    digits = digits_of(Dense(random_pixels(4, 4, 4)), ("7", "3"))
    moved, unknown = relabel(digits, ("3", "5", "7"))
    assert [name for _, name in moved] == [name for _, name in digits]
    assert unknown == {}


def test_pictures_of_unknown_labels_are_counted_and_left_out() -> None:
    digits = digits_of(Dense(random_pixels(5, 4, 4)), ("3", "x"))
    known, unknown = relabel(digits, ("3",))
    assert unknown == {"x": 2}
    assert known.origins.tolist() == ["a/train/0", "a/train/2", "a/train/4"]
