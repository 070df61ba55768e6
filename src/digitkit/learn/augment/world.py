"""What the world does to ink on its way to a file: pencils, forms, paper, light, lenses, sensors.

B pictures of one batch, A side in px. Ink is float (B,1,A,A), 0 = paper, 1 = ink; a picture is float (B,3,A,A), 0..1.
Degrees are drawn evenly between two bounds; what is a length in px grows with the side, as if all had `USUAL` px.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.learn.augment.after import change_some, chosen
from digitkit.learn.augment.flaws import blur_weights
from digitkit.learn.augment.jpeg import as_jpeg
from digitkit.learn.augmenting import BeforeConfig
from digitkit.learn.sampling import highest

USUAL = 28
FAINT = (0.1, 0.5)  # share of the paper's tone that a pencil takes away
RAGGED, TEAR, TEAR_PX = (2, 6), 0.5, 1.0  # how often pixels are torn away, what share of them, and how far
GRAIN = (0.1, 0.7)  # share of the ink that the paper's grain keeps off
FRAY, CUT = 0.25, (0.3, 0.7)  # noise of a black-and-white scan, and what counts as ink in it
THROUGH = (0.2, 0.7)  # strength of what shows through
LINE_DEPTH, LINE_PX, LINE_TONE = 0.16, (0.7, 2.2), (0.4, 1.0)  # how far from the border, how wide, how dark
LINE_CHANCE = 0.4  # of each of the four sides
RULE_GAP, RULE_PX, RULE_TONE, RULE_DEG = (0.15, 0.7), (0.3, 1.4), (0.15, 0.9), 6.0  # of ruled paper; gap over the side
SQUARED = 0.5  # share of ruled paper with lines both ways
HAIRS, HAIR_PX, HAIR_TONE, HAIR_POINTS = 2, (0.3, 1.2), (0.3, 1.0), 60
BLOTS, BLOT_PX = 3, (0.4, 1.8)
HOLE_PX = (1.5, 5.0)
PAPER, CONTRAST = (0.4, 1.0), (0.25, 1.0)  # tone of paper; share of it that other ink takes away
TINT = 0.3
CARD_FREE, BEHIND = (0.02, 0.2), (0.0, 1.0)  # paper left around the digit, tone of what lies behind the card
SLOPE, WAVES, GRID = 0.5, 0.55, (2, 7)  # of the light, and how many hills it has along a side
SHADE, SHADE_PX = (0.15, 0.6), (0.3, 4.0)  # how dark a shadow is, how wide its edge
BLUR_PX, NOISE, SPECKS, QUALITY = (0.3, 1.1), (0.0, 0.15), (0.0, 0.12), (10.0, 80.0)


def seen(ink: Tensor, beside: Tensor, below: Tensor, config: BeforeConfig, rng: torch.Generator) -> Tensor:
    """Pictures of ink as people take them, with other ink beside it and on the other side of the paper.

    Shapes: float (B,1,A,A) each, the first is overwritten -> uint8 (B,A,A,3).
    """
    change_some(ink, chosen(config.outline, ink, rng), _outlined)
    own = ink.clone()
    change_some(ink, chosen(config.ragged, ink, rng), lambda some: _ragged(some, rng))
    faint = chosen(config.pencil, ink, rng)
    change_some(ink, faint, lambda some: _grainy(some, rng))
    change_some(ink, chosen(config.binary, ink, rng) & ~faint, lambda some: _frayed(some, rng))
    ink = torch.maximum(ink, beside * _there(config.neighbours, ink, rng))
    ink = torch.maximum(ink, below * _there(config.bleed, ink, rng) * _each(ink, THROUGH, rng))
    change_some(ink, chosen(config.lines, ink, rng), lambda some: torch.maximum(some, _lines(some, rng)))
    change_some(ink, chosen(config.ruled, ink, rng), lambda some: torch.maximum(some, _rules(some, rng)))
    change_some(ink, chosen(config.stains, ink, rng), lambda some: torch.maximum(some, _blots(some, BLOT_PX, rng)))
    change_some(ink, chosen(config.hairs, ink, rng), lambda some: torch.maximum(some, _hairs(some, rng)))
    change_some(ink, chosen(config.holes, ink, rng), lambda some: some * (1 - _blots(some, HOLE_PX, rng)))
    picture = _written(ink, faint, config, rng)
    on_card = chosen(config.card, ink, rng)
    if on_card.any():
        picture[on_card] = _on_card(picture[on_card], own[on_card], rng)
    change_some(picture, chosen(config.light, ink, rng), lambda some: some * _light(some, rng))
    change_some(picture, chosen(config.shadow, ink, rng), lambda some: some * _shadow(some, rng))
    change_some(picture, chosen(config.blur, ink, rng), lambda some: _blurred(some, rng))
    change_some(picture, chosen(config.noise, ink, rng), lambda some: _noisy(some, rng))
    change_some(picture, chosen(config.specks, ink, rng), lambda some: _speckled(some, rng))
    picture = picture.clamp(0, 1)
    change_some(picture, chosen(config.jpeg, ink, rng), lambda some: as_jpeg(some, draw(some, QUALITY, rng)))
    change_some(picture, chosen(config.invert, ink, rng), lambda some: 1 - some)
    return (picture * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


def draw(like: Tensor, bounds: tuple[float, float], rng: torch.Generator) -> Tensor:
    """A number between two bounds for each, (B,1)."""
    return bounds[0] + torch.rand(len(like), 1, generator=rng) * (bounds[1] - bounds[0])


def _each(like: Tensor, bounds: tuple[float, float], rng: torch.Generator) -> Tensor:
    return draw(like, bounds, rng).view(-1, 1, 1, 1)


def _there(share: float, like: Tensor, rng: torch.Generator) -> Tensor:
    """1 where something is there, else 0, (B,1,1,1)."""
    return chosen(share, like, rng).to(like.dtype).view(-1, 1, 1, 1)


def _px(like: Tensor, bounds: tuple[float, float]) -> tuple[float, float]:
    """Lengths of a picture of usual size, in one of this size."""
    return bounds[0] * like.shape[-1] / USUAL, bounds[1] * like.shape[-1] / USUAL


def _places(like: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every pixel, each 0..1: (A,1) and (A,)."""
    line = (torch.arange(like.shape[-1]) + 0.5) / like.shape[-1]
    return line.unsqueeze(1), line


def _outlined(ink: Tensor) -> Tensor:
    """What lies at the edge of a stroke, 1 px wide."""
    return (highest(ink, 3) - ink).clamp(0, 1)


def _ragged(ink: Tensor, rng: torch.Generator) -> Tensor:
    """Pixels are torn away to places nearby, now to one side, now to another."""
    reach = max(1, round(TEAR_PX * ink.shape[-1] / USUAL))
    for _ in range(int(torch.randint(RAGGED[0], RAGGED[1] + 1, (), generator=rng))):
        step = torch.randint(-reach, reach + 1, (2,), generator=rng).tolist()
        ink = torch.where(torch.rand(ink.shape, generator=rng) < TEAR, ink.roll(step, (2, 3)), ink)
    return ink


def _on_card(picture: Tensor, ink: Tensor, rng: torch.Generator) -> Tensor:
    """A card that ends somewhere around the ink (B,1,A,A), and what lies behind it, of one tone."""
    behind = _each(picture, BEHIND, rng)
    down, across = _places(picture)
    on_card = torch.ones_like(ink)
    for axis, place in ((3, down.view(1, -1)), (2, across.view(1, -1))):
        most = ink.amax(axis).squeeze(1)  # (B,A); thin strokes of a large picture are grey on a small canvas
        line = (most > 0.3 * most.amax(1, keepdim=True)).to(ink.dtype)  # rows or columns with ink
        first = torch.where(line > 0, place, 1.0).amin(1, keepdim=True) - draw(ink, CARD_FREE, rng)
        last = torch.where(line > 0, place, 0.0).amax(1, keepdim=True) + draw(ink, CARD_FREE, rng)
        inside = ((place > first) & (place < last)).to(ink.dtype).view(len(ink), 1, -1, 1)
        on_card = on_card * (inside if axis == 3 else inside.transpose(2, 3))
    return picture * on_card + behind * (1 - on_card)


def _grainy(ink: Tensor, rng: torch.Generator) -> Tensor:
    """The paper's grain keeps some of a pencil's lead off."""
    grain = torch.rand(ink.shape, generator=rng)
    return ink * (1 - _each(ink, GRAIN, rng) * grain)


def _frayed(ink: Tensor, rng: torch.Generator) -> Tensor:
    noise = F.avg_pool2d(torch.randn(ink.shape, generator=rng), 3, 1, 1) * 3  # edges fray in pieces, not in points
    return (ink + FRAY * noise * (ink > 0) > _each(ink, CUT, rng)).to(ink.dtype)


def _lines(ink: Tensor, rng: torch.Generator) -> Tensor:
    """Straight lines along some of the four sides."""
    side, down_across = ink.shape[-1], _places(ink)
    found = torch.zeros_like(ink)
    for number in range(4):
        depth = _each(ink, (0, LINE_DEPTH), rng)
        middle = depth if number < 2 else 1 - depth
        wide, tone = _each(ink, _px(ink, LINE_PX), rng), _each(ink, LINE_TONE, rng)
        there = _there(LINE_CHANCE, ink, rng) * tone
        line = ((wide + 1) / 2 - (down_across[number % 2] - middle).abs() * side).clamp(0, 1)
        found = torch.maximum(found, line * there)
    return found


def _rules(ink: Tensor, rng: torch.Generator) -> Tensor:
    """The lines of an exercise book, at equal distances, one way or both, written across."""
    side, (down, across) = ink.shape[-1], _places(ink)
    angle = _each(ink, (-math.radians(RULE_DEG), math.radians(RULE_DEG)), rng)
    angle = angle + math.pi / 2 * _there(0.5, ink, rng)  # as one holds the book
    gap, wide, tone = _each(ink, RULE_GAP, rng), _each(ink, _px(ink, RULE_PX), rng), _each(ink, RULE_TONE, rng)
    found = torch.zeros_like(ink)
    for turn, there in ((0.0, torch.ones_like(gap)), (math.pi / 2, _there(SQUARED, ink, rng))):
        place = (down * (angle + turn).cos() + across * (angle + turn).sin()) / gap + _each(ink, (0, 1), rng)
        away = (place - place.round()).abs() * gap * side
        found = torch.maximum(found, ((wide + 1) / 2 - away).clamp(0, 1) * tone * there)
    return found


def _blots(ink: Tensor, sizes: tuple[float, float], rng: torch.Generator) -> Tensor:
    """Up to three round blots anywhere."""
    side, (down, across) = ink.shape[-1], _places(ink)
    found = torch.zeros_like(ink)
    for number in range(BLOTS):
        centre = torch.rand(2, len(ink), 1, 1, 1, generator=rng)
        radius = _each(ink, _px(ink, sizes), rng)
        there = _there(1 / (number + 1), ink, rng)
        away = ((down - centre[0]) ** 2 + (across - centre[1]) ** 2).sqrt() * side
        found = torch.maximum(found, (radius + 0.5 - away).clamp(0, 1) * there)
    return found


def _hairs(ink: Tensor, rng: torch.Generator) -> Tensor:
    """One or two thin curves from anywhere to anywhere: parabolas, as near as some points on them tell."""
    side, (down, across) = ink.shape[-1], _places(ink)
    along = torch.linspace(0, 1, HAIR_POINTS)
    weights = torch.stack([(1 - along) ** 2, 2 * along * (1 - along), along**2])  # (3,P)
    found = torch.zeros_like(ink)
    for number in range(HAIRS):
        points = (torch.rand(len(ink), 2, 3, generator=rng) * 1.4 - 0.2) @ weights  # (B,2,P)
        away = torch.full_like(ink, torch.inf)
        for place in points.unbind(2):
            y, x = place.T.reshape(2, -1, 1, 1, 1)
            away = torch.minimum(away, (down - y) ** 2 + (across - x) ** 2)
        wide = _each(ink, _px(ink, HAIR_PX), rng)
        tone = _each(ink, HAIR_TONE, rng) * _there(1 / (number + 1), ink, rng)
        found = torch.maximum(found, (wide + 0.7 - away.sqrt() * side).clamp(0, 1) * tone)
    return found


def _written(ink: Tensor, faint: Tensor, config: BeforeConfig, rng: torch.Generator) -> Tensor:
    """Ink on paper: (B,1,A,A) -> (B,3,A,A)."""
    coloured = _there(config.colour, ink, rng)
    tint = 1 - coloured * TINT * torch.rand(len(ink), 3, 1, 1, generator=rng)
    takes = torch.rand(len(ink), 3, 1, 1, generator=rng)
    takes = 1 - coloured * (1 - takes / takes.amax(1, keepdim=True))  # a pen darkens one of the colours most
    strong, weak = _each(ink, CONTRAST, rng), _each(ink, FAINT, rng)
    contrast = torch.where(faint.view(-1, 1, 1, 1), weak, strong)
    return _each(ink, PAPER, rng) * tint * (1 - contrast * takes * ink)


def _light(picture: Tensor, rng: torch.Generator) -> Tensor:
    """How bright the light is, growing from one side to another and in hills."""
    down, across = _places(picture)
    angle = _each(picture, (0, 2 * math.pi), rng)
    slope = _each(picture, (0, SLOPE), rng) * ((down - 0.5) * angle.sin() + (across - 0.5) * angle.cos())
    hills = int(torch.randint(GRID[0], GRID[1] + 1, (), generator=rng)) + 1
    field = torch.rand(len(picture), 1, hills, hills, generator=rng) - 0.5
    waves = F.interpolate(field, size=picture.shape[2:], mode="bicubic", align_corners=True)
    return 1 + slope + waves * _each(picture, (0, 2 * WAVES), rng)


def _shadow(picture: Tensor, rng: torch.Generator) -> Tensor:
    """A straight edge, beyond which it is darker."""
    side, (down, across) = picture.shape[-1], _places(picture)
    angle, off = _each(picture, (0, 2 * math.pi), rng), _each(picture, (-0.4, 0.4), rng)
    beyond = (down - 0.5) * angle.sin() + (across - 0.5) * angle.cos() - off
    return 1 - _each(picture, SHADE, rng) * torch.sigmoid(beyond * side / _each(picture, _px(picture, SHADE_PX), rng))


def _blurred(picture: Tensor, rng: torch.Generator) -> Tensor:
    rows = blur_weights(draw(picture, _px(picture, BLUR_PX), rng), picture).unsqueeze(1)
    return rows @ picture @ rows.transpose(2, 3)


def _noisy(picture: Tensor, rng: torch.Generator) -> Tensor:
    """Noise of a sensor, in proportion to what there is to see."""
    span = picture.amax((1, 2, 3), keepdim=True) - picture.amin((1, 2, 3), keepdim=True)
    return picture + torch.randn(picture.shape, generator=rng) * span * _each(picture, NOISE, rng)


def _speckled(picture: Tensor, rng: torch.Generator) -> Tensor:
    chance = torch.rand(len(picture), 1, *picture.shape[2:], generator=rng)
    share = _each(picture, SPECKS, rng) / 2
    return torch.where(chance < share, 0.0, torch.where(chance > 1 - share, 1.0, picture))
