"""What other tests rely on: the drawn digits and the pulled plug."""

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from digitkit.core.digitset import DigitSet
from digitkit.core.files import cache_folder
from digitkit.core.picture import Pixels
from tests.conftest import DrawDigits


def pixels(digits: DigitSet) -> Pixels:
    """All pictures of one size at once, uint8 (N,S,S)."""
    return np.stack([digits.pictures[index] for index in range(len(digits.labels))])


def test_drawn_digits_show_every_class_equally_often(drawn_digits: DrawDigits) -> None:
    digits = drawn_digits(40, np.random.default_rng(0))
    assert np.bincount(digits.labels).tolist() == [4] * 10
    assert all(picture.shape == (28, 28) and int(picture.max()) > 250 for picture in pixels(digits))


def test_drawn_digits_of_one_seed_are_the_same(drawn_digits: DrawDigits) -> None:
    first, second, other = (drawn_digits(20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(pixels(first), pixels(second))
    assert not np.array_equal(pixels(first), pixels(other))


def test_drawn_digits_come_in_any_size(drawn_digits: DrawDigits) -> None:
    assert drawn_digits(1, np.random.default_rng(3), side=200).pictures[0].shape == (200, 200)


def test_the_tests_have_no_network() -> None:
    with pytest.raises(urllib.error.URLError, match="no network"):
        urllib.request.urlopen("http://example.com", timeout=1)
    with pytest.raises(OSError, match="no network"), socket.socket() as far:
        far.connect(("192.0.2.1", 80))


def test_a_server_of_this_machine_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        assert near.getpeername() == server.getsockname()


def test_the_cache_of_the_tests_is_not_the_users(tmp_path: Path) -> None:
    assert cache_folder() == Path(os.environ["DIGITKIT_CACHE"])
    assert cache_folder().is_relative_to(tmp_path.parent.parent)
