"""A bundle in 8 bits: smaller, valid, honest about what it costs, and float where it prepares."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from digitkit.core.bundle import Bundle
from digitkit.core.digitset import Dense, DigitSet
from digitkit.core.errors import BundleError
from digitkit.export import quantise
from digitkit.export.quantise import network_nodes
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.predictor import Predictor
from tests.fixtures.bundles import tiny_graph, write_tiny
from tests.fixtures.runs import Trained

Figures = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def small(trained: Trained, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle, Figures]:
    path = tmp_path_factory.mktemp("int8") / "small-int8.onnx"
    parts = {"val": trained.splits.val, "test": trained.splits.test}
    return path, *quantise.export(exported, path, trained.splits.primary, parts)


def test_a_bundle_in_8_bits_is_a_smaller_bundle(small: tuple[Path, Bundle, Figures], exported: Path) -> None:
    path, record, _ = small
    read, content = read_bundle(path)
    assert read.digest == record.digest
    assert (read.format, read.name, read.report["precision"]) == (1, "tiny-int8", "int8")
    assert read.thresholds == read_bundle(exported)[0].thresholds
    assert len(content) < exported.stat().st_size - 50_000


def test_its_figures_are_its_own_beside_those_of_floats(
    small: tuple[Path, Bundle, Figures], exported: Path, trained: Trained
) -> None:
    path, record, figures = small
    digits = trained.splits.test
    pictures = [digits.pictures[index] for index in range(len(digits))]
    whole, floats = (Predictor.load(each, "cpu", 1).probabilities(pictures).argmax(1) for each in (path, exported))
    told = figures["test"]
    assert told["accuracy"] == pytest.approx((whole == digits.labels).mean())
    assert told["fp32_accuracy"] == pytest.approx((floats == digits.labels).mean())
    assert told["agreement"] == pytest.approx((whole == floats).mean())
    assert told["n"] == 100
    assert record.report["test"] == figures["test"]


def test_it_sees_the_very_images_that_the_bundle_in_floats_sees(
    small: tuple[Path, Bundle, Figures], exported: Path, trained: Trained
) -> None:
    pictures = [trained.splits.test.pictures[index] for index in range(10)]
    whole, floats = (np.stack(Predictor.load(each, "cpu", 1).images(pictures)) for each in (small[0], exported))
    assert np.array_equal(whole, floats)


def test_large_products_of_the_network_are_in_8_bits_and_none_of_the_preparation(
    small: tuple[Path, Bundle, Figures], exported: Path
) -> None:
    before, after = onnx.load(exported).graph, onnx.load(small[0]).graph
    names = network_nodes(before)
    weights = {each.name: int(np.prod(each.dims)) for each in before.initializer}
    products = {node.name: weights[node.input[1]] for node in before.node if node.op_type in ("Conv", "Gemm")}
    assert len(products) == 4
    assert min(products[name] for name in names) > max(products[name] for name in products if name not in names)
    assert sum(products[name] for name in names) > 0.95 * sum(products.values())
    assert sum(node.op_type == "MatMul" for node in before.node) > 10
    fed = {output for node in after.node if node.op_type == "DequantizeLinear" for output in node.output}
    for node in after.node:
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            assert len(set(node.input[:2]) & fed) == (2 if node.name in names else 0)


def test_weights_use_7_bits_so_that_no_processor_overflows(small: tuple[Path, Bundle, Figures]) -> None:
    weights = [onnx.numpy_helper.to_array(each) for each in onnx.load(small[0]).graph.initializer]
    whole = [each for each in weights if each.dtype == np.int8 and each.ndim > 1]
    assert len(whole) == 2
    assert all(50 <= np.abs(each.astype(int)).max() <= 64 for each in whole)


def test_a_bundle_that_reads_otherwise_in_8_bits_is_not_written(
    trained: Trained, exported: Path, tmp_path: Path
) -> None:
    primary = trained.splits.primary
    page = Dense(np.full((1, 28, 28), 255, np.uint8))  # no digit fits into the ranges of white paper
    blank = DigitSet(page, primary.labels[:1], primary.classes, primary.origins[:1])
    digits = trained.splits.test
    pictures = np.stack([digits.pictures[index] for index in range(len(digits))]).astype(np.int64)
    # A little takes such a picture for the other digit.
    blended = Dense(((pictures + np.roll(pictures, 7, 0)) // 2).astype(np.uint8))
    unclear = DigitSet(blended, digits.labels, digits.classes, digits.origins)
    target = tmp_path / "never.onnx"
    with pytest.raises(BundleError, match=r"In 8 bits .* are read differently, at most 5% are allowed"):
        quantise.export(exported, target, blank, {"test": unclear})
    assert not target.exists()


def test_a_graph_without_a_network_is_refused(tmp_path: Path, trained: Trained) -> None:
    with pytest.raises(BundleError, match="does not tell its network from its preparation"):
        network_nodes(tiny_graph(10))
    with pytest.raises(BundleError, match="does not tell"):
        quantise.export(write_tiny(tmp_path), tmp_path / "never.onnx", trained.splits.primary, {})


def test_without_a_part_to_read_what_was_learnt_from_tells_whether_the_two_agree(
    trained: Trained, exported: Path, tmp_path: Path
) -> None:
    nothing = trained.splits.val.take(np.zeros(0, np.int64))
    record, figures = quantise.export(exported, tmp_path / "int8.onnx", trained.splits.primary, {"val": nothing})
    assert list(figures) == ["train"]
    assert figures["train"]["agreement"] > quantise.LEAST_AGREEMENT
    assert record.report["train"] == figures["train"]
