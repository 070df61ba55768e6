"""From splits to batches: pictures prepared once, kept as uint8 on the device, drawn by index.

N pictures, B batch, C channels, S side in px.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import DataError
from digitkit.core.picture import Pixels
from digitkit.data.array_writer import ArrayWriter
from digitkit.data.cache import cached_rows
from digitkit.learn.prepare import Prepare
from digitkit.learn.recipe import PrepareConfig

PREPARE_FORMAT = 3  # raise it when prepare gives other images for the same settings: old caches are then left alone
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

    def first(self, count: int) -> "Images":
        """The first of them."""
        return Images(self.pixels[:count], self.labels[:count])

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, 0..1; of at most 10,000 images, evenly chosen."""
        some = self.pixels[:: max(1, len(self) // 10_000)].to(torch.float32) / 255
        mean, std = some.mean((0, 2, 3)), some.std((0, 2, 3)).clamp_min(1e-3)
        return [round(float(x), 6) for x in mean], [round(float(x), 6) for x in std]


def prepared(digits: DigitSet, config: PrepareConfig, report: Report = lambda done, total: None) -> Images:
    """All pictures of a set through the one door, cached beside the native pixels.

    The cache is keyed by the pixels and the settings: a stale one cannot be met. `report(done, total)` is called on the
    way.
    """
    if not len(digits):
        empty = np.zeros((0, config.channels, config.size, config.size), np.uint8)
        return Images(torch.from_numpy(empty), torch.zeros(0, dtype=torch.long))
    settings = json.dumps({**asdict(config), "mode": config.mode.value, "format": PREPARE_FORMAT}, sort_keys=True)
    key = f"prepared-{hashlib.sha256((content_key(digits) + settings).encode()).hexdigest()[:24]}"
    arrays = cached_rows(key, lambda writer: _prepare_all(digits, config, report, writer))
    return Images(torch.from_numpy(np.array(arrays["images"])), torch.from_numpy(np.array(digits.labels)))


def content_key(digits: DigitSet) -> str:
    """A hash of the native pixels and sizes of a set, in order."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(digits.pictures, Dense):
        pixels = np.ascontiguousarray(digits.pictures.pixels)
        digest.update(repr(pixels.shape).encode())
        digest.update(pixels.data)
    else:
        for index in range(len(digits)):
            picture = np.ascontiguousarray(digits.pictures[index])
            digest.update(repr(picture.shape).encode() + picture.tobytes())
    return digest.hexdigest()


@torch.inference_mode()
def _prepare_all(digits: DigitSet, config: PrepareConfig, report: Report, writer: ArrayWriter) -> None:
    """Straight to the disk, so that a million pictures need no more memory than one batch."""
    door = Prepare(config).eval()
    images = writer.lay_out("images", (len(digits), config.channels, config.size, config.size), np.uint8)
    done = 0
    for indices, pixels in batches_of_one_size(digits):
        image = door(torch.from_numpy(pixels)).image
        images[indices] = (image * 255).round().to(torch.uint8).numpy()
        done += len(indices)
        report(done, len(digits))


def batches_of_one_size(digits: DigitSet) -> Iterator[tuple[NDArray[np.int64], Pixels]]:
    """Indices with their pictures, uint8 (B,H,W,3), all of one size per batch, memory bounded."""
    groups: dict[tuple[int, ...], list[int]] = {}
    dense = digits.pictures.pixels if isinstance(digits.pictures, Dense) else None
    if dense is not None:
        groups[dense.shape[1:3]] = list(range(len(digits)))
    else:
        for index in range(len(digits)):
            groups.setdefault(digits.pictures[index].shape[:2], []).append(index)
    for (height, width), members in groups.items():
        step = max(1, min(CHUNK, CHUNK_PIXELS // (height * width)))
        for start in range(0, len(members), step):
            chosen = np.array(members[start : start + step], np.int64)
            pictures = dense[chosen] if dense is not None else None
            yield chosen, as_colour(pictures) if pictures is not None else _stack(digits, chosen)


def _stack(digits: DigitSet, indices: NDArray[np.int64]) -> Pixels:
    return np.concatenate([as_colour(digits.pictures[int(index)][None]) for index in indices])


def as_colour(pixels: Pixels) -> Pixels:
    """Grey repeated three times: uint8 (N,H,W) or (N,H,W,3) -> (N,H,W,3)."""
    return pixels if pixels.ndim == 4 else np.repeat(pixels[..., None], 3, axis=3)


class Batches:
    """Batches of a training, as many as the budget says; every image is drawn once before any is drawn twice.

    After the first pass only the hardest share is drawn, by the loss when last seen, where `hard_share` is not 0.
    Iterating goes on from the position in the state, so a resumed run sees what the uninterrupted one would have seen.
    """

    def __init__(self, images: Images, batch: int, steps: int, seed: int, hard_share: float = 0.0) -> None:
        self.images, self.batch, self.steps = images, min(batch, len(images)), steps
        self.hard = max(self.batch, int(hard_share * len(images))) if hard_share else len(images)
        self.losses = torch.full((len(images),), torch.inf)  # an image not seen yet counts as hard
        self.rng = torch.Generator().manual_seed(seed)
        self.order = torch.empty(0, dtype=torch.long)
        self.position = 0
        self.done = 0

    def __len__(self) -> int:
        """Steps in all."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Pixels uint8 (B,C,S,S) and labels int64 (B,) on the device of the images, and their indices (B,)."""
        while self.done < self.steps:
            self.done += 1
            indices = self._draw()
            chosen = indices.to(self.images.pixels.device)
            yield self.images.pixels[chosen], self.images.labels[chosen], indices
        self.done = 0

    def note(self, indices: Tensor, losses: Tensor) -> None:
        """Remember the losses (B,) of images, to know the hard ones."""
        self.losses[indices.cpu()] = losses.float().cpu()

    def _draw(self) -> Tensor:
        taken = self.order[self.position : self.position + self.batch]
        self.position += len(taken)
        if len(taken) < self.batch:  # the last batch of an epoch is filled from the next one: no image is left out
            self.order = self._pass()
            self.position = self.batch - len(taken)
            taken = torch.cat([taken, self.order[: self.position]])
        return taken

    def _pass(self) -> Tensor:
        """The indices of one pass, in random order."""
        if self.hard == len(self.images):
            return torch.randperm(len(self.images), generator=self.rng)
        order = torch.randperm(len(self.images), generator=self.rng)  # ties, such as unseen images, fall by lot
        hardest = order[self.losses[order].topk(self.hard).indices]
        return hardest[torch.randperm(self.hard, generator=self.rng)] if self.done > 1 else order

    def state_dict(self) -> dict[str, Any]:
        """Where the drawing stands."""
        place = {"order": self.order, "position": self.position, "done": self.done}
        return {"rng": self.rng.get_state(), "losses": self.losses.clone(), **place}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there.

        Raises: DataError when the images are not as many as they were.
        """
        if len(state["losses"]) != len(self.images):
            raise DataError(
                f"The run was stopped with {len(state['losses']):,} training pictures, now there are"
                f" {len(self.images):,}. Bring back the pictures as they were, or start a new run."
            )
        self.rng.set_state(state["rng"])
        self.losses = state["losses"].clone()
        self.order, self.position, self.done = state["order"], state["position"], state["done"]
