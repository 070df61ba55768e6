import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digitkit.data.neighbours import MOST, close_pairs


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
