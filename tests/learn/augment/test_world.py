"""What the world does to ink: every change by itself, on pictures that are easy to judge."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from digitkit.learn.augment import world
from digitkit.learn.augment.world import seen
from digitkit.learn.augmenting import BeforeConfig

NONE = BeforeConfig(k=1)
COUNT, SIDE = 30, 32


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def block(count: int = COUNT, side: int = SIDE, tone: float = 1.0) -> Tensor:
    """A square of ink in the middle, half as wide as the picture, float (B,1,A,A)."""
    ink = torch.zeros(count, 1, side, side)
    ink[:, :, side // 4 : -side // 4, side // 4 : -side // 4] = tone
    return ink


def changed(*names: str, ink: Tensor | None = None, beside: float = 0.0, below: float = 0.0, seed: int = 0) -> Tensor:
    """Pictures on which some changes are made to all, with so much ink beside them and below: float (B,A,A,3)."""
    ink = block() if ink is None else ink
    others = torch.full_like(ink, beside), torch.full_like(ink, below)
    return seen(ink.clone(), *others, all_get(*names), seeded(seed)).float()


def all_get(*names: str) -> BeforeConfig:
    """Some changes are made to all, the others to none."""
    given: dict[str, Any] = dict.fromkeys(names, 1.0)
    return replace(NONE, **given)


def contrast(pictures: Tensor, inside: Tensor) -> Tensor:
    """How much darker the ink is than the paper, as a share of the paper: (B,)."""
    grey, ink = pictures.mean(3), inside.squeeze(1)
    paper = (grey * (1 - ink)).sum((1, 2)) / (1 - ink).sum((1, 2))
    return 1 - (grey * ink).sum((1, 2)) / ink.sum((1, 2)) / paper


every_change = pytest.mark.parametrize("name", BeforeConfig.changes())


@every_change
@pytest.mark.parametrize(("count", "side"), [(1, 12), (7, 20), (3, 64)])
def test_a_picture_is_a_whole_picture_after_any_change(name: str, count: int, side: int) -> None:
    made = seen(block(count, side), block(count, side), block(count, side), all_get(name), seeded())
    assert made.shape == (count, side, side, 3)
    assert made.dtype == torch.uint8
    assert float(made.float().std()) > 1


@every_change
def test_a_change_is_made_to_all_or_to_none_and_again_with_the_same_seed(name: str) -> None:
    first, again, none = (changed(*names, beside=1, below=1) for names in ((name,), (name,), ()))
    assert torch.equal(first, again)
    same = (first == none).flatten(1).all(1)
    assert float(same.float().mean()) <= 0.5  # stains may miss a picture, and a good JPEG keeps a plain block
    assert torch.equal(none, changed())


def test_a_pencil_is_fainter_than_a_pen() -> None:
    pencil, pen = (contrast(changed(*names), block()) for names in (("pencil",), ()))
    assert float(pencil.mean()) < 0.5 * float(pen.mean())


def test_an_outline_is_hollow() -> None:
    middle = changed("outline")[:, SIDE // 2, SIDE // 2]
    assert torch.equal(middle, changed("outline")[:, 0, 0])


def test_other_ink_beside_and_below_is_seen_where_it_is_wanted_only() -> None:
    corner = (slice(None), 0, 0, 0)
    nothing = changed()[corner]
    assert bool((changed("neighbours", beside=1)[corner] < nothing).all())
    assert bool((changed("bleed", below=1)[corner] < nothing).all())
    assert torch.equal(changed(beside=1, below=1)[corner], nothing)
    through = nothing - changed("bleed", below=1)[corner]
    assert bool((through < nothing - changed("neighbours", beside=1)[corner]).all())


def test_form_lines_lie_near_the_border() -> None:
    made = changed("lines", ink=torch.zeros(COUNT, 1, SIDE, SIDE))[..., 0]
    paper = made[:, SIDE // 2, SIDE // 2].view(-1, 1, 1)
    assert bool((made < paper).any())
    assert bool((made == paper)[:, 9:-9, 9:-9].all())


@pytest.mark.parametrize("tone", [1.0, 0.15])
def test_ink_stays_on_its_card(tone: float) -> None:
    """Thin strokes of a large picture are grey where it is made small."""
    ink = block(tone=tone)
    on_card, plain = (changed(*names, ink=ink) for names in (("card",), ()))
    inside = (ink > 0).squeeze(1)
    assert torch.equal(on_card[inside], plain[inside])
    assert not torch.equal(on_card, plain)


def test_light_and_shadow_change_paper_and_ink_alike() -> None:
    for name in ("light", "shadow"):
        lit, plain = changed(name), changed()
        assert float((lit - plain).abs().mean()) > 5
        factor = lit[:, ::5, ::5] / plain[:, ::5, ::5].clamp_min(1)
        assert torch.allclose(factor[..., 0], factor[..., 2], atol=0.1)  # light has no colour


def test_colour_comes_with_a_coloured_pen_only() -> None:
    spread = [float((made.amax(3) - made.amin(3)).max()) for made in (changed("colour"), changed())]
    assert spread[0] > 20
    assert spread[1] == 0


def test_bright_ink_is_dark_ink_turned_over() -> None:
    assert torch.equal(changed("invert"), 255 - changed())


def test_a_scan_in_black_and_white_has_two_tones() -> None:
    assert all(len(picture.unique()) <= 2 for picture in changed("binary"))


def test_lengths_grow_with_the_picture() -> None:
    small, large = (world._px(block(1, side), (1.0, 2.0)) for side in (28, 56))
    assert small == (1.0, 2.0)
    assert large == (2.0, 4.0)
