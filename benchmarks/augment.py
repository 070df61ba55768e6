"""How fast images are augmented on one thread, beside the usual pipelines of torchvision and kornia.

    python benchmarks/augment.py --rounds 7

The set is the same for all: turn 15 degrees, shift 15 %, size 20 %, slant 4 degrees, mirror half of the 0 and 8, hue
1.5 %, saturation 70 %, brightness 40 %, erase a tenth. torchvision draws once for all that it is given, so it works
picture by picture, as data sets for PyTorch do (Pillow pictures, its faster way); kornia and digitkit take batches.
Rounds alternate and count seconds of the processor, so other programs disturb little. Freed memory is kept, as
digitkit does when it trains; that helps all of them.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from kornia import augmentation as kornia
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torchvision.transforms import v2

from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.augmenting import AfterConfig, AugmentConfig, ColourConfig, FlawsConfig, Outside
from digitkit.learn.device import keep_freed_memory

SIZE, SHIFT, DEGREES, SHEAR_DEG, MIRRORED = 0.2, 0.15, 15, 4, 0.5
HUE, SATURATION, BRIGHTNESS, ERASED, ERASED_AREA = 0.015, 0.7, 0.4, 0.1, (0.02, 0.15)
DIGITS = tuple("0123456789")
Work = Callable[[Tensor, Tensor], object]


@dataclass(frozen=True)
class Job:
    """Images of one kind to be augmented, uint8 (`batch`,`channels`,`side`,`side`)."""

    name: str
    channels: int
    side: int
    batch: int
    config: AugmentConfig
    has_peers: bool = True

    def images(self) -> Tensor:
        """Smooth noise, of the job's shape."""
        coarse = torch.rand(self.batch, self.channels, 7, 7, generator=torch.Generator().manual_seed(0))
        return nn.functional.interpolate(coarse, size=self.side, mode="bilinear").mul_(255).to(torch.uint8)


def whole_set(side: int) -> AugmentConfig:
    """The set that all have."""
    return AugmentConfig(
        after=AfterConfig(
            shift_px=SHIFT * side, rotate_deg=DEGREES, scale=0, zoom=SIZE, shear=math.tan(math.radians(SHEAR_DEG)),
            flip_x=MIRRORED, erase=ERASED, erase_area=ERASED_AREA[1],
        ),
        colour=ColourConfig(hue=HUE, saturation=SATURATION, brightness=BRIGHTNESS),
    )  # fmt: skip


def photo_set(side: int) -> AugmentConfig:
    """What photos of numbers get: all of the geometry, the colours and the flaws."""
    return AugmentConfig(
        share=0.85,
        after=AfterConfig(
            shift_px=0.1 * side, rotate_deg=25, scale=0.1, zoom=0.3, perspective=0.2, keep=0.9, outside=Outside.edge
        ),
        colour=ColourConfig(hue=0.05, saturation=0.4, brightness=0.3, contrast=0.3),
        flaws=FlawsConfig(blur=0.3, shrink=0.3, pixelate=0.15, noise=0.3, jpeg=0.5),
    )


JOBS = (
    Job("whole set, 28x28 grey", 1, 28, 512, whole_set(28)),
    Job("whole set, 64x64 colour", 3, 64, 128, whole_set(64)),
    Job("photo set, 64x64 colour", 3, 64, 128, photo_set(64), has_peers=False),
)


def of_digitkit(config: AugmentConfig) -> Work:
    """Our own, a batch at a time."""
    augmentation, rng = Augmentation.of(config, DIGITS), torch.Generator().manual_seed(0)
    return lambda images, labels: augmentation(images, labels, rng)


def of_torchvision(channels: int) -> Work:
    """torchvision v2, picture by picture; a grey image has no hue and saturation to change."""
    colours = {"saturation": SATURATION, "hue": HUE} if channels == 3 else {}
    move = v2.RandomAffine(
        DEGREES, (SHIFT, SHIFT), (1 - SIZE, 1 + SIZE), SHEAR_DEG, interpolation=v2.InterpolationMode.BILINEAR
    )
    rest = v2.Compose([
        move, v2.ColorJitter(brightness=BRIGHTNESS, **colours), v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
        v2.RandomErasing(ERASED, scale=ERASED_AREA),
    ])  # fmt: skip
    mirrored = v2.Compose([v2.RandomHorizontalFlip(MIRRORED), rest])

    def work(images: Tensor, labels: Tensor) -> Tensor:
        pictures = images.permute(0, 2, 3, 1).squeeze(3).numpy()
        pairs = zip(pictures, labels.tolist(), strict=True)
        made = [(mirrored if label in (0, 8) else rest)(Image.fromarray(picture)) for picture, label in pairs]
        return torch.stack(made)

    return work


def of_kornia(channels: int) -> Work:
    """kornia, a batch at a time; its mirror takes no labels, so the 0 and 8 are taken out for it."""
    colours = {"saturation": SATURATION, "hue": HUE} if channels == 3 else {}
    bright = (1 - BRIGHTNESS, 1 + BRIGHTNESS)
    light = kornia.ColorJiggle(brightness=bright, **colours, p=1) if colours else kornia.RandomBrightness(bright, p=1)
    rest = nn.Sequential(
        kornia.RandomAffine(DEGREES, (SHIFT, SHIFT), (1 - SIZE, 1 + SIZE), SHEAR_DEG, p=1), light,
        kornia.RandomErasing(ERASED_AREA, p=ERASED),
    )  # fmt: skip
    mirror = kornia.RandomHorizontalFlip(MIRRORED)

    def work(images: Tensor, labels: Tensor) -> object:
        made = images.to(torch.float32).div_(255)
        symmetric = (labels == 0) | (labels == 8)
        made[symmetric] = mirror(made[symmetric])
        return rest(made)

    return work


def rate(work: Work, images: Tensor, labels: Tensor, least_s: float) -> float:
    """Pictures per second of processor time, over at least so many seconds."""
    made, begun = 0, time.process_time()
    while (gone := time.process_time() - begun) < least_s:
        work(images, labels)
        made += len(images)
    return made / gone


def measure(job: Job, rounds: int, least_s: float) -> list[list[float]]:
    """The rates of all rounds: ours, torchvision's and kornia's, in turn."""
    images, labels = job.images(), torch.arange(job.batch) % len(DIGITS)
    works = [of_digitkit(job.config)]
    if job.has_peers:
        works += [of_torchvision(job.channels), of_kornia(job.channels)]
    for work in works:
        work(images, labels)
    return [[rate(work, images, labels, least_s) for work in works] for _ in range(rounds)]


def cells(found: list[list[float]]) -> list[str]:
    """Median and range of each rate, and how many times faster we are, round by round."""
    columns = [list(column) for column in zip(*found, strict=True)]
    said = [f"{statistics.median(column):,.0f} ({min(column):,.0f} to {max(column):,.0f})" for column in columns]
    for peer in columns[1:]:
        times = [ours / theirs for ours, theirs in zip(columns[0], peer, strict=True)]
        said.append(f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})")
    return said + ["-"] * (5 - len(said))


def main() -> None:
    """Measure each set and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each, in turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="of processor time, at least, for one of a round")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    torch.manual_seed(0)
    title = f"pictures/s of one thread, processor time, median (range) of {asked.rounds} rounds"
    table = Table(
        "what", "digitkit", "torchvision v2", "kornia", "x torchvision", "x kornia", title=title, title_justify="left"
    )
    for job in JOBS:
        table.add_row(job.name, *cells(measure(job, asked.rounds, asked.seconds)))
    Console().print(table)


if __name__ == "__main__":
    main()
