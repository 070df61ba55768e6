"""The record of a bundle survives the trip through its file, and its digest holds for these bytes only."""

import hashlib
import json
from dataclasses import FrozenInstanceError, asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitkit.core.bundle import UNSIGNED, Bundle, digest_holds, sign, with_digest
from digitkit.core.errors import BundleError, BundleTooNew
from digitkit.core.prediction import Thresholds

RECORD = Bundle(
    name="größe",
    classes=("", "0", "23"),
    thresholds=Thresholds(0.1, 0.2, 0.3, 0.4),
    report={"test": {"accuracy": 0.995}},
    recipe={"seed": 1},
    versions={"digitkit": "0.1.0"},
)


def test_a_record_comes_back_as_it_was() -> None:
    assert Bundle.from_json(RECORD.to_json(), "x") == RECORD


def test_the_text_of_a_record_is_ascii_so_that_any_tool_can_find_the_digest() -> None:
    assert RECORD.to_json().isascii()
    assert f'"digest": "{UNSIGNED}"' in RECORD.to_json()


def test_keys_left_out_have_their_defaults() -> None:
    values = {"format": 1, "name": "a", "classes": ["1"], "thresholds": {}, "digest": "d"}
    record = Bundle.from_json(json.dumps(values), "x")
    assert (record.mode, record.size, record.views, record.thresholds) == ("ink", 28, 1, Thresholds())


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{}", '{"format": 1}', '{"format": Infinity}'])
def test_a_text_that_is_no_record_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(BundleError, match=r"^x\.onnx: the bundle's metadata is not readable .*Export it again"):
        Bundle.from_json(text, "x.onnx")


def test_a_newer_format_is_refused_even_if_nothing_else_is_known_of_it() -> None:
    with pytest.raises(BundleTooNew, match=r"^x\.onnx: the bundle has format 7"):
        Bundle.from_json('{"format": 7, "all": "else"}', "x.onnx")


def test_numbers_that_json_has_no_word_for_do_not_get_into_a_record() -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(RECORD, report={"loss": float("nan")}).to_json()


def test_the_id_is_the_name_with_the_beginning_of_the_digest() -> None:
    assert with_digest(RECORD, "0123456789abcdef" * 4).id == "größe@0123456789ab"


@pytest.mark.parametrize(("classes", "reads"), [(("0", "1"), False), (("", "1"), False), (("0", "23"), True)])
def test_a_bundle_reads_numbers_when_a_class_has_several_characters(classes: tuple[str, ...], reads: bool) -> None:
    assert replace(RECORD, classes=classes).reads_numbers is reads


def test_the_digest_is_the_sha256_with_its_own_place_zeroed() -> None:
    unsigned = b"before " + UNSIGNED.encode() + b" after"
    signed, digest = sign(unsigned)
    assert signed == b"before " + digest.encode() + b" after"
    assert digest == hashlib.sha256(unsigned).hexdigest()
    assert digest_holds(signed, digest)


@given(st.binary(max_size=50), st.binary(max_size=50), st.data())
def test_the_digest_holds_for_the_signed_bytes_and_for_no_others(
    before: bytes, after: bytes, data: st.DataObject
) -> None:
    signed, digest = sign(b"<" + before + b">" + UNSIGNED.encode() + b"<" + after + b">")
    assert digest_holds(signed, digest)
    altered = bytearray(signed)
    altered[data.draw(st.integers(0, len(signed) - 1))] ^= data.draw(st.integers(1, 255))
    assert not digest_holds(bytes(altered), digest)
    assert not digest_holds(signed + b"\0", digest)
    assert not digest_holds(signed[:-1], digest)


@pytest.mark.parametrize("unsigned", [b"no place", UNSIGNED.encode() + b" " + UNSIGNED.encode()])
def test_a_file_without_a_single_place_for_the_digest_cannot_be_signed(unsigned: bytes) -> None:
    with pytest.raises(BundleError, match="no single place for its digest"):
        sign(unsigned)


def test_a_file_that_was_never_signed_does_not_hold() -> None:
    assert not digest_holds(b"x" + UNSIGNED.encode(), UNSIGNED)


def test_a_record_cannot_be_changed_by_accident() -> None:
    with pytest.raises(FrozenInstanceError):
        RECORD.name = "other"  # type: ignore[misc]
    assert asdict(RECORD)["name"] == "größe"
