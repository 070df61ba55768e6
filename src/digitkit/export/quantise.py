"""A bundle whose network computes in whole numbers of 8 bits: a third to a quarter of its weights' bytes.

N pictures, H and W in px, K classes.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from digitkit.core.bundle import Bundle
from digitkit.core.digitset import DigitSet
from digitkit.core.errors import BundleError
from digitkit.core.files import write_bytes
from digitkit.data.union import relabel
from digitkit.export.parity import Probabilities, sized_batches
from digitkit.export.write import IMAGE, seal
from digitkit.learn.evaluate import report
from digitkit.learn.loader import as_colour, batches_of_one_size
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.quantise import KINDS
from digitkit.runtime.quantise import quantise as in_8_bits
from digitkit.runtime.session import Session

CALIBRATION_PICTURES = 1000
CALIBRATION_BATCH = 64
LEAST_AGREEMENT = 0.95  # of the labels on any part; below it something went wrong
SMALL = 0.1  # of the mean weights of a product; what has fewer, mostly the first and the last, stays as it is (log 19)
PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}  # what it asks for, folded norms, the exporter has done
FIGURES = ("n", "accuracy", "interval", "f1", "loss")


def export(
    bundle: Path, target: Path, calibrate_with: DigitSet, parts: Mapping[str, DigitSet]
) -> tuple[Bundle, dict[str, dict[str, Any]]]:
    """Write a bundle in 8 bits beside a bundle in floats; returns its record, and the figures of each part.

    `calibrate_with` are pictures that were trained or validated on. Each of `parts` ("val", "test"), or some of these
    pictures where both are empty, is read by both bundles; a part's figures, with those of the floats and how often the
    two agree, stand in the report of the record.
    Raises: BundleError when the two agree on too few pictures; then no file is written.
    """
    record, content = read_bundle(bundle)
    model = quantise(content, calibrate_with)
    unscored = replace(record, name=f"{record.name}-int8")
    signed, _ = seal(model, unscored)
    figures = {
        name: _compared(name, (content, signed), relabel(digits, record.classes)[0], record)
        for name, digits in parts.items()
        if len(digits)
    }
    if not figures:  # no part was kept apart, so what was learnt from tells at least whether the two agree
        step = -(-len(calibrate_with) // CALIBRATION_PICTURES)
        some = calibrate_with.take(np.arange(0, len(calibrate_with), step))
        figures["train"] = _compared("train", (content, signed), relabel(some, record.classes)[0], record)
    kept = {key: value for key, value in record.report.items() if key not in ("val", "test")}
    told = {**kept, "precision": "int8", "made_of": record.id, **figures}
    signed, scored = seal(model, replace(unscored, report=told))
    write_bytes(target, signed)
    return scored, figures


def quantise(content: bytes, calibrate_with: DigitSet) -> onnx.ModelProto:
    """The graph of a bundle with its network in 8 bits, the preparation as it was.

    Raises: BundleError when the graph does not tell its network from its preparation.
    """
    model = onnx.load_from_string(content)
    nodes = network_nodes(model.graph)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, PREPARED)
    batches = sized_batches(calibrate_with, CALIBRATION_PICTURES, CALIBRATION_BATCH)
    whole = onnx.load_from_string(in_8_bits(model.SerializeToString(), nodes, batches))
    del whole.metadata_props[:]
    return whole


def network_nodes(graph: onnx.GraphProto) -> list[str]:
    """The names of the products in the network: those that follow from the image that the preparation made.

    Small ones are left out: there rounding hurts most and saves least.
    Raises: BundleError when there are none, or the graph does not show the image.
    """
    makers = {output: node for node in graph.node for output in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    image = IMAGE
    while image in makers and uses[image] < 2:  # back from the output to where the network branches off
        image = makers[image].input[0]
    known = {image}
    weights = {each.name: math.prod(each.dims) for each in graph.initializer}
    found: dict[str, int | None] = {}  # by the name of a product: how many weights it has, if it has any
    for node in graph.node:  # ONNX keeps them in the order of computing
        if known & set(node.input):
            known.update(node.output)
            if node.op_type in KINDS:
                found[node.name] = weights.get(node.input[1])
    if image not in makers or not found:
        raise BundleError("The bundle does not tell its network from its preparation. Export it again.")
    least = SMALL * sum(count or 0 for count in found.values()) / len(found)
    return [name for name, count in found.items() if count is None or count >= least]


def _compared(part: str, contents: tuple[bytes, bytes], digits: DigitSet, record: Bundle) -> dict[str, Any]:
    """The figures of a part in 8 bits, with the accuracy in floats and the agreement."""
    floats, whole = (_answers(Session(content, part, device="cpu"), digits) for content in contents)
    agreement = float((floats.argmax(1) == whole.argmax(1)).mean())
    if agreement < LEAST_AGREEMENT:
        raise BundleError(
            f"In 8 bits {1 - agreement:.1%} of {len(digits):,} pictures ({part}) are read differently, at most"
            f" {1 - LEAST_AGREEMENT:.0%} are allowed. No file was written; use the bundle in floats."
        )
    before = float((floats.argmax(1) == digits.labels).mean())
    made = report(part, torch.from_numpy(whole), digits.labels, record.classes).to_plain()
    return {**{key: made[key] for key in FIGURES}, "fp32_accuracy": before, "agreement": agreement}


def _answers(session: Session, digits: DigitSet) -> Probabilities:
    found: list[NDArray[np.int64]] = []
    answers: list[Probabilities] = []
    for indices, pixels in batches_of_one_size(digits):
        found.append(indices)
        answers.append(session.run(["probabilities"], as_colour(pixels))[0])
    return np.concatenate(answers)[np.argsort(np.concatenate(found))]
