import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digitkit.data.strata import choose, choose_whole, room

label_lists = st.lists(st.integers(0, 5), min_size=1, max_size=200)


def test_each_class_gives_its_share() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    assert np.bincount(labels[choose(labels, 100, seed=0)]).tolist() == [60, 30, 10]


def test_the_choice_is_the_same_for_ever_and_everywhere() -> None:
    labels = np.arange(40) % 4
    assert choose(labels, 8, seed=0).tolist() == [2, 3, 11, 13, 18, 20, 21, 32]


def test_another_seed_chooses_other_pictures() -> None:
    labels = np.arange(1_000) % 10
    assert choose(labels, 100, seed=0).tolist() != choose(labels, 100, seed=1).tolist()


def test_a_class_with_one_picture_keeps_it() -> None:
    labels = np.array([0] * 99 + [1])
    assert 99 not in choose(labels, 90, seed=0, keep=1)


def test_a_rare_class_is_in_the_smallest_choice() -> None:
    labels = np.array([0] * 998 + [1, 2])
    assert set(labels[choose(labels, 3, seed=0, least=1)]) == {0, 1, 2}


@given(label_lists, st.integers(0, 250), st.integers(0, 2**63), st.integers(0, 1), st.integers(0, 2))
def test_a_choice_is_whole_ascending_and_within_its_bounds(
    chosen: list[int], count: int, seed: int, least: int, keep: int
) -> None:
    labels = np.array(chosen)
    indices = choose(labels, count, seed, least, keep)
    assert len(indices) == min(count, room(labels, keep))
    assert (np.diff(indices) > 0).all()
    left = np.bincount(np.delete(labels, indices), minlength=6)
    sizes = np.bincount(labels, minlength=6)
    assert (left >= np.minimum(sizes, keep)).all()


@given(label_lists, st.floats(0, 1))
def test_no_class_is_more_than_one_picture_off_its_share(chosen: list[int], share: float) -> None:
    labels = np.array(chosen)
    count = round(share * len(labels))
    given_sizes = np.bincount(labels[choose(labels, count, seed=1)], minlength=6)
    assert (np.abs(given_sizes - np.bincount(labels, minlength=6) * count / len(labels)) < 1).all()


def test_without_groups_the_choice_is_the_usual_one() -> None:
    labels = np.arange(40) % 4
    assert choose_whole(labels, np.arange(40)[::-1], 8, seed=0).tolist() == choose(labels, 8, seed=0).tolist()


def test_groups_are_drawn_whole_and_fill_the_share_of_their_class() -> None:
    labels, groups = np.repeat([0, 1], 100), np.arange(200) // 5
    chosen = choose_whole(labels, groups, 40, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [20, 20]
    assert set(np.bincount(groups[chosen]).tolist()) == {0, 5}


def test_a_class_of_large_groups_gives_its_smallest() -> None:
    labels, groups = np.zeros(25, np.int64), np.repeat([0, 1, 2], [10, 7, 8])
    assert choose_whole(labels, groups, 3, seed=0, keep=1).tolist() == list(range(10, 17))


def test_a_class_of_one_group_keeps_it() -> None:
    labels, groups = np.array([0] * 6 + [1] * 6), np.array([0] * 6 + [1, 2, 3, 4, 5, 6])
    assert (labels[choose_whole(labels, groups, 4, seed=0, keep=1)] == 1).all()


@given(label_lists, st.integers(1, 30), st.integers(0, 250), st.integers(0, 2**63))
def test_no_group_is_cut_and_no_class_is_emptied(chosen: list[int], groups: int, count: int, seed: int) -> None:
    labels = np.array(chosen)
    numbers = np.random.default_rng(seed % 1000).integers(0, groups, len(labels)) * 6 + labels
    indices = choose_whole(labels, numbers, count, seed, keep=1)
    assert (np.diff(indices) > 0).all()
    rest = np.setdiff1d(np.arange(len(labels)), indices)
    assert set(numbers[indices]).isdisjoint(numbers[rest])
    assert set(labels[rest]) == set(labels)
