"""What a network costs: parameters, products, megabytes, milliseconds."""

import time
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from digitkit.learn.models.registry import InputShape

TIMING_S = 0.1  # spent on the milliseconds of one network, at least
LEAST_RUNS = 3


@dataclass(frozen=True)
class Cost:
    """The size of a network and what one image costs it.

    `megabytes` are those of the weights in float32 (10**6 bytes); `flops` counts a multiplication and an addition as
    two; `milliseconds` is the median for one image, in torch on the CPU with its usual threads.
    """

    parameters: int
    flops: int
    megabytes: float
    milliseconds: float


def measure(network: nn.Module, shape: InputShape) -> Cost:
    """Count and time a network on one image of a shape; the network is left in evaluation mode."""
    network.eval()
    image = torch.zeros(1, shape.channels, shape.size, shape.size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    parameters = sum(weight.numel() for weight in network.parameters())
    return Cost(parameters, counter.get_total_flops(), 4 * parameters / 1e6, _milliseconds(network, image))


@torch.inference_mode()
def _milliseconds(network: nn.Module, image: torch.Tensor) -> float:
    seconds: list[float] = []
    network(image)
    while len(seconds) < LEAST_RUNS or sum(seconds) < TIMING_S:
        start = time.perf_counter()
        network(image)
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)
