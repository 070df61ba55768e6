"""Blur, few pixels, noise and JPEG do what a lens, a sensor and a file do."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from digitkit.learn.augment.flaws import block_weights, blur_weights, flaw, shrink_weights
from digitkit.learn.augment.jpeg import as_jpeg
from digitkit.learn.augmenting import FlawsConfig


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, channels: int, side: int) -> Tensor:
    """Soft spots, float (N,C,S,S)."""
    coarse = torch.rand(count, channels, 6, 6, generator=seeded(1))
    return torch.nn.functional.interpolate(coarse, size=side, mode="bilinear")


def both_ways(weights: Tensor, images: Tensor) -> Tensor:
    return weights.unsqueeze(1) @ images @ weights.unsqueeze(1).transpose(2, 3)


@pytest.mark.parametrize("std", [0.3, 1.0, 2.5])
def test_blur_is_a_gaussian(std: float) -> None:
    image = torch.rand(1, 1, 40, 40, generator=seeded())
    ours = both_ways(blur_weights(torch.tensor([[std]]), image), image)[0, 0].numpy()
    theirs = ndimage.gaussian_filter(image[0, 0].numpy(), std, truncate=8)
    assert np.abs(ours - theirs)[12:-12, 12:-12].max() < 1e-4


@pytest.mark.parametrize("build", [blur_weights, shrink_weights, block_weights])
@pytest.mark.parametrize("side", [8, 28, 45])
def test_an_even_picture_stays_as_it_is(build: object, side: int) -> None:
    assert callable(build)
    images = torch.full((5, 1, side, side), 0.7)
    degree = torch.tensor([[1.0], [1.5], [2.0], [3.7], [100.0]])
    assert torch.allclose(both_ways(build(degree, images), images), images, atol=1e-5)


def test_nothing_is_lost_when_a_picture_is_shrunk_once_or_in_blocks_of_one_pixel() -> None:
    images = torch.rand(2, 1, 28, 28, generator=seeded())
    for build in (shrink_weights, block_weights):
        assert torch.allclose(both_ways(build(torch.ones(2, 1), images), images), images, atol=1e-5)


def test_shrinking_is_two_bilinear_changes_of_size() -> None:
    image = torch.rand(1, 1, 32, 32, generator=seeded())
    ours = both_ways(shrink_weights(torch.tensor([[4.0]]), image), image)
    small = torch.nn.functional.interpolate(image, size=8, mode="bilinear", antialias=True)
    theirs = torch.nn.functional.interpolate(small, size=32, mode="bilinear")
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_blocks_have_the_mean_of_what_they_cover() -> None:
    image = torch.rand(1, 1, 24, 24, generator=seeded())
    ours = both_ways(block_weights(torch.tensor([[4.0]]), image), image)
    means = torch.nn.functional.avg_pool2d(image, 4)
    assert torch.allclose(ours, means.repeat_interleave(4, 2).repeat_interleave(4, 3), atol=1e-5)


def test_noise_has_at_most_the_asked_deviation() -> None:
    images = torch.full((300, 1, 32, 32), 0.5)
    deviation = (flaw(images.clone(), FlawsConfig(noise=1, noise_std=0.1), seeded()) - 0.5).std((1, 2, 3))
    assert float(deviation.max()) < 0.107
    assert float(deviation.min()) < 0.01
    assert 0.045 < float(deviation.mean()) < 0.055


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [5, 20, 50, 55, 90])
@pytest.mark.parametrize("side", [32, 45])
def test_jpeg_is_that_of_pillow(mode: str, quality: int, side: int) -> None:
    images = smooth(4, len(mode), side)
    ours = as_jpeg(images, torch.full((4, 1), float(quality))).numpy()
    for image, made in zip(images, ours, strict=True):
        pixels = (image.permute(1, 2, 0).squeeze().numpy() * 255).round().astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        theirs = np.asarray(Image.open(file), np.float32) / 255
        lost, apart = np.abs(theirs - pixels / 255).mean(), np.abs(made.transpose(1, 2, 0).squeeze() - theirs).mean()
        assert apart < max(0.006, 0.4 * lost)


def test_a_worse_quality_loses_more() -> None:
    images = torch.rand(1, 3, 64, 64, generator=seeded()).expand(4, -1, -1, -1)
    lost = (as_jpeg(images, torch.tensor([[5.0], [20.0], [55.0], [100.0]])) - images).abs().mean((1, 2, 3))
    assert lost.tolist() == sorted(lost.tolist(), reverse=True)


@pytest.mark.parametrize(
    "config",
    [
        FlawsConfig(blur=0.3),
        FlawsConfig(shrink=0.3),
        FlawsConfig(pixelate=0.3),
        FlawsConfig(noise=0.3),
        FlawsConfig(jpeg=0.3),
    ],
    ids=["blur", "shrink", "pixelate", "noise", "jpeg"],
)
def test_about_the_asked_share_is_flawed(config: FlawsConfig) -> None:
    images = torch.rand(400, 1, 16, 16, generator=seeded(1))
    made = flaw(images.clone(), config, seeded())
    touched = (made - images).abs().amax((1, 2, 3)) > 1e-4
    assert 0.15 < float(touched.float().mean()) < 0.38
