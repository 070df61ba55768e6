"""The folder of a run: never overwritten, and clear about what is missing in it."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError, DataError, StoreError
from digitkit.learn.compose import compose
from digitkit.learn.device import choose_device
from digitkit.learn.run import Run, git_state, hardware, versions
from digitkit.learn.running import RunConfig
from tests.fixtures.runs import Trained, full_disk


def run_in(folder: Path) -> Run:
    return Run.create(compose([f"run.folder={folder}"]))


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Run:
    """A finished run that may be damaged."""
    return Run(Path(shutil.copytree(trained.run.path, tmp_path / "copied")))


def test_a_new_run_holds_its_recipe(tmp_path: Path) -> None:
    run = run_in(tmp_path / "a" / "b")
    assert Run.open(run.path).recipe() == compose([f"run.folder={run.path}"])


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    run = run_in(tmp_path / "a")
    before = run.file("recipe.yaml").read_bytes()
    with pytest.raises(ConfigError, match=r"already holds a run\. Choose another run\.folder, or remove it"):
        Run.create(compose([f"run.folder={run.path}", "seed=9"]))
    assert run.file("recipe.yaml").read_bytes() == before


def test_without_a_folder_the_name_and_the_time_are_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = Run.create(compose(["experiment=tiny"]))
    assert run.path.parent == Path("runs")
    assert run.path.name.startswith("tiny-20")


@pytest.mark.parametrize("name", ["", "nothing-here"])
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"is not a run: it has no recipe\.yaml"):
        Run.open(tmp_path / name)


@pytest.mark.parametrize("text", ["", "name: [", "name: 3", "model: {name: no_such}", "\t- : ::"])
def test_a_damaged_recipe_is_a_clear_error(tmp_path: Path, text: str) -> None:
    run = run_in(tmp_path / "a")
    run.file("recipe.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"damaged|does not fit|Unknown"):
        Run.open(run.path).recipe()


def test_an_unfinished_run_says_how_to_go_on(tmp_path: Path) -> None:
    run = run_in(tmp_path / "a")
    for ask in (run.report, run.network):
        with pytest.raises(DataError, match=r"has not finished.*digitkit train --resume"):
            ask()


def test_a_damaged_report_is_a_clear_error(copied: Run) -> None:
    copied.file("report.json").write_text('{"name": ')
    with pytest.raises(DataError, match=r"report\.json: cannot be read"):
        copied.report()


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_weights_that_are_missing_cut_off_or_of_another_network_are_a_clear_error(copied: Run, damage: str) -> None:
    weights = copied.file("best.safetensors")
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        copied.save_weights(torch.nn.Linear(2, 2))
    with pytest.raises(DataError, match=r"best\.safetensors: no weights that fit"):
        copied.network()


def test_weights_are_written_whole_or_not_at_all(copied: Run) -> None:
    before = copied.file("best.safetensors").read_bytes()
    with full_disk(), pytest.raises(StoreError, match=r"Cannot write .*best\.safetensors: .*Free some space"):
        copied.save_weights(torch.nn.Linear(100, 100))
    assert copied.file("best.safetensors").read_bytes() == before
    assert not [path for path in copied.path.iterdir() if path.name.startswith(".")]


def test_the_facts_of_the_machine_are_plain_words() -> None:
    assert {"python", "system", "digitkit", "torch", "lightning", "numpy", "onnx", "onnxruntime"} <= set(versions())
    assert "CPU" in hardware(choose_device(RunConfig(device="cpu")))
    assert json.dumps(versions())


def test_outside_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() == ""


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state() == ""
