"""Pictures are prepared once and drawn fairly."""

import io
import os
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from digitkit.core.digitset import Dense, DigitSet, Encoded, Joined, Ragged, origins_of
from digitkit.core.picture import Pixels
from digitkit.data.batches import Drawing, DrawPlan
from digitkit.learn.batches import Batches
from digitkit.learn.loader import Images, as_colour, batches_of_one_size, content_key, prepared
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import Mode, PrepareConfig
from tests.conftest import DrawDigits

CLASSES = tuple("0123456789")


def images_of(count: int) -> Images:
    """Images whose one pixel is their own number: uint8 (N,1,1,1)."""
    return Images(torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1), torch.arange(count))


def mixed(sizes: list[tuple[int, ...]], rng: np.random.Generator) -> DigitSet:
    """Random pictures of these shapes."""
    pictures: list[Pixels] = [rng.integers(0, 256, size).astype(np.uint8) for size in sizes]
    labels = np.arange(len(sizes)) % 10
    return DigitSet(Ragged.pack(pictures), labels, CLASSES, origins_of("mixed", "train", len(sizes)))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test."""
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stamps(folder: Path) -> dict[str, int]:
    """When each array below a folder was written, ns."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.npy")}


def batches_of(count: int, batch: int, steps: int, seed: int, hard_share: float = 0.0) -> Batches:
    """Batches of such images, a class for each."""
    plan = DrawPlan(count, batch=batch, seed=seed, hard_share=hard_share)
    return Batches(images_of(count), Drawing(np.arange(count), tuple(map(str, range(count))), plan, steps))


def test_pixels_labels_and_indices_belong_together() -> None:
    batches = batches_of(20, 6, 10, 0)
    drawn = list(batches)
    assert len(drawn) == len(batches) == 10
    for pixels, labels, indices in drawn:
        assert torch.equal(pixels.flatten().long(), labels)
        assert torch.equal(labels, indices)


def with_losses(batches: Batches, steps: int) -> list[list[int]]:
    """The labels of some batches, each image as hard as its number says."""
    drawn = []
    for _, labels, indices in batches:
        batches.note(indices, labels.float())
        drawn.append(labels.tolist())
        if len(drawn) == steps:
            break
    return drawn


def test_after_the_first_pass_only_the_hardest_share_is_drawn() -> None:
    drawn = with_losses(batches_of(40, 10, 12, 0, hard_share=0.5), 12)
    assert sorted(chain(*drawn[:4])) == list(range(40))
    assert set(chain(*drawn[4:])) == set(range(20, 40))


@pytest.mark.parametrize("hard_share", [0.0, 0.5])
@pytest.mark.parametrize("stop", [1, 3, 4, 9, 11])
def test_drawing_goes_on_from_a_state_that_was_on_the_disk(hard_share: float, stop: int, tmp_path: Path) -> None:
    whole = with_losses(batches_of(30, 8, 12, 5, hard_share), 12)
    cut = batches_of(30, 8, 12, 5, hard_share)
    head = with_losses(cut, stop)
    torch.save(cut.state_dict(), tmp_path / "state")
    resumed = batches_of(30, 8, 12, 5, hard_share)
    resumed.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert head + with_losses(resumed, 12) == whole


def test_images_behind_others_keep_their_labels() -> None:
    both = images_of(3).followed_by(images_of(2))
    assert both.labels.tolist() == both.pixels.flatten().tolist() == [0, 1, 2, 0, 1]
    assert images_of(3).followed_by(images_of(0)).labels.tolist() == [0, 1, 2]


def test_prepared_images_are_what_the_door_gives(drawn_digits: DrawDigits, cache: Path) -> None:
    digits = drawn_digits(30, np.random.default_rng(3))
    images = prepared(digits, PrepareConfig())
    assert images.pixels.dtype == torch.uint8
    assert images.labels.tolist() == digits.labels.tolist()
    with torch.inference_mode():
        made = Prepare(PrepareConfig()).eval()(torch.from_numpy(as_colour(np.asarray(digits.pictures.pixels)))).image  # type: ignore[attr-defined]
    assert float((images.pixels / 255 - made).abs().max()) <= 0.5 / 255 + 1e-4


def test_a_second_time_nothing_is_prepared(drawn_digits: DrawDigits, cache: Path) -> None:
    digits = drawn_digits(20, np.random.default_rng(4))
    calls: list[int] = []
    first = prepared(digits, PrepareConfig(), lambda done, total: calls.append(done))
    written = stamps(cache)
    second = prepared(digits, PrepareConfig(), lambda done, total: calls.append(done))
    assert written
    assert stamps(cache) == written
    assert calls == [20]
    assert torch.equal(first.pixels, second.pixels)


@pytest.mark.parametrize("config", [PrepareConfig(box=18), PrepareConfig(floor=0.3)])
def test_other_settings_are_prepared_anew(drawn_digits: DrawDigits, cache: Path, config: PrepareConfig) -> None:
    digits = drawn_digits(10, np.random.default_rng(4))
    first = prepared(digits, PrepareConfig())
    second = prepared(digits, config)
    assert not torch.equal(first.pixels, second.pixels)
    assert len(os.listdir(cache / "arrays")) >= 2


def test_other_labels_of_the_same_pictures_use_the_cache_and_keep_their_labels(
    drawn_digits: DrawDigits, cache: Path
) -> None:
    digits = drawn_digits(10, np.random.default_rng(4))
    prepared(digits, PrepareConfig())
    written = stamps(cache)
    changed = DigitSet(digits.pictures, (digits.labels + 1) % 10, digits.classes, digits.origins)
    assert prepared(changed, PrepareConfig()).labels.tolist() == changed.labels.tolist()
    assert stamps(cache) == written


def test_pictures_of_mixed_sizes_keep_their_order(cache: Path) -> None:
    sizes: list[tuple[int, ...]] = [(20, 20), (30, 10, 3), (20, 20), (5, 5), (30, 10, 3), (20, 20, 3)]
    digits = mixed(sizes, np.random.default_rng(0))
    together = prepared(digits, PrepareConfig()).pixels
    alone = [prepared(digits.take(np.array([index])), PrepareConfig()).pixels for index in range(len(sizes))]
    assert int((together.int() - torch.cat(alone).int()).abs().max()) <= 1


def test_no_pictures_are_no_images() -> None:
    empty = DigitSet(Ragged.pack([]), np.zeros(0, np.int64), CLASSES, np.zeros(0, np.str_))
    images = prepared(empty, PrepareConfig())
    assert images.pixels.shape == (0, 1, 28, 28)
    assert len(images) == 0


def test_batches_of_one_size_hold_every_picture_once_and_stay_small() -> None:
    sizes: list[tuple[int, ...]] = [(2000, 1500), (2000, 1500), (28, 28), (2000, 1500)]
    digits = mixed(sizes, np.random.default_rng(1))
    found = list(batches_of_one_size(digits))
    assert sorted(index for indices, _ in found for index in indices.tolist()) == [0, 1, 2, 3]
    assert all(pixels.shape[1:3] == sizes[int(index)][:2] for indices, pixels in found for index in indices)
    assert max(pixels.nbytes for _, pixels in found) < 20_000_000


def test_the_content_key_knows_pixels_sizes_and_order() -> None:
    flat = np.arange(48, dtype=np.uint8)
    shapes = [flat.reshape(2, 4, 6), flat.reshape(2, 6, 4), flat.reshape(2, 4, 6)[::-1], flat.reshape(2, 4, 6) + 1]
    labels = np.zeros(2, np.int64)
    keys = [content_key(DigitSet(Dense(p.copy()), labels, CLASSES, origins_of("a", "train", 2))) for p in shapes]
    assert len(set(keys)) == 4


def test_statistics_are_those_of_the_pixels() -> None:
    rng = np.random.default_rng(0)
    pixels = torch.from_numpy(rng.integers(0, 256, (50, 3, 8, 8)).astype(np.uint8))
    mean, std = Images(pixels, torch.zeros(50)).statistics()
    values = pixels.float() / 255
    assert mean == pytest.approx(values.mean((0, 2, 3)).tolist(), abs=1e-5)
    assert std == pytest.approx(values.std((0, 2, 3)).tolist(), abs=1e-5)


def test_even_images_do_not_divide_by_nothing() -> None:
    _, std = Images(torch.zeros(5, 1, 8, 8, dtype=torch.uint8), torch.zeros(5)).statistics()
    assert std == [0.001]


def test_photos_are_not_decoded_to_learn_their_sizes_and_only_their_images_are_kept(cache: Path) -> None:
    photos = []
    for side in (40, 60, 40):
        buffer = io.BytesIO()
        Image.fromarray(np.full((side, 50, 3), side * 4, np.uint8)).save(buffer, "PNG")
        photos.append(np.frombuffer(buffer.getvalue(), np.uint8))
    sizes = np.array([len(photo) for photo in photos], np.int64)
    shapes = np.array([(40, 50, 1), (60, 50, 1), (40, 50, 1)], np.int32)
    encoded = Encoded(np.concatenate(photos), np.cumsum(sizes) - sizes, sizes, shapes)
    pictures = Joined.of([encoded, Dense(np.zeros((2, 40, 50), np.uint8))])
    digits = DigitSet(pictures, np.zeros(5, np.int64), CLASSES, origins_of("mixed", "train", 5))
    found = [(indices.tolist(), pixels.shape[1:3]) for indices, pixels in batches_of_one_size(digits)]
    assert found == [([0, 2, 3, 4], (40, 50)), ([1], (60, 50))]
    images = prepared(digits, PrepareConfig(mode=Mode.photo)).pixels
    assert images[:, 0, 14, 14].tolist() == [160, 240, 160, 0, 0]
    assert sum(path.stat().st_size for path in cache.rglob("*.npy")) < 5 * 28 * 28 + 500
