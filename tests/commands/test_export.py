"""The verb export: the files that it writes when they are asked for."""

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from typer.testing import CliRunner, Result

from digitkit.cli import app
from digitkit.export.torchscript import open_pipeline
from digitkit.runtime.bundle import read_bundle
from tests.fixtures.runs import Trained, in_mode_photo


def ask(*words: str | Path, code: int = 0) -> Result:
    answer = CliRunner().invoke(app, ["export", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return answer


@pytest.fixture(scope="module")
def everything(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A run exported in every way, and what the verb said of each file."""
    run = in_mode_photo(trained.run, tmp_path_factory.mktemp("export") / "run").path
    more = ["--int8", "--torchscript", f"{run}/model.pt", "--labels-json", f"{run}/labels.json", "--opset", "18"]
    return run, [json.loads(line) for line in ask(run, *more, "--json").stdout.splitlines()]


def test_every_file_that_was_asked_for_is_written_and_told(everything: tuple[Path, list[dict[str, Any]]]) -> None:
    run, told = everything
    assert [facts["file"] for facts in told] == [str(run / f"model{end}") for end in (".onnx", ".pt", "-int8.onnx")]
    assert all(facts["bytes"] == Path(facts["file"]).stat().st_size for facts in told)
    assert all(facts["difference"] < 1e-4 for facts in told[:2])
    assert all(0.95 <= told[2][f"{part} agreement"] <= 1 for part in ("val", "test"))


def test_the_bundle_in_8_bits_is_read_like_any_other(everything: tuple[Path, list[dict[str, Any]]]) -> None:
    run, told = everything
    record, _ = read_bundle(run / "model-int8.onnx")
    assert record.id == told[2]["id"]
    assert record.name.endswith("-int8")


def test_the_opset_is_the_one_asked_for(everything: tuple[Path, list[dict[str, Any]]]) -> None:
    [opset] = [each.version for each in onnx.load(everything[0] / "model.onnx").opset_import if not each.domain]
    assert opset == 18


def test_the_classes_stand_in_the_file_for_other_tools_and_in_torchscript(
    everything: tuple[Path, list[dict[str, Any]]],
) -> None:
    run, _ = everything
    assert json.loads((run / "labels.json").read_text()) == {str(place): str(place) for place in range(10)}
    assert open_pipeline((run / "model.pt").read_bytes()).classes == list("0123456789")


@pytest.mark.parametrize("opset", ["17", "24"])
def test_an_opset_that_nobody_reads_is_refused(trained: Trained, opset: str) -> None:
    answer = ask(trained.run.path, "--opset", opset, code=2)
    assert f"--opset must lie in 18..23, got {opset}" in answer.stderr
    assert not trained.run.file("model.onnx").exists()
