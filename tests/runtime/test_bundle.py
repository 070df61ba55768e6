"""A bundle is read only when its bytes are the ones that were written."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.core.bundle import MAX_BYTES, UNSIGNED
from digitkit.core.errors import BundleAltered, BundleError, BundleTooNew
from digitkit.runtime.bundle import check, read_bundle
from tests.fixtures.bundles import TINY, signed, tiny_bundle, tiny_graph, write_tiny

SIGNED = tiny_bundle()


def test_a_bundle_gives_its_record_and_its_bytes(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    record, content = read_bundle(path)
    assert replace(record, digest=UNSIGNED) == TINY
    assert content == path.read_bytes()
    assert record.id == f"tiny@{record.digest[:12]}"


def test_the_default_bundle_ships_and_is_whole() -> None:
    record, content = read_bundle("default")
    assert set("0123456789") <= set(record.classes)
    assert len(content) < 5_000_000


def test_a_missing_file_is_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere\.onnx: cannot be read \(No such file.*'default' for the one"):
        read_bundle(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("path", [".", "a\0b"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(BundleError, match=r"not a file|cannot be read"):
        read_bundle(path)


def test_a_file_over_512_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(BundleError, match=r"large\.onnx: over 512 MB"):
        read_bundle(path)


@pytest.mark.parametrize("content", [b"", b"text that is no model", b"\x89PNG\r\n\x1a\n", bytes(50)])
def test_a_file_that_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"x: .*Give a file written by `digitkit export`"):
        check(content, "x")


def test_another_model_is_not_a_bundle() -> None:
    model = onnx.helper.make_model(tiny_graph(10))
    with pytest.raises(BundleError, match=r"net\.onnx: expected one digitkit record in the file, got 0"):
        check(model.SerializeToString(), "net.onnx")


def test_two_records_are_no_record() -> None:
    with pytest.raises(BundleError, match="got 2"):
        check(SIGNED + SIGNED, "twice.onnx")


def test_a_bundle_cut_off_anywhere_is_refused() -> None:
    for length in range(len(SIGNED)):
        with pytest.raises(BundleError, match=r"^cut\.onnx: "):
            check(SIGNED[:length], "cut.onnx")


def test_a_bundle_with_any_one_byte_altered_is_refused() -> None:
    for place in range(len(SIGNED)):
        content = bytearray(SIGNED)
        content[place] ^= 1 + place % 255
        with pytest.raises(BundleError, match=r"^worn\.onnx: "):
            check(bytes(content), "worn.onnx")


def test_an_altered_weight_is_told_from_other_faults() -> None:
    content = SIGNED.replace(b"steep", b"stoop", 1)
    with pytest.raises(BundleAltered, match=r"worn\.onnx: .*not the ones that were written .*export it again"):
        check(content, "worn.onnx")


def test_bytes_behind_a_bundle_are_an_alteration() -> None:
    with pytest.raises(BundleAltered):
        check(SIGNED + b"\x08\x01", "longer.onnx")


def test_an_unsigned_model_is_refused() -> None:
    model = onnx.helper.make_model(tiny_graph(10))
    onnx.helper.set_model_props(model, {"digitkit": TINY.to_json()})
    with pytest.raises(BundleAltered):
        check(model.SerializeToString(), "unsigned.onnx")


def test_a_newer_format_says_to_update() -> None:
    record = json.dumps({**asdict(TINY), "format": 2, "something": "new"}, sort_keys=True)
    with pytest.raises(BundleTooNew, match=r"new\.onnx: .*format 2, this digitkit reads up to 1\. Update digitkit"):
        check(signed(tiny_graph(10), record), "new.onnx")


@pytest.mark.parametrize(
    "values",
    [
        {"classes": []},
        {"classes": ["1", "1"]},
        {"classes": "0123456789"},
        {"classes": None},
        {"thresholds": {"ink": 1}},
        {"thresholds": {"margin": "wide"}},
        {"thresholds": None},
        {"format": "one"},
        {"format": None},
        {"format": 0},
        {"format": float("inf")},
        {"name": None},
        {"surprise": 1},
    ],
)
def test_a_record_that_makes_no_sense_is_refused_even_if_signed(values: dict[str, object]) -> None:
    record = json.dumps({**asdict(TINY), **values}, sort_keys=True)
    with pytest.raises(BundleError, match=r"^odd\.onnx: "):
        check(signed(tiny_graph(10), record), "odd.onnx")


@pytest.mark.parametrize("record", ["[]", "7", "null", "[" * 100_000])
def test_a_record_that_is_no_object_is_refused(record: str) -> None:
    model = onnx.helper.make_model(tiny_graph(10))
    onnx.helper.set_model_props(model, {"digitkit": record})
    with pytest.raises(BundleError):
        check(model.SerializeToString(), "odd.onnx")


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_as_no_bundle(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^x: "):
        check(content, "x")


@given(st.data())
def test_a_damaged_bundle_is_refused_whatever_the_damage(data: st.DataObject) -> None:
    content = bytearray(SIGNED)
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    if bytes(content) != SIGNED:
        with pytest.raises(BundleError, match=r"^x: "):
            check(bytes(content), "x")
