"""Labelled pictures keep their order, sizes and origins in every form."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from digitkit.core.digitset import Dense, DigitSet, Encoded, Joined, Ragged, origins_of
from digitkit.core.errors import PictureError
from digitkit.core.picture import Pixels

PICTURES = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(lambda size: st.sampled_from([size, (*size, 3)])),
)


def digits(labels: list[int]) -> DigitSet:
    """Pictures of one pixel whose value is ten times the label."""
    pixels = np.array(labels, np.uint8).reshape(-1, 1, 1) * np.uint8(10)
    return DigitSet(Dense(pixels), np.array(labels, np.int64), ("0", "1", "2"), origins_of("made", "test", len(labels)))


@given(st.lists(PICTURES, max_size=8))
def test_pictures_of_any_sizes_come_back_as_they_were_packed(pictures: list[Pixels]) -> None:
    packed = Ragged.pack(pictures)
    assert len(packed) == len(pictures)
    assert packed.buffer.dtype == np.uint8
    for place, picture in enumerate(pictures):
        assert np.array_equal(packed[place], picture)
        assert packed[place].shape == picture.shape


def test_taking_from_packed_pictures_shares_their_buffer() -> None:
    packed = Ragged.pack([np.full((2, 3), 1, np.uint8), np.full((4, 1, 3), 2, np.uint8), np.full((1, 1), 3, np.uint8)])
    taken = packed.take(np.array([2, 1, 1]))
    assert [int(picture.flat[0]) for picture in (taken[0], taken[1], taken[2])] == [3, 2, 2]
    assert taken[1].shape == (4, 1, 3)
    assert taken.buffer is packed.buffer


def test_dense_pictures_are_taken_in_the_order_asked_for() -> None:
    dense = Dense(np.arange(6, dtype=np.uint8).reshape(3, 1, 2))
    assert dense.take(np.array([2, 0])).pixels[:, 0, 0].tolist() == [4, 0]
    assert dense[1].tolist() == [[2, 3]]


def encoded(*contents: bytes) -> Encoded:
    sizes = np.array([len(content) for content in contents], np.int64)
    return Encoded(np.frombuffer(b"".join(contents), np.uint8), np.cumsum(sizes) - sizes, sizes)


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (3, 2), value).save(buffer, "PNG")
    return buffer.getvalue()


def test_encoded_pictures_are_decoded_when_they_are_read() -> None:
    photos = encoded(png(5), png(200))
    assert len(photos) == 2
    assert photos[1].shape == (2, 3)
    assert photos.take(np.array([1, 0, 1]))[2].max() == 200


def test_what_is_known_of_encoded_pictures_goes_with_them() -> None:
    photos = encoded(png(5), png(200))
    shapes, marks = np.array([[2, 3, 1], [2, 3, 1]], np.int32), np.array([b"a", b"b"], np.void)
    taken = Encoded(photos.buffer, photos.offsets, photos.sizes, shapes, marks).take(np.array([1]))
    assert taken.shapes is not None
    assert taken.shapes.tolist() == [[2, 3, 1]]
    assert taken.marks is not None
    assert taken.marks.tolist() == [b"b"]


def test_pictures_of_several_kinds_are_one_sequence_without_a_copy() -> None:
    dense = Dense(np.arange(6, dtype=np.uint8).reshape(3, 1, 2))
    joined = Joined.of([dense, encoded(png(200))])
    assert [int(joined[index].flat[0]) for index in range(len(joined))] == [0, 2, 4, 200]
    assert [int(picture.flat[0]) for picture in (joined.take(np.array([3, 1]))[0], joined[1])] == [200, 2]
    assert joined.kinds[0] is dense


def test_a_damaged_encoded_picture_is_named_by_its_place() -> None:
    with pytest.raises(PictureError, match=r"^picture 1: "):
        encoded(png(5), b"junk")[1]


def test_a_set_gives_each_picture_with_its_label_as_a_word() -> None:
    assert [(int(picture[0, 0]), label) for picture, label in digits([2, 0])] == [(20, "2"), (0, "0")]


def test_taking_keeps_pictures_labels_and_origins_together() -> None:
    taken = digits([2, 0, 1]).take(np.array([2, 0]))
    assert [(int(picture[0, 0]), label) for picture, label in taken] == [(10, "1"), (20, "2")]
    assert taken.origins.tolist() == ["made/test/2", "made/test/0"]


def test_counts_name_every_class_also_those_without_pictures() -> None:
    assert digits([2, 0, 2]).counts() == {"0": 1, "1": 0, "2": 2}
    assert digits([]).counts() == {"0": 0, "1": 0, "2": 0}


def test_origins_count_from_zero() -> None:
    assert origins_of("mnist", "train", 3).tolist() == ["mnist/train/0", "mnist/train/1", "mnist/train/2"]
    assert len(origins_of("mnist", "train", 0)) == 0


@pytest.mark.parametrize("labels", [[3], [-1]])
def test_a_label_outside_the_classes_is_our_own_mistake(labels: list[int]) -> None:
    with pytest.raises(AssertionError):
        DigitSet(Dense(np.zeros((1, 1, 1), np.uint8)), np.array(labels), ("0", "1", "2"), origins_of("a", "b", 1))


def test_a_label_too_few_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="one label and one origin per picture"):
        DigitSet(Dense(np.zeros((2, 1, 1), np.uint8)), np.array([0]), ("0",), origins_of("a", "b", 2))
