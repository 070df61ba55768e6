"""One onnxruntime session per bundle, made from checked bytes.

N batch, H and W in px, K classes.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as state

from digitkit.core.bundle import INPUT, OUTPUTS
from digitkit.core.errors import BundleError, ConfigError
from digitkit.core.picture import Pixels
from digitkit.core.registry import nearest

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
DEVICES: dict[str, tuple[str, ...]] = {"auto": (CUDA, CPU), "cpu": (CPU,), "cuda": (CUDA, CPU)}
SEVERE = 3  # onnxruntime's log level: errors only
SMALL_GRAPH = 16 * 2**20  # bytes; below it several batches at once are faster than several threads in one

# onnxruntime has no common parent for its errors; all of them stand in this module.
ONNXRUNTIME_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
)


class Session:
    """A graph that is ready to run; safe to use from many threads.

    `threads` says how many it may use, `batches_at_once` how many batches keep them all busy.
    """

    def __init__(self, content: bytes, where: str, device: str = "auto", threads: int | None = None) -> None:
        providers = providers_of(device)
        self._where = where
        self.threads = _threads(threads)
        self.batches_at_once = self.threads if len(content) < SMALL_GRAPH and providers[0] == CPU else 1
        try:
            options = _options(self.threads // self.batches_at_once)
            self._session = onnxruntime.InferenceSession(content, options, providers=providers)
        except ONNXRUNTIME_ERRORS as error:
            raise BundleError(f"{where}: onnxruntime cannot open the graph ({error}). Export it again.") from error
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        inputs = tuple(given.name for given in self._session.get_inputs())
        if inputs != (INPUT,) or not set(OUTPUTS) <= set(self.outputs):
            raise BundleError(
                f"{where}: expected the input {INPUT} and the outputs {', '.join(OUTPUTS)},"
                f" got {', '.join(inputs)} and {', '.join(self.outputs)}. Export it again."
            )
        if device == "cuda" and self._session.get_providers()[0] != CUDA:
            raise ConfigError("device=cuda: CUDA did not start on this machine. Use device=cpu.")

    def run(self, outputs: Sequence[str], pixels: Pixels) -> list[NDArray[Any]]:
        """Compute only the named outputs for one batch.

        Shapes: `pixels` uint8 (N,H,W,3).
        Raises: BundleError when the graph fails or gives another number of answers.
        """
        try:
            answers = self._session.run(list(outputs), {INPUT: pixels})
        except ONNXRUNTIME_ERRORS as error:
            raise BundleError(f"{self._where}: the graph failed on pictures {pixels.shape} ({error}).") from error
        arrays = [np.asarray(answer) for answer in answers]
        if any(array.shape[:1] != pixels.shape[:1] for array in arrays):
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise BundleError(f"{self._where}: expected {len(pixels)} answers per output, got shapes {shapes}.")
        return arrays


def providers_of(device: str) -> list[str]:
    """The onnxruntime providers of a device, best first.

    Raises: ConfigError when the device is unknown or not here.
    """
    if device not in DEVICES:
        raise ConfigError(f"Unknown device {device!r}. {nearest(device, DEVICES)}")
    here = onnxruntime.get_available_providers()
    if device == "cuda" and CUDA not in here:
        raise ConfigError("device=cuda: this onnxruntime has no CUDA. Install onnxruntime-gpu, or use device=cpu.")
    return [provider for provider in DEVICES[device] if provider in here]


def _threads(asked: int | None) -> int:
    """How many threads to use."""
    if asked is not None and asked < 1:
        raise ConfigError(f"threads must be 1 or more, got {asked}")
    return asked or usable_cores()


def _options(threads: int) -> Any:
    """How a session runs: its own threads, which sleep between pictures."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SEVERE
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # one would be kept for every size of picture
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def usable_cores() -> int:
    """How many cores this process may use; in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
