"""Products of a graph in 8 bits; only an export comes here, since onnxruntime needs the package `onnx` for it.

N batch, H and W in px.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from digitkit.core.bundle import INPUT
from digitkit.core.picture import Pixels

KINDS = ("Conv", "Gemm", "MatMul")  # where the products are, and the weights; all else stays float


def quantise(content: bytes, nodes: Sequence[str], batches: Iterable[Pixels]) -> bytes:
    """The same graph with the named nodes, of these kinds, in 8 bits; its ranges are those met in the batches.

    Activations are uint8, weights int8 per channel of which 7 bits are used: without VNNI a processor adds pairs of
    products in 16 bits, where 8 bits overflow, and a bundle should answer alike everywhere (docs/decisions.md).
    Shapes: each batch uint8 (N,H,W,3).
    """
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(content)
        quantize_static(
            before, after, _Pictures(batches), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
            nodes_to_quantize=list(nodes), op_types_to_quantize=list(KINDS), activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
        return after.read_bytes()


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Batches in the way that onnxruntime asks for them."""

    def __init__(self, batches: Iterable[Pixels]) -> None:
        self.batches = iter(batches)

    def get_next(self) -> dict[str, Pixels] | None:
        """The next batch, uint8 (N,H,W,3), by the name of the input."""
        pixels = next(self.batches, None)
        return None if pixels is None else {INPUT: pixels}
