"""What the exported file is compared with, and when it is refused."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from digitkit.core.digitset import Dense, DigitSet, Ragged, origins_of
from digitkit.core.errors import BundleError
from digitkit.core.picture import Pixels
from digitkit.export.graph import Graph
from digitkit.export.parity import check, sized_batches
from digitkit.export.write import to_onnx
from digitkit.learn.recipe import Mode, PrepareConfig
from tests.conftest import DrawDigits

CLASSES = ("0", "1")


def digits_of(pictures: list[Pixels]) -> DigitSet:
    count = len(pictures)
    return DigitSet(Ragged.pack(pictures), np.zeros(count, np.int64), CLASSES, origins_of("some", "test", count))


def linear_graph() -> Graph:
    """The smallest reader there is: the door and one matrix."""
    torch.manual_seed(0)
    return Graph(PrepareConfig(mode=Mode.photo), nn.Sequential(nn.Flatten(), nn.Linear(784, 2))).eval()


@pytest.fixture(scope="module")
def content() -> bytes:
    return bytes(to_onnx(linear_graph()).SerializeToString())


def test_a_faithful_file_passes_with_its_figures(content: bytes, drawn_digits: DrawDigits) -> None:
    found = check(linear_graph(), content, drawn_digits(40, np.random.default_rng(0)))
    assert (found.pictures, found.sizes, found.agreement) == (40, 4, 1)
    assert found.difference < 1e-5


def test_a_file_of_other_weights_is_refused(content: bytes, drawn_digits: DrawDigits) -> None:
    graph = linear_graph()
    with torch.no_grad():
        next(graph.reader.network.parameters()).mul_(0.9)
    with pytest.raises(BundleError, match=r"differs from torch: .* at worst over 8 digits, at most 0\.0001 is allowed"):
        check(graph, content, drawn_digits(8, np.random.default_rng(0)))


def test_answers_that_are_no_numbers_are_refused(drawn_digits: DrawDigits) -> None:
    graph = linear_graph()
    with torch.no_grad():
        next(graph.reader.network.parameters()).fill_(torch.nan)
    with pytest.raises(BundleError, match="differs from torch: inf"):
        check(graph, to_onnx(graph).SerializeToString(), drawn_digits(8, np.random.default_rng(0)))


def test_a_long_comparison_tells_how_far_it_is(content: bytes, drawn_digits: DrawDigits) -> None:
    told: list[tuple[int, int, str]] = []
    digits = drawn_digits(120, np.random.default_rng(0))
    check(linear_graph(), content, digits, lambda *step: told.append(step))
    assert told[0] == (0, 120, "comparing with torch")
    assert [done for done, *_ in told] == sorted({done for done, *_ in told})
    assert all(later[0] - before[0] <= 50 for before, later in pairwise(told))


def test_without_pictures_nothing_can_be_checked(content: bytes) -> None:
    with pytest.raises(BundleError, match="No pictures to check the exported file with"):
        check(linear_graph(), content, digits_of([]))


def test_pictures_are_chosen_evenly_and_shown_at_several_sizes() -> None:
    values = np.arange(200, dtype=np.uint8)
    pixels = np.broadcast_to(values[:, None, None], (200, 20, 10)).copy()
    digits = DigitSet(Dense(pixels), np.zeros(200, np.int64), CLASSES, origins_of("some", "test", 200))
    batches = sized_batches(digits, 50, 5)
    assert max(map(len, batches)) == 5
    assert {batch.shape[1:] for batch in batches} == {(20, 10, 3), (12, 6, 3), (34, 17, 3), (100, 50, 3)}
    shown = sorted(int(picture.flat[0]) for batch in batches for picture in batch)
    assert len(shown) == 50
    assert (shown[0], shown[-1]) == (0, 199)
    assert max(np.diff(shown)) <= 5


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1000, 1), (1000, 1000, 3)])
def test_stretched_pictures_stay_within_bounds(shape: tuple[int, ...]) -> None:
    batches = sized_batches(digits_of([np.zeros(shape, np.uint8)] * 4), 4, 4)
    assert sum(len(batch) for batch in batches) == 4
    assert all(1 <= side <= 512 for batch in batches for side in batch.shape[1:3])
