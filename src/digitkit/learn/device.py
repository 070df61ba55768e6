"""What to compute on, and in which number format."""

import ctypes
import sys

import torch

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

    Raises: ConfigError when the asked one is absent.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if config.device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there[config.device]:
        raise ConfigError(f"run.device={config.device}: this machine has none. Use run.device=auto or cpu.")
    return torch.device(config.device)


def choose_precision(config: RunConfig, device: torch.device) -> Precision:
    """bf16 where the processor multiplies it directly (elsewhere it is slower than fp32), unless asked otherwise."""
    if config.precision is not Precision.auto:
        return config.precision
    if device.type == "cuda":
        return Precision.bf16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.fp32
    if device.type == "cpu":
        skills = torch.cpu.get_capabilities()
        return Precision.bf16 if skills.get("avx512_bf16") or skills.get("amx_bf16") else Precision.fp32
    return Precision.fp32
