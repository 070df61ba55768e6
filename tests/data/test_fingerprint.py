import numpy as np

from digitkit.core.digitset import Dense, DigitSet, Ragged, origins_of
from digitkit.data.fingerprint import MarkedSet, fingerprint_of, marks_of
from tests.conftest import DrawDigits

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 6), np.uint8)


def test_the_same_pixels_have_the_same_mark_however_they_are_kept() -> None:
    assert (marks_of(Dense(PIXELS)) == marks_of(Ragged.pack(list(PIXELS)))).all()


def test_the_same_bytes_in_another_shape_have_another_mark() -> None:
    pictures = Ragged.pack([PIXELS[0], PIXELS[0].reshape(4, 9), PIXELS[0].reshape(4, 3, 3)])
    assert len(set(marks_of(pictures).tolist())) == 3


def test_the_pictures_of_another_set_are_taken_away() -> None:
    def marked(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> MarkedSet:
        labels = np.zeros(len(pixels), np.int64)
        return MarkedSet.of(DigitSet(Dense(pixels), labels, ("0",), origins_of("a", "train", len(pixels))))

    left = marked(PIXELS).without(marked(PIXELS[[2, 0]]))
    assert left.digits.origins.tolist() == ["a/train/1", "a/train/3"]
    assert (left.marks == marks_of(left.digits.pictures)).all()


def test_one_changed_pixel_label_or_class_changes_the_fingerprint(drawn_digits: DrawDigits) -> None:
    digits = drawn_digits(20, np.random.default_rng(0))
    pixels = np.stack([digits.pictures[index] for index in range(20)])
    other_pixels = pixels.copy()
    other_pixels[7, 3, 3] ^= 1
    other_labels = np.roll(digits.labels, 1)
    prints = [
        fingerprint_of({"primary": MarkedSet.of(DigitSet(Dense(seen), labels, classes, digits.origins))})
        for seen, labels, classes in (
            (pixels, digits.labels, digits.classes),
            (pixels.copy(), digits.labels.copy(), digits.classes),
            (other_pixels, digits.labels, digits.classes),
            (pixels, other_labels, digits.classes),
            (pixels, digits.labels, (*digits.classes[1:], "ten")),
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_the_same_pictures_in_another_part_are_another_fingerprint(drawn_digits: DrawDigits) -> None:
    marked = MarkedSet.of(drawn_digits(10, np.random.default_rng(0)))
    empty = marked.take(np.zeros(0, np.int64))
    assert fingerprint_of({"val": marked, "test": empty}) != fingerprint_of({"val": empty, "test": marked})
