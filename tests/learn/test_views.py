"""Shifted views."""

import pytest
import torch

from digitkit.learn.views import COUNTS, SHIFTS, views

IMAGES = torch.rand(3, 2, 6, 6, generator=torch.Generator().manual_seed(0)) + 0.1


@pytest.mark.parametrize("count", COUNTS)
def test_there_are_as_many_as_asked_and_the_first_is_the_image(count: int) -> None:
    made = views(IMAGES, count)
    assert len(made) == count
    assert torch.equal(made[0], IMAGES)
    assert all(view.shape == IMAGES.shape for view in made)


def test_all_are_different() -> None:
    assert len({view.numpy().tobytes() for view in views(IMAGES, 9)}) == 9


def test_a_shift_lets_paper_in_and_wraps_nothing_around() -> None:
    for (down, right), view in zip(SHIFTS, views(IMAGES, 9), strict=True):
        rows, columns = slice(max(0, down), 6 + min(0, down)), slice(max(0, right), 6 + min(0, right))
        back = (slice(max(0, -down), 6 + min(0, -down)), slice(max(0, -right), 6 + min(0, -right)))
        assert torch.equal(view[..., rows, columns], IMAGES[..., back[0], back[1]])
        paper = view.clone()
        paper[..., rows, columns] = 0
        assert float(paper.abs().max()) == 0


def test_the_shifts_of_five_and_nine_are_balanced() -> None:
    for count in (5, 9):
        assert sum(down for down, _ in SHIFTS[:count]) == sum(right for _, right in SHIFTS[:count]) == 0
