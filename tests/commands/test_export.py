"""The verb export: the files that it writes when they are asked for."""

import json
import shutil
from pathlib import Path
from typing import Any, cast

import onnx
import pytest
from typer.testing import CliRunner, Result

from digitkit.cli import app
from digitkit.export.torchscript import open_pipeline
from digitkit.hub.card import write_card
from digitkit.learn.run import Run
from digitkit.runtime.bundle import read_bundle
from tests.fixtures.runs import Trained, in_mode_photo, sibling


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


@pytest.fixture(scope="module")
def three(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path, list[dict[str, Any]]]:
    """Three runs in one bundle, and what the verb said of them."""
    folder = tmp_path_factory.mktemp("three")
    first = in_mode_photo(trained.run, folder / "first").path
    runs = [first, *(sibling(first, folder / f"other-{seed}", seed) for seed in (1, 2))]
    told = ask(*runs, "--output", folder / "three.onnx", "--name", "three", "--json").stdout
    return runs, folder / "three.onnx", [json.loads(line) for line in told.splitlines()]


def test_several_runs_become_one_bundle_and_their_ranking_is_told(
    three: tuple[list[Path], Path, list[dict[str, Any]]],
) -> None:
    runs, path, (ranking, facts) = three
    assert {row["run"] for row in ranking["candidates"]} == set(map(str, runs))
    shares = [row["accuracy"] for row in ranking["candidates"]]
    assert shares == sorted(shares, reverse=True)
    assert ranking["candidates"][-1]["together"]["accuracy"] == facts["val accuracy"]
    assert (facts["members"], facts["file"]) == (3, str(path))
    assert not any((run / "model.onnx").exists() for run in runs)


def test_people_see_the_members_of_a_bundle(three: tuple[list[Path], Path, list[dict[str, Any]]]) -> None:
    runs, path, _ = three
    told = CliRunner().invoke(app, ["show", "bundle", str(path)]).stdout
    assert "the mean of 3 runs" in told
    assert all(run.name in told for run in runs)
    assert "report.members" not in told
    assert write_card(read_bundle(path)[0], "me/three", {}).count(", seed ") == 3


def test_an_ensemble_is_compared_with_one_of_its_members(
    three: tuple[list[Path], Path, list[dict[str, Any]]], drawn_source: str
) -> None:
    runs, path, _ = three
    words = ["evaluate", str(path), "--against", str(runs[0]), "--on", f"{drawn_source}/test", "--json"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    made = json.loads(answer.stdout)
    assert made["n"] == 100
    assert made["first"].startswith("three@")


def test_of_several_runs_the_best_alone_is_exported_as_one(
    three: tuple[list[Path], Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    runs, _, (ranking, _) = three
    told = ask(*runs, "--best", "1", "--output", tmp_path / "best.onnx").stdout
    assert "1 of 3 runs" in told
    assert told.count("left out") == 2
    record, _ = read_bundle(tmp_path / "best.onnx")
    assert not record.members
    best = Path(ranking["candidates"][0]["run"])
    assert record.recipe["seed"] == Run(best).recipe().seed


def test_several_views_of_one_run_have_figures_of_their_own(trained: Trained, tmp_path: Path) -> None:
    run = Run(shutil.copytree(trained.run.path, tmp_path / "run"))
    [facts] = [json.loads(line) for line in ask(run.path, "--views", "5", "--json").stdout.splitlines()]
    record, _ = read_bundle(run.path / "model.onnx")
    told, stored = cast("dict[str, dict[str, Any]]", record.report), run.report()
    assert (facts["views"], record.views, record.name, record.members) == (5, 5, trained.recipe.name, ())
    assert told["test"]["accuracy"] == stored["test"]["accuracy_views"]["5"]
    assert told["val"]["accuracy"] == facts["val accuracy"]
    assert told["val"]["loss"] != stored["val"]["loss"]
    assert record.temperature != stored["calibration"]["temperature"]
    assert "5 view(s)" in (run.path / "card.md").read_text()


def test_pictures_that_have_changed_score_no_8_bits(trained: Trained, tmp_path: Path) -> None:
    run = in_mode_photo(trained.run, tmp_path / "run")
    report = run.report()
    report["data"]["fingerprint"] = "f" * 64
    run.file("report.json").write_text(json.dumps(report))
    assert "The pictures are not those that" in ask(run.path, "--int8", code=3).stderr
    assert not run.file("model.onnx").exists()  # nothing is half done


def test_a_bundle_is_exported_already(exported: Path) -> None:
    assert "is a file: a bundle has been exported already" in ask(exported, code=2).stderr


def test_a_cascade_asks_in_the_order_in_which_runs_are_named(
    three: tuple[list[Path], Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    (_, one, other), path = three[0], tmp_path / "two.onnx"
    for quick, thorough in ((one, other), (other, one)):
        told = ask(quick, thorough, "--cascade", "--output", path, "--json")
        ranking, facts = (json.loads(line) for line in told.stdout.splitlines())
        assert 0.06 < ranking["asked"] <= 1  # runs of a few steps are never sure
        assert f"{quick} is seldom sure: the second run is asked about" in told.stderr
        assert facts["members"] == 2
        assert [member["run"] for member in read_bundle(path)[0].members] == [quick.name, thorough.name]
    assert "a cascade of 2 runs" in CliRunner().invoke(app, ["show", "bundle", str(path)]).stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--best", "2"], 2, "--best chooses among several runs, and one is named"),
        (["--cascade"], 2, "--cascade takes two runs, and 1 run is named. Name the quick one"),
        (["{run}", "--cascade", "--best", "2", "--output", "a.onnx"], 2, "2 runs are named with --best"),
        (["{run}", "--asked", "0.5", "--output", "a.onnx"], 2, "--asked is for --cascade"),
        (["{run}"], 2, "Say where, as in --output"),
        (["nowhere", "--output", "a.onnx"], 3, "nowhere is not a run"),
        (["{run}", "--output", "a.onnx"], 2, "hold the same weights"),
        (["{run}", "--output", "a.onnx", "--opset", "17"], 2, "--opset must lie in 18..23"),
    ],
)
def test_several_runs_that_cannot_be_joined_are_one_message(
    trained: Trained, words: list[str], code: int, message: str
) -> None:
    answer = ask(trained.run.path, *(word.format(run=trained.run.path) for word in words), code=code)
    assert message in answer.stderr
    assert answer.stderr.count("error:") == 1
