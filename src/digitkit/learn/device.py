"""What to compute on, and in which number format."""

import torch

from digitkit.core.errors import ConfigError
from digitkit.learn.recipe import Precision, RunConfig


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
