"""From a finished run to one portable file."""

import contextlib
import functools
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import onnx
import onnx.compose
import torch
from torch import Tensor, nn

from digitkit.core.bundle import INPUT, MAX_BYTES, MAX_SIDE, METADATA_KEY, OUTPUTS, UNSIGNED, Bundle, sign, with_digest
from digitkit.core.digitset import DigitSet
from digitkit.core.errors import BundleError, ConfigError
from digitkit.core.files import write_bytes
from digitkit.core.prediction import Thresholds
from digitkit.export import parity
from digitkit.export.graph import Graph, Read
from digitkit.export.parity import Parity, Progress
from digitkit.learn.compose import to_plain
from digitkit.learn.prepare import Prepare, Prepared
from digitkit.learn.recipe import PrepareConfig, Recipe
from digitkit.learn.run import Run

OPSET = 18  # from 19 on onnxruntime takes means 15 times more slowly
OPSETS = range(18, 24)  # what the exporter writes and onnxruntime reads
PART_FIGURES = ("n", "accuracy", "interval", "accuracy_views", "f1", "loss")
MOST_CLASSES = 20  # of a confusion that travels
IMAGE = "image"  # the fifth output: what the network saw, computed only when asked for
PREPARED = "prepared"  # the same between the two parts of the graph, 0..1
READER = "reader."  # before all names of the second part


def export(
    run: Run,
    check_with: DigitSet,
    *,
    view_count: int = 1,
    target: Path | None = None,
    name: str = "",
    opset: int = OPSET,
    progress: Progress | None = None,
) -> tuple[Bundle, Parity]:
    """Write the run's bundle (model.onnx in the run, or `target`) after comparing it with torch on real digits.

    Raises: BundleError when the two differ; then no file is written. ConfigError for an opset that cannot be written.
    """
    recipe, stored = run.recipe(), run.report()
    trust = stored["calibration"]
    graph = Graph(recipe.prepare, run.network(), view_count, trust["temperature"]).eval()
    record = Bundle(
        name=name or recipe.name, classes=tuple(stored["data"]["classes"]), mode=recipe.prepare.mode.value,
        size=recipe.prepare.size, views=view_count, temperature=trust["temperature"],
        thresholds=Thresholds(**trust["thresholds"]), report=summary(stored), recipe=_as_used(recipe, stored),
        data_fingerprint=stored["data"]["fingerprint"], versions=stored["versions"],
    )  # fmt: skip
    return write_checked(graph, record, check_with, target or run.file("model.onnx"), opset, progress)


def _as_used(recipe: Recipe, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as plain values, with the sources that were learnt from where one took another's place."""
    plain, used = to_plain(recipe, run_folder=""), stored["splits"]
    if recipe.data.fallback in used["sources"] and recipe.data.fallback not in recipe.data.sources:
        plain["data"]["sources"] = [spec for spec in used["sources"] if spec not in used["extra_sources"]]
    return plain


def write_checked(
    graph: Graph,
    record: Bundle,
    check_with: DigitSet,
    target: Path,
    opset: int = OPSET,
    progress: Progress | None = None,
) -> tuple[Bundle, Parity]:
    """Write a graph with its record after comparing it with torch on real digits; returns the signed record.

    Raises: BundleError when the two differ, or the file would be larger than a bundle may be; then no file is written.
    ConfigError for an opset that cannot be written.
    """
    check_opset(opset)
    signed, record = seal(to_onnx(graph, opset), record)
    if len(signed) > MAX_BYTES:
        raise BundleError(
            f"The bundle would have {len(signed) // 2**20:,} MB, more than the {MAX_BYTES // 2**20} MB that one may"
            " have. No file was written; export a smaller network, or fewer of them."
        )
    found = parity.check(graph, signed, check_with, progress)
    write_bytes(target, signed)
    return record, found


def check_opset(opset: int) -> None:
    """Refuse operators that nobody writes or reads.

    Raises: ConfigError.
    """
    if opset not in OPSETS:
        raise ConfigError(f"--opset must lie in {OPSETS[0]}..{OPSETS[-1]}, got {opset}")


def to_onnx(graph: Graph, opset: int = OPSET) -> onnx.ModelProto:
    """The graph as ONNX, batch, height and width free: the door, and behind it what reads its image."""
    config = graph.prepare.config
    image = torch.zeros(3, config.channels, config.size, config.size)  # batches of 1 would be taken for constants
    reader = _exported(graph.reader, {PREPARED: image}, Read._fields, opset)
    reader = onnx.compose.add_prefix(reader, READER, rename_outputs=False)
    whole = onnx.compose.merge_models(_door(astuple(config), opset), reader, [(PREPARED, READER + PREPARED)])
    del whole.opset_import[1:]  # each part has brought the same
    given = {value.name: value for value in whole.graph.output}
    del whole.graph.output[:]
    whole.graph.output.extend(given[name] for name in (*OUTPUTS, IMAGE))
    return whole


@functools.lru_cache(maxsize=4)
def _door(config: tuple[Any, ...], opset: int) -> onnx.ModelProto:
    """The preparation, most operators of a graph and the same for every network; `config` has its settings in order."""
    picture = torch.zeros(3, 40, 52, 3, dtype=torch.uint8)
    sides = {1: torch.export.Dim("height", min=1, max=MAX_SIDE), 2: torch.export.Dim("width", min=1, max=MAX_SIDE)}
    door = Prepare(PrepareConfig(*config)).eval()
    return _exported(door, {INPUT: picture}, (PREPARED, *Prepared._fields[1:]), opset, sides)


def _exported(
    module: nn.Module, example: Mapping[str, Tensor], outputs: Sequence[str], opset: int,
    sides: Mapping[int, Any] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """A module as ONNX. `example` is what it takes, by its name; free are the batch and the `sides`, by their axes."""
    with _quiet():
        program = torch.onnx.export(
            module, tuple(example.values()), input_names=list(example), output_names=list(outputs), dynamo=True,
            opset_version=opset, external_data=False, verbose=False, optimize=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1), **(sides or {})},),
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    del model.metadata_props[:]
    for node in model.graph.node:  # names of our source files and stack traces do not belong into a file for others
        del node.metadata_props[:]
        node.ClearField("doc_string")
    return model


def seal(model: onnx.ModelProto, record: Bundle) -> tuple[bytes, Bundle]:
    """The bytes of a bundle, its record inside and signed, and the record with its digest."""
    model.producer_name, model.producer_version = "digitkit", record.versions.get("digitkit", "")
    onnx.helper.set_model_props(model, {METADATA_KEY: with_digest(record, UNSIGNED).to_json()})
    onnx.checker.check_model(model)
    signed, digest = sign(bytes(model.SerializeToString(deterministic=True)))
    return signed, with_digest(record, digest)


def summary(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that travel in the bundle: accuracies with n and interval, where they mean nothing, not the lists."""
    short: dict[str, Any] = {key: stored[key] for key in ("train_seconds", "parameters", "hardware", "git")}
    short["contaminated"] = list(stored["splits"]["contaminated"])
    for part in ("val", "test"):
        if stored.get(part):
            short[part] = part_figures(stored[part])
    return short


def part_figures(scored: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a part that travel; its confusion too, where it is small enough to be looked at."""
    short = {key: scored[key] for key in PART_FIGURES}
    return short | ({"confusion": scored["confusion"]} if len(scored["confusion"]) <= MOST_CLASSES else {})


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter reports its steps on standard output and warns of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
