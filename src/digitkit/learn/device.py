"""What to compute on, and in which number format."""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.running import Precision, RunConfig

# glibc's names for what `keep_freed_memory` sets, and the bytes; 32 MiB is the largest threshold that it takes.
MALLOC = {"M_MMAP_THRESHOLD": (-3, 32 << 20), "M_TRIM_THRESHOLD": (-1, 1 << 30), "M_TOP_PAD": (-2, 256 << 20)}


def keep_freed_memory() -> None:
    """Let malloc reuse large blocks instead of handing them back: 6,300 page faults of a step of 512 images become 0.

    A fifth of the time of a step on two cores (docs/log.md, 2). Nothing happens where malloc is not glibc's.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for number, size in MALLOC.values():
            mallopt(number, size)


def choose_device(config: RunConfig) -> torch.device:
    """The device that is asked for, or the best there is.

    Raises: ConfigError when the asked one is absent, or there are fewer than processes.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if config.device != "auto" and not there[config.device]:
        raise ConfigError(f"run.device={config.device}: this machine has none. Use run.device=auto or cpu.")
    chosen = config.device if config.device != "auto" else next(name for name in ("cuda", "mps", "cpu") if there[name])
    most = {"cuda": torch.cuda.device_count(), "mps": 1}.get(chosen, config.devices)
    if config.devices > most:
        raise ConfigError(
            f"run.devices={config.devices}: this machine has {most} of kind {chosen}. Use run.device=cpu."
        )
    return torch.device(chosen)


def choose_precision(config: RunConfig, device: torch.device) -> Precision:
    """The format that is asked for, or else bf16 where the device multiplies it directly, on other GPUs fp16.

    Raises: ConfigError when fp16 is asked for elsewhere than on a GPU.
    """
    if config.precision is Precision.fp16 and device.type != "cuda":
        raise ConfigError(f"run.precision=fp16 is for CUDA, this is {device.type}. Use run.precision=auto or fp32.")
    if config.precision is not Precision.auto:
        return config.precision
    if device.type == "cuda":
        return Precision.bf16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.fp16
    return Precision.bf16 if device.type == "cpu" and bf16_is_built_in() else Precision.fp32


def bf16_is_built_in() -> bool:
    """Whether the processor multiplies bf16 directly; elsewhere it is slower than fp32."""
    skills = torch.cpu.get_capabilities()
    return bool(skills.get("avx512_bf16") or skills.get("amx_bf16"))


class HalfPrecision(MixedPrecision):
    """Steps of fp16: gradients are scaled up so that small ones do not vanish, and a step that overflows is left out.

    Lightning does so; only its autocast is ours, since augmentation and losses stay in fp32.
    """

    def __init__(self, device: str) -> None:
        super().__init__("16-mixed", device, torch.amp.GradScaler(device))

    @contextmanager
    def forward_context(self) -> Iterator[None]:
        """Nothing: the module knows what is to be computed in fp16."""
        yield


def compiled(network: nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The network for steps on a device, translated by torch at the first; its weights keep their places and names.

    Raises: ConfigError when the translation needs a C++ compiler and there is none.
    """
    compilers = [os.environ.get("CXX", "g++"), "g++", "clang++"]
    if device.type == "cpu" and not any(shutil.which(name) for name in compilers):
        raise ConfigError(
            "run.compile=true needs a C++ compiler on the CPU, and there is no g++ here."
            " Install one (Debian: apt install g++), or leave run.compile out."
        )
    translated: Callable[[Tensor], Tensor] = torch.compile(network.forward)
    return translated
