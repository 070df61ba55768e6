"""Blends of images: what they are made of, and that the same seed gives the same ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from digitkit.learn.fitting import MixConfig
from digitkit.learn.layers import channels_last
from digitkit.learn.mix import Mixed, mix

ALWAYS = MixConfig(probability=1, mixup_alpha=1, cutmix_alpha=1)
MIXUP, CUTMIX = replace(ALWAYS, cutmix=0), replace(ALWAYS, cutmix=1)
every_way = pytest.mark.parametrize("each", [False, True], ids=["batch", "each"])


def batch(count: int, channels: int = 1, side: int = 12) -> Tensor:
    """Image i has the grey i / count everywhere, so that its share can be read back."""
    greys = torch.arange(count).float() / count
    return channels_last(greys.view(-1, 1, 1, 1).expand(count, channels, side, side))


def blended(images: Tensor, config: MixConfig, step: int = 0) -> Mixed:
    made = mix(images, config, seed=0, step=step)
    assert made is not None
    return made


@every_way
@pytest.mark.parametrize("config", [MIXUP, CUTMIX], ids=["mixup", "cutmix"])
@pytest.mark.parametrize(("count", "channels"), [(1, 1), (2, 3), (7, 1), (33, 3)])
def test_any_batch_is_blended_by_the_shares_that_are_told(
    each: bool, config: MixConfig, count: int, channels: int
) -> None:
    images = batch(count, channels)
    made = blended(images, replace(config, each=each))
    assert made.images.shape == images.shape
    share = made.share.view(-1, 1, 1, 1)
    expected = share * images + (1 - share) * images[made.partners]
    torch.testing.assert_close(made.images.mean((1, 2, 3)), expected.mean((1, 2, 3)))
    assert made.images.min() >= 0
    assert made.images.max() <= 1


def test_mixup_fades_the_whole_image() -> None:
    made = blended(batch(9), replace(MIXUP, each=True))
    assert (made.images.flatten(1).std(1) < 1e-6).all()
    assert len(set(made.share.tolist())) == 9


def test_cutmix_pastes_one_rectangle_of_another_image() -> None:
    images = torch.arange(8.0).view(-1, 1, 1, 1).expand(8, 1, 12, 12) / 8
    made = blended(images, replace(CUTMIX, each=True), step=3)
    for place, (image, partner) in enumerate(zip(made.images[:, 0], made.partners.tolist(), strict=True)):
        pasted = (image == images[partner, 0]).nonzero()
        if partner == place or not len(pasted):
            continue
        (top, left), (bottom, right) = pasted.min(0).values.tolist(), pasted.max(0).values.tolist()
        assert (bottom - top + 1) * (right - left + 1) == len(pasted)
        assert float(made.share[place]) == pytest.approx(1 - len(pasted) / 144)
        assert set(image.flatten().tolist()) <= {float(images[partner, 0, 0, 0]), float(images[place, 0, 0, 0])}


def test_rectangles_are_cut_off_at_the_borders_and_may_lie_anywhere() -> None:
    images = batch(400)
    made = blended(images, replace(CUTMIX, each=True))
    pasted = (made.images != images).float().mean(0)[0]  # how often each pixel is another image's
    assert pasted.min() > 0.1
    assert pasted[6, 6] > pasted[0, 0]


@every_way
def test_the_same_seed_and_step_give_the_same_blends_and_others_do_not(each: bool) -> None:
    images, config = batch(16), replace(ALWAYS, each=each)
    first, again = (mix(images, config, seed=5, step=8) for _ in range(2))
    assert first is not None
    assert again is not None
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.partners, again.partners)
    for seed, step in ((5, 9), (6, 8)):
        other = mix(images, config, seed=seed, step=step)
        assert other is not None
        assert not torch.equal(first.images, other.images)


def test_the_probability_is_the_share_of_batches() -> None:
    config = MixConfig(probability=0.102)
    made = sum(mix(batch(2), config, seed=0, step=step) is not None for step in range(2000))
    assert 160 < made < 250


def test_where_each_image_draws_it_is_the_share_of_images_and_the_others_stay_to_the_bit() -> None:
    images = torch.rand(2000, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    made = blended(images, replace(MIXUP, probability=0.3, each=True))
    whole = made.share == 1
    assert 1300 < int(whole.sum()) < 1500
    assert torch.equal(made.images[whole], images[whole])


def test_the_share_of_cutmix_is_kept() -> None:
    images = batch(2000, side=6)
    made = blended(images, replace(ALWAYS, cutmix=0.8, each=True))
    faded = (made.images.flatten(1).std(1) < 1e-6) & (made.share > 0.05) & (made.share < 0.95)
    assert 0.1 < float(faded.float().mean()) < 0.25


def test_nothing_is_blended_by_default() -> None:
    assert all(mix(batch(4), MixConfig(), seed=0, step=step) is None for step in range(20))


def test_blends_keep_the_memory_order_that_convolutions_want() -> None:
    images = batch(6, channels=3)
    made = blended(images, replace(ALWAYS, each=True))
    assert made.images.is_contiguous(memory_format=torch.channels_last)
    assert made.images.dtype == torch.float32
