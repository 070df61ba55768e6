"""What is accepted as a digit: sure answers, unless the ink is too solid for strokes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from digitkit.learn.acceptance import AT_ONCE, acceptance, part_acceptance
from digitkit.learn.loader import Images
from digitkit.learn.recipe import Mode, PrepareConfig
from tests.conftest import DrawDigits


def sure(count: int, best: float = 0.99) -> Tensor:
    return torch.tensor([best] + [(1 - best) / 9] * 9).repeat(count, 1)


def stroke(width: int, side: int = 28) -> Tensor:
    """An upright stroke (1,1,side,side)."""
    image = torch.zeros(1, 1, side, side)
    image[..., side // 7 : -side // 7, side // 2 : side // 2 + width] = 1
    return image


def test_strokes_are_accepted_as_far_as_their_answer_is_sure(drawn_digits: DrawDigits) -> None:
    drawn = drawn_digits(40, np.random.default_rng(0))
    images = torch.from_numpy(np.stack([drawn.pictures[index] for index in range(40)]))[:, None] / 255
    for best in (0.3, 0.99):
        accepted = acceptance(sure(40, best), images, PrepareConfig())
        assert torch.allclose(accepted, torch.full((40,), best), atol=0.01)


def test_solid_ink_is_accepted_less_the_more_of_it_there_is() -> None:
    accepted = [float(acceptance(sure(1), stroke(width), PrepareConfig())) for width in (3, 6, 9, 14)]
    assert accepted[0] == pytest.approx(0.99)
    assert accepted == sorted(accepted, reverse=True)
    assert accepted[-1] < 0.9


@pytest.mark.parametrize("times", [2, 4])
def test_larger_images_are_judged_alike(times: int) -> None:
    larger = PrepareConfig(size=28 * times, box=20 * times)
    ours = acceptance(sure(1), stroke(9), PrepareConfig())
    assert float(acceptance(sure(1), stroke(9 * times, 28 * times), larger)) == pytest.approx(float(ours), abs=0.02)


def test_photos_are_judged_by_their_answer_alone_and_blank_images_too() -> None:
    photo = PrepareConfig(mode=Mode.photo, size=28)
    assert float(acceptance(sure(1), torch.ones(1, 3, 28, 28), photo)) == pytest.approx(0.99)
    assert float(acceptance(sure(1), torch.zeros(1, 1, 28, 28), PrepareConfig())) == pytest.approx(0.99)


def test_a_whole_part_is_judged_as_one_by_one() -> None:
    count = AT_ONCE + 3
    pixels = (stroke(8).repeat(count, 1, 1, 1) * torch.linspace(0.2, 1, count).view(-1, 1, 1, 1) * 255).to(torch.uint8)
    answers = sure(count)
    whole = part_acceptance(answers, Images(pixels, torch.zeros(count, dtype=torch.long)), PrepareConfig())
    assert torch.allclose(whole, acceptance(answers, pixels / 255, PrepareConfig()))
