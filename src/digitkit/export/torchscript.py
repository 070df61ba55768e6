"""A bundle's reader as one TorchScript file, for programs that have torch and nothing else.

N batch, C channels (1 or 3), H and W of the pictures in px, S side of the image in px, K classes.
"""

import contextlib
import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from digitkit.core.bundle import Bundle
from digitkit.core.digitset import DigitSet
from digitkit.core.files import write_bytes
from digitkit.core.picture import Pixels
from digitkit.export import parity
from digitkit.export.graph import Answer, Graph
from digitkit.export.parity import Parity, Probabilities, Progress
from digitkit.learn.run import Run
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.session import Session

RECORD = "digitkit.json"  # the bundle's record inside the file
TRACES = ".debug_pkl"  # parts of the file that tell where our source files lie
STAMP = (1980, 1, 1, 0, 0, 0)  # of every part, the earliest that a zip can name


class Pipeline(nn.Module):
    """Pictures as torch programs have them, uint8 or float 0..1, (N,C,H,W) or (C,H,W), to an `Answer`."""

    classes: list[str]

    def __init__(self, door: nn.Module, reader: nn.Module, classes: list[str]) -> None:
        super().__init__()
        self.door, self.reader = door, reader
        self.classes = classes

    def forward(self, pixels: Tensor) -> Answer:
        """Shapes: uint8 or float 0..1, (N,C,H,W) or (C,H,W) -> see `Answer`."""
        image, ink_share, contrast = self.door(as_bundles_take_them(pixels))
        probabilities, acceptance, seen = self.reader(image)
        return Answer(probabilities, ink_share, contrast, acceptance, seen)

    @torch.jit.export
    def prepare(self, pixels: Tensor) -> Tensor:
        """What the network sees: uint8 or float 0..1, (N,C,H,W) or (C,H,W) -> float (N,C,S,S), 0..1."""
        image: Tensor = self.door(as_bundles_take_them(pixels))[0]
        return image


def as_bundles_take_them(pixels: Tensor) -> Tensor:
    """Pictures of either kind as the one door takes them; becomes TorchScript, so it is written in plain words.

    Shapes: uint8 or float 0..1, (N,C,H,W) or (C,H,W) -> uint8 (N,H,W,3).
    Raises: ValueError for other shapes and types, and for floats that are no share of white.
    """
    if pixels.dim() == 3:
        pixels = pixels.unsqueeze(0)
    if pixels.dim() != 4 or (pixels.size(1) != 1 and pixels.size(1) != 3):
        raise ValueError(f"expected pictures (N,C,H,W) or (C,H,W) of 1 or 3 channels, got {pixels.size()}")
    if pixels.is_floating_point():
        # A smooth resampling overshoots a little; pictures in 0..255 or already normalised are a mistake.
        if not bool(((pixels >= -0.1) & (pixels <= 1.1)).all()):
            raise ValueError("float pictures must lie in 0..1, as they are: divide by 255, and do not normalise")
        pixels = (pixels.to(torch.float32) * 255).round().clamp(0, 255).to(torch.uint8)
    elif pixels.dtype != torch.uint8:
        raise ValueError("expected pictures as uint8, or as floats in 0..1")
    return pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1)


def export(run: Run, bundle: Path, check_with: DigitSet, target: Path, progress: Progress | None = None) -> Parity:
    """Write the reader of a run's bundle as TorchScript, after comparing the two on real digits.

    Raises: BundleError when they differ; then no file is written.
    """
    record, _ = read_bundle(bundle)
    graph = Graph(run.recipe().prepare, run.network(), record.views, record.temperature).eval()
    return export_graph(graph, bundle, check_with, target, progress)


def export_graph(
    graph: Graph, bundle: Path, check_with: DigitSet, target: Path, progress: Progress | None = None
) -> Parity:
    """The same for the reader that a bundle was written of.

    Raises: BundleError when they differ; then no file is written.
    """
    record, signed = read_bundle(bundle)
    content = to_torchscript(graph, record)
    found = check(content, signed, check_with, progress)
    write_bytes(target, content)
    return found


def check(content: bytes, bundle: bytes, digits: DigitSet, progress: Progress | None = None) -> Parity:
    """Compare the bytes of a TorchScript file with those of its bundle.

    Raises: BundleError when they differ.
    """
    session = Session(bundle, "the bundle", device="cpu")
    pipeline = open_pipeline(content)

    def theirs(pixels: Pixels) -> Probabilities:
        answer: Probabilities = session.run(["probabilities"], pixels)[0]
        return answer

    return parity.compare("The TorchScript file", (reading(pipeline), "the bundle", theirs), digits, progress)


def open_pipeline(content: bytes) -> nn.Module:
    """The pipeline in the bytes of a file that we wrote ourselves: torch runs what is in it."""
    with _quiet():
        pipeline: nn.Module = torch.jit.load(io.BytesIO(content), map_location="cpu")  # type: ignore[no-untyped-call]
    return pipeline


def reading(pipeline: nn.Module) -> parity.Read:
    """A pipeline as a function: uint8 (N,H,W,3) -> probabilities float32 (N,K)."""

    def read(pixels: Pixels) -> Probabilities:
        with torch.inference_mode():
            answer: Probabilities = pipeline(torch.from_numpy(pixels).permute(0, 3, 1, 2))[0].numpy()
        return answer

    return read


def to_torchscript(graph: Graph, record: Bundle) -> bytes:
    """The graph as the bytes of a file that torch loads by itself: its parts traced, the entrance compiled."""
    pixels = torch.zeros(3, 40, 52, 3, dtype=torch.uint8)  # sizes of 1 would be taken for constants
    with _quiet(), torch.no_grad():
        door = torch.jit.trace(graph.prepare, (pixels,), check_trace=False)  # type: ignore[no-untyped-call]
        reader = torch.jit.trace(graph.reader, (door(pixels)[0],), check_trace=False)  # type: ignore[no-untyped-call]
        pipeline = torch.jit.script(Pipeline(door, reader, list(record.classes)).eval())
        frozen = torch.jit.freeze(pipeline, preserved_attrs=["prepare", "classes"])
        written = io.BytesIO()
        torch.jit.save(frozen, written, _extra_files={RECORD: record.to_json()})
    return _without_traces(written.getvalue())


def _without_traces(content: bytes) -> bytes:
    """The same archive without the names of our source files, which do not belong into a file for others."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            if not name.endswith(TRACES):
                new.writestr(zipfile.ZipInfo(name, STAMP), old.read(name))
    return made.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TorchScript is what programs without digitkit load; that torch calls it deprecated is no news to them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", FutureWarning)
        # The length is that of our own canvas, the same for every picture.
        warnings.filterwarnings("ignore", "Using len to get tensor shape", TracerWarning)
        yield
