"""What prepare does can be looked at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitkit.core.errors import ConfigError
from digitkit.learn.recipe import Mode, PrepareConfig
from digitkit.learn.steps import draw
from tests.conftest import DrawDigits


@pytest.mark.parametrize("side", [28, 200])
def test_the_steps_of_a_picture_are_drawn_beside_each_other(
    drawn_digits: DrawDigits, tmp_path: Path, side: int
) -> None:
    grey = drawn_digits(1, np.random.default_rng(0), side=side).pictures[0]
    facts = draw(np.repeat(grey[..., None], 3, axis=2), PrepareConfig(), tmp_path / "steps.png")
    with Image.open(tmp_path / "steps.png") as picture:
        assert picture.width > 2 * picture.height
    assert {"ink share", "contrast"} <= set(facts)
    assert 0 < float(facts["contrast"]) <= 1


def test_mode_photo_has_no_steps_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prepare\.mode=photo only resizes and cuts"):
        draw(np.zeros((5, 5, 3), np.uint8), PrepareConfig(mode=Mode.photo), tmp_path / "steps.png")
    assert list(tmp_path.iterdir()) == []
