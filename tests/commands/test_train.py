"""The verbs train and export: what they print, what they leave, and how they refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from digitkit.cli import app
from digitkit.runtime.bundle import read_bundle
from tests.fixtures.runs import SMALL, Trained, in_mode_photo

PHOTO = "prepare.mode=photo"  # its graph is exported in a third of the time
FEW = (*SMALL, "budget.least_steps=10", "data.limit=100", PHOTO)


def ask(verb: str, *words: str | Path, code: int = 0) -> Result:
    answer = CliRunner().invoke(app, [verb, *map(str, words)])
    assert answer.exit_code == code, answer.output
    return answer


def flat(text: str) -> str:
    """What a table says, without its lines and breaks."""
    return " ".join(text.replace("│", " ").replace("┃", " ").split())


@pytest.fixture(scope="module")
def told(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What `train --json` says at its end, and the run folder."""
    run = tmp_path_factory.mktemp("runs") / "told"
    answer = ask("train", *FEW, f"data.sources=[{drawn_source}]", f"run.folder={run}", "--json")
    return json.loads(answer.stdout.splitlines()[-1]), run


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Path:
    """A finished run to export from."""
    return in_mode_photo(trained.run, tmp_path / "copied").path


def test_the_last_line_of_json_has_the_promised_keys(told: tuple[dict[str, Any], Path]) -> None:
    values, run = told
    promised = {"run", "train_seconds", "prepare_seconds", "total_seconds", "val_accuracy", "test_accuracy"}
    assert promised <= set(values)
    assert values["run"] == str(run)
    assert 0 < values["train_seconds"] < values["total_seconds"]
    assert all(0 <= values[key] <= 1 for key in ("val_accuracy", "test_accuracy"))
    assert values["bundle"]["views"] == 1


def test_training_leaves_the_bundle_and_the_card(told: tuple[dict[str, Any], Path]) -> None:
    values, run = told
    record, content = read_bundle(run / "model.onnx")
    assert record.id == values["bundle"]["id"]
    assert len(content) == values["bundle"]["bytes"]
    assert record.id in (run / "card.md").read_text()


def test_a_run_folder_that_exists_is_refused(told: tuple[dict[str, Any], Path]) -> None:
    answer = ask("train", *FEW, f"run.folder={told[1]}", "data.sources=[optdigits]", code=2)
    assert "already holds a run. Choose another run.folder" in answer.stderr


def test_a_finished_run_is_not_resumed(told: tuple[dict[str, Any], Path]) -> None:
    answer = ask("train", "--resume", told[1], code=2)
    assert f"error: {told[1]} has finished, there is nothing to go on with" in answer.stderr


def test_force_without_resume_is_refused() -> None:
    answer = ask("train", "--force", code=2)
    assert "--force belongs to --resume" in answer.stderr


def test_a_run_whose_recipe_was_changed_says_what_and_goes_on_when_forced(
    told: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("last.ckpt", "recipe.yaml"):
        shutil.copy(told[1] / name, run / name)
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("lr: 0.003", "lr: 0.002").replace("export: true", "export: false"))
    answer = ask("train", "--resume", run, code=2)
    assert "optim.lr was 0.003, is 0.002" in answer.stderr
    assert f"digitkit train --resume {run} --force" in answer.stderr
    assert "Traceback" not in answer.stderr
    answer = ask("train", "--resume", run, "--force", code=3)  # the weights are those of the finished run
    assert "going on although this has changed: recipe.yaml: optim.lr was 0.003, is 0.002" in answer.stderr


def test_quiet_prints_nothing_and_the_same_seed_gives_the_same_weights(
    told: tuple[dict[str, Any], Path], drawn_source: str, tmp_path: Path
) -> None:
    words = (*FEW, f"data.sources=[{drawn_source}]", f"run.folder={tmp_path / 'run'}", "run.export=false")
    answer = ask("train", *words, "--quiet")
    assert answer.output == ""
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == (told[1] / "best.safetensors").read_bytes()


def test_debug_shows_where_an_error_came_from(tmp_path: Path) -> None:
    answer = ask("train", "--debug", "data.sources=[folder:no-such-place]", f"run.folder={tmp_path / 'run'}", code=3)
    assert "Traceback (most recent call last)" in answer.stderr
    assert "error: " in answer.stderr.splitlines()[-1]


def test_people_get_a_table_with_intervals(drawn_source: str, tmp_path: Path) -> None:
    answer = ask("train", *FEW, f"data.sources=[{drawn_source}]", f"run.folder={tmp_path / 'run'}", "run.export=false")
    table = flat(answer.stdout)
    for words in ("tiny: trained", "val accuracy", "test accuracy", "95 % interval", "train seconds", "card"):
        assert words in table
    assert not (tmp_path / "run" / "model.onnx").exists()
    assert (tmp_path / "run" / "card.md").exists()


def test_without_any_held_out_picture_the_export_is_checked_with_training_pictures(
    drawn_source: str, tmp_path: Path
) -> None:
    only_train = drawn_source + "/train"
    run = tmp_path / "run"
    answer = ask("train", *FEW, f"data.sources=[{only_train}]", f"run.folder={run}", "data.val_size=0", "--json")
    values = json.loads(answer.stdout.splitlines()[-1])
    assert values["val_accuracy"] is values["test_accuracy"] is None
    assert values["bundle"]["pictures"] == 100
    assert "No source has a test part, and no picture is kept for validation" in answer.stderr
    assert (run / "model.onnx").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["budget.epoch=3"], 2, "Did you mean 'budget.epochs'?"),
        (["seed"], 2, "'seed' is no override; write key=value"),
        (["model=tiny_cnm"], 2, "Unknown model 'tiny_cnm'. Did you mean 'tiny_cnn'"),
        (["budget.epochs=-1"], 2, "budget.epochs must lie in 0.001..1e+06, got -1"),
        (["data.sources=[nist]"], 2, "Did you mean 'mnist'"),
        (["data.sources=[folder:no-such-place]"], 3, "there is no folder no-such-place"),
        (["data.sources=[mnist]", "data.offline=true"], 3, "mnist: "),
        (["--resume", "no-such-run"], 3, "no-such-run is not a run: it has no recipe.yaml"),
        (["--resume", "no-such-run", "seed=1"], 2, "leave out the overrides"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_reason_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = ask("train", *words, code=code)
    assert message in answer.stderr
    assert answer.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_fallback_is_said_plainly_and_stands_on_the_card(tmp_path: Path) -> None:
    words = [*FEW, "data.sources=[mnist]", "data.offline=true", "data.fallback=optdigits", "run.export=false"]
    answer = ask("train", *words, f"run.folder={tmp_path / 'run'}", "--json")
    assert "mnist cannot be had; optdigits takes its place" in answer.stderr
    assert "optdigits takes its place" in (tmp_path / "run" / "card.md").read_text()


def test_a_place_that_cannot_be_written_is_named(drawn_source: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = ask("train", *FEW, f"data.sources=[{drawn_source}]", f"run.folder={tmp_path / 'file' / 'run'}", code=5)
    assert "Cannot create the folder" in answer.stderr


def test_export_writes_as_many_views_as_asked_into_the_run_and_renews_its_card(copied: Path) -> None:
    facts = json.loads(ask("export", copied, "--views", "5", "--name", "five", "--json").stdout)
    record, content = read_bundle(copied / "model.onnx")
    assert (facts["id"], facts["bytes"], facts["views"]) == (record.id, len(content), 5)
    assert facts["file"] == str(copied / "model.onnx")
    assert facts["difference"] < 1e-4
    assert (record.name, record.views) == ("five", 5)
    assert record.id in (copied / "card.md").read_text()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["no-such-run"], 3, "no-such-run is not a run"),
        (["{run}", "--views", "3"], 2, "--views must be 1, 5 or 9, got 3"),
    ],
)
def test_what_cannot_be_exported_is_refused(trained: Trained, words: list[str], code: int, message: str) -> None:
    answer = ask("export", *(word.format(run=trained.run.path) for word in words), code=code)
    assert message in answer.stderr


def test_an_unfinished_run_cannot_be_exported(copied: Path) -> None:
    (copied / "report.json").unlink()
    answer = ask("export", copied, code=3)
    assert f"Go on with: digitkit train --resume {copied}" in answer.stderr
    assert not (copied / "model.onnx").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["loss.teacher=runs/typo"], 3, "loss.teacher=runs/typo cannot be used: runs/typo is not a run"),
        (["start=runs/typo"], 3, "start=runs/typo cannot be used"),
        (["run.device=cuda"], 2, "cuda"),
        (["data.negatives=[optdigits]"], 2, "has no picture of the class 'not a digit'"),
        (["data.val_size=0", "budget.patience=1", "run.keep=2"], 2, "budget.patience and run.keep would choose by"),
    ],
)
def test_the_corrected_command_finds_the_folder_free(
    drawn_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = ask("train", *FEW, f"data.sources=[{drawn_source}]", "run.folder=runs/mine", *words, code=code)
    assert message in answer.stderr
    assert not (tmp_path / "runs" / "mine").exists()


def test_a_teacher_that_has_gone_is_named_when_a_run_goes_on(
    drawn_source: str, trained: Trained, tmp_path: Path
) -> None:
    teacher, run = tmp_path / "teacher", tmp_path / "run"
    shutil.copytree(trained.run.path, teacher)
    words = (f"data.sources=[{drawn_source}]", f"run.folder={run}", f"loss.teacher={teacher}", "run.export=false")
    ask("train", *SMALL, "budget.least_steps=10", *words)
    (run / "report.json").unlink()  # as if it had been stopped
    shutil.rmtree(teacher)
    answer = ask("train", "--resume", run, code=3)
    assert f"loss.teacher={teacher} cannot be used" in answer.stderr
    assert "name its new place" in answer.stderr
    assert (run / "recipe.yaml").is_file()


def test_a_bundle_names_what_was_learnt_from_instead(tmp_path: Path) -> None:
    words = [*FEW, "data.sources=[mnist]", "data.offline=true", "data.fallback=optdigits"]
    ask("train", *words, f"run.folder={tmp_path / 'run'}")
    record = read_bundle(tmp_path / "run" / "model.onnx")[0]
    assert record.recipe["data"]["sources"] == ["optdigits"]  # type: ignore[index]
