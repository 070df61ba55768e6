import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digitkit.data.neighbours import MOST, close_pairs
from digitkit.data.product import product


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 1_500),
    numbers=st.integers(2, 40),
    radius=st.floats(0.05, 0.5),
)
def test_all_close_pairs_are_found_and_no_others(seed: int, count: int, numbers: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (count, numbers)).astype(np.float32)
    if numbers < 5:
        points *= 30  # sparse enough that nobody has more than MOST neighbours
    for twin in range(0, count - 1, 2):  # every second has one neighbour at about the radius
        points[twin + 1] = points[twin] + rng.normal(0, radius / np.sqrt(numbers), numbers)
    squared = ((points.astype(np.float64)[:, None] - points[None]) ** 2).sum(axis=2) if count else np.zeros((0, 0))
    expected = np.argwhere(np.triu(squared <= radius**2, 1)).tolist()
    doubtful = np.argwhere(np.triu(np.abs(np.sqrt(squared) - radius) < 1e-5, 1)).tolist()
    got = close_pairs(points, radius).tolist()
    assert [pair for pair in got if pair not in doubtful] == [pair for pair in expected if pair not in doubtful]


def test_in_a_crowd_everyone_keeps_some_neighbours_and_pairs_stay_few() -> None:
    points = np.random.default_rng(0).normal(0, 1e-3, (4_000, 8)).astype(np.float32)
    pairs = close_pairs(points, 1.0)
    assert len(pairs) <= MOST * len(points)
    assert len(np.unique(pairs)) == len(points)


def test_a_twin_is_found_among_many_that_only_the_last_numbers_tell_apart() -> None:
    rng = np.random.default_rng(0)
    points = np.zeros((600, 60), np.float32)
    points[:300, :40] = rng.normal(0, 1, (300, 40))  # these give the main axes
    points[300:, 40:] = rng.normal(0, 0.04, (300, 20))  # and these look alike on them
    points[599] = points[300]
    pairs = close_pairs(points, 0.09)
    assert [300, 599] in pairs.tolist()


def test_products_in_slices_are_products() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 1, (1_001, 30)), rng.normal(0, 1, (30, 77))
    np.testing.assert_allclose(product(left, right), left @ right, atol=1e-12)
