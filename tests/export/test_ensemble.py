"""Several runs become one bundle that says the mean of what they say, in whatever order they are named."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from digitkit.core.errors import ConfigError, DataError
from digitkit.core.picture import Pixels
from digitkit.export import quantise, torchscript
from digitkit.export.ensemble import Joined, export, join
from digitkit.export.members import open_members
from digitkit.export.parity import Probabilities
from digitkit.export.torchscript import open_pipeline, reading
from digitkit.learn.compose import from_plain, to_plain
from digitkit.learn.loader import as_colour
from digitkit.runtime.bundle import read_bundle
from digitkit.runtime.session import Session
from tests.fixtures.joined import Written
from tests.fixtures.runs import Trained, sibling, train_small


@pytest.fixture(scope="module")
def runs(drawn_source: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs on the same pictures."""
    folder = tmp_path_factory.mktemp("members")
    first = train_small(drawn_source, folder / "first", ["prepare.mode=photo"]).run.path
    return [first, *(sibling(first, folder / name, seed) for seed, name in ((1, "second"), (2, "third")))]


@pytest.fixture(scope="module")
def written(trained: Trained, runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Written:
    path = tmp_path_factory.mktemp("written") / "three.onnx"
    joined = join(open_members(runs), trained.splits, 1)
    return Written(runs, joined, path, *export(joined, trained.splits, path, trained.splits.test))


def some_pictures(trained: Trained, count: int = 20) -> Pixels:
    return as_colour(np.stack([trained.splits.test.pictures[index] for index in range(count)]))


def means(joined: Joined, pixels: Pixels) -> Probabilities:
    """The mean of what the members say, each asked by itself."""
    graph = joined.graph()
    with torch.inference_mode():
        image = graph.prepare(torch.from_numpy(pixels)).image
        each = [(member.network(image) / joined.temperature).softmax(1) for member in joined.members]
        mean: Probabilities = torch.stack(each).mean(0).numpy()
    return mean


def test_the_file_says_the_mean_of_what_its_members_say(trained: Trained, written: Written) -> None:
    pixels = some_pictures(trained)
    [said] = Session(written.path.read_bytes(), "three", device="cpu").run(["probabilities"], pixels)
    assert np.abs(said - means(written.joined, pixels)).max() < 1e-6
    assert written.parity.difference < 1e-4


def test_the_order_in_which_runs_are_named_changes_no_byte(trained: Trained, written: Written, tmp_path: Path) -> None:
    joined = join(open_members(written.runs[::-1]), trained.splits, 1)
    export(joined, trained.splits, tmp_path / "other.onnx", trained.splits.test)
    assert (tmp_path / "other.onnx").read_bytes() == written.path.read_bytes()


def test_the_record_tells_the_members_and_the_whole_recipe_of_each(written: Written) -> None:
    record, _ = read_bundle(written.path)
    assert (record, record.format, record.name) == (written.record, 1, "tiny-x3")
    told = record.report["members"]
    assert isinstance(told, list)
    assert {each["run"] for each in told} == {"first", "second", "third"}
    assert [each["weights"] for each in told] == [member.weights for member in written.joined.members]
    for each, member in zip(told, written.joined.members, strict=True):
        recipe = from_plain({**record.recipe, **each["changed"]})
        assert to_plain(recipe) == to_plain(member.recipe, run_folder="")
        assert set(each["changed"]) <= {"seed"}


def test_figures_temperature_and_thresholds_are_those_of_the_mean(trained: Trained, written: Written) -> None:
    record = written.record
    assert record.temperature == written.joined.selection.chosen.temperature
    assert record.thresholds == written.joined.thresholds
    val, test = record.report["val"], record.report["test"]
    assert isinstance(val, dict)
    assert isinstance(test, dict)
    assert (val["accuracy"], val["n"]) == (written.joined.val.accuracy, len(trained.splits.val))
    answers = means(written.joined, some_pictures(trained, len(trained.splits.test)))
    assert test["accuracy"] == pytest.approx(float((answers.argmax(1) == trained.splits.test.labels).mean()))
    assert record.report["parameters"] == 3 * trained.run.report()["parameters"]


def test_the_test_part_decides_nothing(trained: Trained, written: Written) -> None:
    blind = replace(trained.splits, test=trained.splits.test.take(np.arange(0)))
    assert join(open_members(written.runs), blind, 1).selection == written.joined.selection


def test_an_ensemble_becomes_torchscript_with_the_same_answers(
    trained: Trained, written: Written, tmp_path: Path
) -> None:
    torchscript.export_graph(written.joined.graph(), written.path, trained.splits.test, tmp_path / "three.pt")
    pixels = some_pictures(trained)
    answers = reading(open_pipeline((tmp_path / "three.pt").read_bytes()))(pixels)
    assert np.abs(answers - means(written.joined, pixels)).max() < 1e-5


def test_an_ensemble_in_8_bits_still_tells_its_members(trained: Trained, written: Written, tmp_path: Path) -> None:
    record, figures = quantise.export(
        written.path, tmp_path / "int8.onnx", trained.splits.primary, {"val": trained.splits.val}
    )
    assert record.report["members"] == written.record.report["members"]
    assert figures["val"]["agreement"] >= 0.95


def test_views_are_averaged_over_every_member(trained: Trained, written: Written) -> None:
    joined = join(open_members(written.runs), trained.splits, 5)
    graph = joined.graph()
    assert graph.reader.view_count == 5
    assert joined.val.loss == pytest.approx(joined.selection.chosen.loss, rel=1e-3)


def changed(run: Path, folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of a run with a text replaced in one of its files."""
    shutil.copytree(run, folder)
    file = folder / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return folder


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("recipe.yaml", "floor: 0.18", "floor: 0.2", r"prepare\.floor is 0\.18 and 0\.2"),
        ("report.json", '"9"', '"nine"', r"classes are .*'9' and .*'nine'"),
        ("report.json", '"fingerprint": "', '"fingerprint": "0000', r"fingerprints of their data are .* and 0000"),
    ],
)
def test_runs_that_do_not_fit_together_are_refused_with_what_differs(
    runs: Sequence[Path], tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    other = changed(runs[1], tmp_path / "other", name, old, new)
    with pytest.raises(ConfigError, match=f"cannot be one bundle: {message}"):
        open_members([runs[0], other])


def test_the_same_weights_twice_are_refused(runs: Sequence[Path], tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "copy")
    with pytest.raises(ConfigError, match="hold the same weights"):
        open_members([runs[0], runs[1], tmp_path / "copy"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("report.json", "[]", "not a report that digitkit wrote"),
        ("report.json", '{"data": {"classes": 3}}', "not a report that digitkit wrote"),
        ("report.json", "{", "cannot be read"),
        ("best.safetensors", "nothing", "no weights that fit"),
    ],
)
def test_a_hostile_run_is_one_message(
    runs: Sequence[Path], tmp_path: Path, name: str, content: str, message: str
) -> None:
    shutil.copytree(runs[1], tmp_path / "hostile")
    (tmp_path / "hostile" / name).write_text(content)
    with pytest.raises(DataError, match=message):
        open_members([runs[0], tmp_path / "hostile"])


def test_an_absent_run_is_one_message(runs: Sequence[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a run"):
        open_members([runs[0], tmp_path / "nowhere"])


def test_pictures_that_have_changed_since_are_refused(trained: Trained, runs: Sequence[Path]) -> None:
    with pytest.raises(DataError, match=r"The pictures are not those that .* learnt from"):
        join(open_members(runs), replace(trained.splits, fingerprint="other"), 1)


def test_without_a_validation_part_nobody_decides(trained: Trained, runs: Sequence[Path]) -> None:
    nobody = replace(trained.splits, val=trained.splits.val.take(np.arange(0)))
    with pytest.raises(ConfigError, match="has no validation part"):
        join(open_members(runs), nobody, 1)


def test_nothing_of_the_maker_is_told_but_the_names_of_folders(written: Written) -> None:
    told = json.dumps(written.record.report["members"])
    assert str(written.runs[0].parent) not in told
