"""A bundle read by OpenVINO, where it is installed: to compare, not to serve.

N batch, H and W of the pictures in px, K classes.
"""

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitkit.core.bundle import OUTPUTS
from digitkit.core.picture import Pixels
from digitkit.runtime.bundle import read_bundle

PACKAGE = "openvino"


def is_installed() -> bool:
    """Whether OpenVINO is here."""
    return importlib.util.find_spec(PACKAGE) is not None


def read_openvino(bundle: str | Path, threads: int) -> Callable[[Pixels], NDArray[np.float32]]:
    """A bundle on the CPU: uint8 (N,H,W,3) -> probabilities float32 (N,K).

    Raises: BundleError as `read_bundle` does.
    """
    _, content = read_bundle(bundle)
    core = importlib.import_module(PACKAGE).Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(content), "CPU", settings)

    def read(pixels: Pixels) -> NDArray[np.float32]:
        return np.array(compiled([pixels])[OUTPUTS[0]], np.float32)

    return read
