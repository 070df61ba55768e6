"""The verb benchmark: a row for each runtime, each in processes of its own."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.runtime import openvino
from digitkit.runtime.bundle import read_bundle
from tests.fixtures.bundles import TINY, tiny_bundle, write_tiny
from tests.fixtures.runs import Trained

QUICK = ("--seconds", "0.01", "--repeats", "1", "--threads", "1")


def ask(*words: str | Path, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """What the verb prints as JSON, and what it says to people."""
    answer = CliRunner().invoke(app, ["benchmark", *map(str, words), "--json"])
    assert answer.exit_code == code, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()], answer.stderr


def test_a_bundle_is_timed_in_fresh_processes(tmp_path: Path) -> None:
    bundle = write_tiny(tmp_path)
    [row, *_], said = ask(bundle, *QUICK, "--repeats", "2")
    assert (row["target"], row["runtime"], row["threads"]) == (str(bundle), "ONNX fp32", 1)
    assert row["bytes"] == bundle.stat().st_size
    for figure in ("cold_start_s", "ms", "pictures_per_s"):
        assert 0 < row[figure]["low"] <= row[figure]["median"] <= row[figure]["high"]
    assert row["accuracy"] is row["agreement"] is None
    assert "2 of 2" in said


def test_a_row_for_each_number_of_threads_and_the_bundle_in_8_bits_beside_it(tmp_path: Path) -> None:
    bundle = write_tiny(tmp_path)
    (tmp_path / "tiny-int8.onnx").write_bytes(tiny_bundle(replace(TINY, report={"precision": "int8"})))
    rows, _ = ask(bundle, *QUICK, "--threads", "2", "--on", "optdigits/test")
    of_onnx = [(row["runtime"], row["threads"]) for row in rows if row["runtime"].startswith("ONNX")]
    assert of_onnx == [
        ("ONNX fp32", 1), ("ONNX fp32", 2), ("ONNX int8", 1), ("ONNX int8", 2),
    ]  # fmt: skip
    assert {row["agreement"] for row in rows} == {1.0}
    assert {row["n"] for row in rows} == {359}


def test_what_was_made_of_another_bundle_is_left_out(tmp_path: Path) -> None:
    bundle = write_tiny(tmp_path)
    report = {"precision": "int8", "made_of": "tiny@000000000000"}
    (tmp_path / "tiny-int8.onnx").write_bytes(tiny_bundle(replace(TINY, report=report)))
    rows, said = ask(bundle, *QUICK)
    assert {row["runtime"] for row in rows} <= {"ONNX fp32", "OpenVINO fp32"}
    assert "tiny-int8.onnx was made of another bundle than" in said


def test_the_bundle_that_ships_is_measured_in_floats_and_in_8_bits() -> None:
    rows, said = ask("default", *QUICK, "--on", "optdigits/test")
    assert [row["runtime"] for row in rows if row["runtime"].startswith("ONNX")] == ["ONNX fp32", "ONNX int8"]
    floats, whole = rows[0], next(row for row in rows if row["runtime"] == "ONNX int8")
    assert whole["bytes"] < 500_000 < floats["bytes"] < 1_500_000
    assert whole["agreement"] > 0.99
    assert read_bundle("default-int8")[0].made_of == read_bundle("default")[0].id
    low, high = whole["interval"]
    assert low < whole["accuracy"] < high
    assert "8 bits" not in said


@pytest.mark.slow  # six processes, of which four load torch
def test_a_run_is_read_alike_by_torch_torchscript_and_onnx(
    trained: Trained, exported: Path, drawn_source: str, tmp_path: Path
) -> None:
    run = shutil.copytree(trained.run.path, tmp_path / "run")
    shutil.copy(exported, run / "model.onnx")
    rows, said = ask(run, *QUICK, "--on", f"{drawn_source}/test")
    assert [row["runtime"] for row in rows][:2] == ["torch", "TorchScript"]
    assert "ONNX fp32" in [row["runtime"] for row in rows]
    assert {row["agreement"] for row in rows} == {1.0}
    assert {row["accuracy"] for row in rows} == {trained.run.report()["test"]["accuracy"]}
    assert rows[0]["bytes"] == (run / "best.safetensors").stat().st_size
    assert "is not here in 8 bits; `digitkit export RUN --int8` writes model-int8.onnx" in said


@pytest.mark.skipif(not openvino.is_installed(), reason="openvino is not installed")
def test_openvino_reads_a_bundle_as_onnxruntime_does(exported: Path, drawn_source: str) -> None:
    rows, _ = ask(exported, *QUICK, "--on", f"{drawn_source}/test")
    assert [row["runtime"] for row in rows] == ["ONNX fp32", "OpenVINO fp32"]
    assert {row["agreement"] for row in rows} == {1.0}


def test_people_get_a_table(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["benchmark", str(write_tiny(tmp_path)), *QUICK, "--quiet"])
    assert answer.exit_code == 0
    told = " ".join(answer.stdout.replace("│", " ").split())
    for words in ("ONNX", "cold, s", "one, ms", "median, least-most of 1"):
        assert words in told
    assert answer.stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--seconds", "0"], 2, "--seconds must lie above 0 and up to 3600, got 0"),
        (["--seconds", "nan"], 2, "up to 3600, got nan"),
        (["--seconds", "inf"], 2, "up to 3600, got inf"),
        (["--side", "0"], 2, "--side must lie in 1..4096, got 0"),
        (["--repeats", "0"], 2, "--repeats must lie in 1..100, got 0"),
        (["--threads", "0"], 2, "--threads must lie in 1..1024, got 0"),
        (["--device", "tpu"], 2, "Unknown device 'tpu'"),
        (["--on", "mnist"], 2, "--on mnist: expected SOURCE/PART"),
        (["no-such.onnx"], 4, "no-such.onnx: cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_refused(words: list[str], code: int, message: str) -> None:
    assert message in ask(*words, code=code)[1]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "is not a run" in ask(tmp_path, code=3)[1]
