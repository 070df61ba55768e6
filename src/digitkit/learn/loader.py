"""Pictures prepared once and kept as uint8.

N pictures, B batch, C channels, S side in px.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digitkit.core.colour import in_colour
from digitkit.core.digitset import Dense, DigitSet, Encoded, Joined, Pictures, Ragged
from digitkit.core.parallel import in_threads
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import cached_rows
from digitkit.data.fingerprint import MarkedSet
from digitkit.data.rows import LARGE_BYTES, release
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import PrepareConfig

PREPARE_FORMAT = 5  # raise it when prepare gives other images for the same settings: old caches are then left alone
CHUNK = 256  # pictures per call of prepare; larger ones fall out of the processor's cache
CHUNK_PIXELS = 4_000_000  # ... and fewer of large pictures
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Images:
    """Prepared pictures with their labels: `pixels` uint8 (N,C,S,S), `labels` int64 (N,), on one device."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def to(self, device: torch.device) -> "Images":
        """The same images on a device."""
        return Images(self.pixels.to(device), self.labels.to(device))

    def followed_by(self, others: "Images") -> "Images":
        """These images and others behind them."""
        if not len(others) or not len(self):
            return others if len(others) else self
        return Images(torch.cat([self.pixels, others.pixels]), torch.cat([self.labels, others.labels]))

    def first(self, count: int) -> "Images":
        """The first of them."""
        return Images(self.pixels[:count], self.labels[:count])

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, 0..1; of at most 10,000 images, evenly chosen."""
        some = self.pixels[:: max(1, len(self) // 10_000)].to(torch.float32) / 255
        mean, std = some.mean((0, 2, 3)), some.std((0, 2, 3)).clamp_min(1e-3)
        return [round(float(x), 6) for x in mean], [round(float(x), 6) for x in std]


def no_images() -> Images:
    """None at all, of no size."""
    return Images(torch.zeros(0, 1, 0, 0, dtype=torch.uint8), torch.zeros(0, dtype=torch.long))


def prepared(
    digits: DigitSet, config: PrepareConfig, report: Report = lambda done, total: None, content: str = ""
) -> Images:
    """All pictures of a set through the one door, cached beside the native pixels.

    The cache is keyed by the pixels and the settings: a stale one cannot be met. `report(done, total)` is called on the
    way. `content` is the set's content key, where it is known already.
    """
    if not len(digits):
        empty = np.zeros((0, config.channels, config.size, config.size), np.uint8)
        return Images(torch.from_numpy(empty), torch.zeros(0, dtype=torch.long))
    key = prepared_key(content or content_key(digits), config)
    images = cached_rows(key, lambda writer: _prepare_all(digits, config, report, writer))["images"]
    return Images(_as_tensor(np.asarray(images, np.uint8)), torch.from_numpy(np.array(digits.labels)))


def prepared_key(content: str, config: PrepareConfig) -> str:
    """The name in the cache of the images of a set, given by its content key."""
    settings = json.dumps({**asdict(config), "mode": config.mode.value, "format": PREPARE_FORMAT}, sort_keys=True)
    return f"prepared-{hashlib.sha256((content + settings).encode()).hexdigest()[:24]}"


def content_key(digits: DigitSet) -> str:
    """A hash of the native pixels and sizes of a set, in order."""
    return MarkedSet.of(digits).content


def _as_tensor(images: Pixels) -> Tensor:
    """Images from the cache: few are copied into memory, many stay where they are, mapped and never written to."""
    if images.nbytes <= LARGE_BYTES:
        return torch.from_numpy(np.array(images))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(images)


def _prepare_all(digits: DigitSet, config: PrepareConfig, report: Report, writer: ArrayWriter) -> None:
    """Straight to the disk, so that a million pictures need no more memory than a few batches."""
    door = Prepare(config).eval()
    threads = torch.get_num_threads()

    def prepare(batch: tuple[NDArray[np.int64], Pixels]) -> tuple[NDArray[np.int64], Pixels]:
        # A batch in each thread is faster than all threads in each of some hundred small operations.
        torch.set_num_threads(1)
        with torch.inference_mode():
            image = door(torch.from_numpy(as_colour(batch[1]))).image
            return batch[0], (image * 255).round().to(torch.uint8).numpy()

    images = writer.lay_out("images", (len(digits), config.channels, config.size, config.size), np.uint8)
    done = 0
    try:
        for indices, prepared_images in in_threads(prepare, batches_of_one_size(digits), threads):
            images[indices] = prepared_images
            release(images)
            done += len(indices)
            report(done, len(digits))
    finally:
        torch.set_num_threads(threads)


def batches_of_one_size(digits: DigitSet) -> Iterator[tuple[NDArray[np.int64], Pixels]]:
    """Indices with their pictures, uint8 (B,H,W) or (B,H,W,3), all of one size per batch, memory bounded."""
    sizes, which = np.unique(_sides(digits.pictures), axis=0, return_inverse=True)
    groups = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    for (height, width), members in zip(sizes, groups, strict=True):
        step = max(1, min(CHUNK, CHUNK_PIXELS // (int(height) * int(width))))
        for start in range(0, len(members), step):
            chosen = members[start : start + step]
            if isinstance(digits.pictures, Dense):
                yield chosen, digits.pictures.pixels[chosen]
                release(digits.pictures.pixels)
            else:
                yield chosen, _stack(digits, chosen)


def _sides(pictures: Pictures) -> NDArray[np.int64]:
    """Height and width of each picture, int64 (N,2); photos are not decoded for it where somebody did so before."""
    if isinstance(pictures, Dense):
        return np.tile(np.array(pictures.pixels.shape[1:3], np.int64), (len(pictures), 1))
    if isinstance(pictures, Ragged | Encoded) and pictures.shapes is not None:
        return pictures.shapes[:, :2].astype(np.int64)
    if isinstance(pictures, Joined):
        found = np.zeros((len(pictures), 2), np.int64)
        for number, kind in enumerate(pictures.kinds):
            mine = pictures.groups == number
            found[mine] = _sides(kind)[pictures.places[mine]]
        return found
    return np.array([pictures[index].shape[:2] for index in range(len(pictures))], np.int64).reshape(-1, 2)


def _stack(digits: DigitSet, indices: NDArray[np.int64]) -> Pixels:
    return np.concatenate([as_colour(digits.pictures[int(index)][None]) for index in indices])


def as_colour(pixels: Pixels) -> Pixels:
    """Grey repeated three times: uint8 (N,H,W) or (N,H,W,3) -> (N,H,W,3)."""
    return pixels if pixels.ndim == 4 else in_colour(pixels)
