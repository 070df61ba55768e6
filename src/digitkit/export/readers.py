"""A run read by torch: as it was trained, or as its TorchScript file.

N batch, H and W of the pictures in px, K classes.
"""

from pathlib import Path

import torch

from digitkit.core.bundle import Bundle
from digitkit.core.picture import Pixels
from digitkit.export.graph import Graph
from digitkit.export.parity import Probabilities, Read
from digitkit.export.torchscript import open_pipeline, reading, to_torchscript
from digitkit.learn.run import Run
from digitkit.runtime.bundle import read_bundle


def exported_as(run: Run) -> tuple[int, float]:
    """How many views the bundle of a run has, and its temperature; those of one view where it was not exported."""
    bundle = run.file("model.onnx")
    if bundle.is_file():
        record = read_bundle(bundle)[0]
        if not record.members:
            return record.views, record.temperature
    return 1, run.report()["calibration"]["temperature"]


def graph_of(run: Run) -> Graph:
    """The whole reader of a run, as it was exported."""
    views, temperature = exported_as(run)
    return Graph(run.recipe().prepare, run.network(), views, temperature).eval()


def read_eagerly(run: Path, threads: int) -> Read:
    """A run in torch, operation by operation: uint8 (N,H,W,3) -> probabilities float32 (N,K)."""
    torch.set_num_threads(threads)
    graph = graph_of(Run.open(run))

    def read(pixels: Pixels) -> Probabilities:
        with torch.inference_mode():
            answer: Probabilities = graph(torch.from_numpy(pixels)).probabilities.numpy()
        return answer

    return read


def read_torchscript(content: bytes, threads: int) -> Read:
    """The bytes of a TorchScript file of our own: uint8 (N,H,W,3) -> probabilities float32 (N,K)."""
    torch.set_num_threads(threads)
    return reading(open_pipeline(content))


def torchscript_of(run: Path) -> bytes:
    """A run as the bytes of a TorchScript file, for a measurement: nothing is compared."""
    opened = Run.open(run)
    return to_torchscript(graph_of(opened), Bundle("measured", tuple(opened.report()["data"]["classes"])))
