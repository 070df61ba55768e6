"""Light and colour: what is grey stays grey, what is off stays as it is."""

import pytest
import torch
from torch import Tensor

from digitkit.learn.augment.colour import LUMA, recolour
from digitkit.learn.augmenting import ColourConfig


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_colours(count: int = 50) -> Tensor:
    """Colours in the middle of the range, so that nothing is cut off: float (N,3,4,4)."""
    return 0.4 + 0.2 * torch.rand(count, 3, 4, 4, generator=seeded(1))


def changed(images: Tensor, **settings: float) -> Tensor:
    return recolour(images.clone(), ColourConfig(**settings), seeded())


@pytest.mark.parametrize("settings", [{"hue": 0.5}, {"saturation": 1.0}, {"hue": 0.3, "saturation": 0.7, "swap": 0.5}])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_grey_has_no_colour_to_change(settings: dict[str, float], channels: int) -> None:
    grey = torch.rand(20, 1, 5, 5, generator=seeded(1)).expand(-1, channels, -1, -1)
    assert torch.allclose(changed(grey, **settings), grey, atol=1e-5)


def test_saturation_leaves_the_brightness_of_a_colour() -> None:
    images = some_colours()
    luma = torch.tensor(LUMA).view(1, 3, 1, 1)
    made = changed(images, saturation=0.7)
    assert not torch.allclose(made, images, atol=0.01)
    assert torch.allclose((made * luma).sum(1), (images * luma).sum(1), atol=1e-5)


def test_a_third_of_the_colour_circle_makes_red_green_or_blue() -> None:
    red = torch.tensor([0.6, 0.3, 0.3]).view(1, 3, 1, 1).expand(500, 3, 1, 1)
    made = changed(red, hue=1 / 3).flatten(1)
    assert torch.allclose(made.sum(1), torch.full((500,), 1.2), atol=1e-5)
    strongest = made.argmax(1)
    assert {int(channel) for channel in strongest} == {0, 1, 2}


def test_swapped_colours_are_blue_where_red_was() -> None:
    images = some_colours()
    assert torch.allclose(changed(images, swap=1), images.flip(1), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_multiplies_every_value_alike(channels: int) -> None:
    images = torch.full((400, channels, 3, 3), 0.5)
    made = changed(images, brightness=0.4)
    assert bool((made == made[:, :1, :1, :1]).all())
    assert 0.3 <= float(made.min()) < 0.32
    assert 0.68 < float(made.max()) <= 0.7


def test_contrast_changes_the_distance_to_the_mean_and_not_the_mean() -> None:
    images = some_colours()
    made = changed(images, contrast=0.5)
    assert torch.allclose(made.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5)
    ratio = made.std((1, 2, 3)) / images.std((1, 2, 3))
    assert 0.5 <= float(ratio.min()) < 0.7 < 1.3 < float(ratio.max()) <= 1.5 + 1e-4


def test_the_strongest_changes_stay_in_range() -> None:
    images = torch.rand(100, 3, 6, 6, generator=seeded(1))
    made = changed(images, hue=0.5, saturation=1, brightness=1, contrast=1, swap=0.5)
    assert bool(made.isfinite().all())
    assert 0 <= float(made.min()) <= float(made.max()) <= 1
