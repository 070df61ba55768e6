"""An experiment from a file of one's own, which may come from anybody."""

from pathlib import Path

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import compose, from_plain, to_plain

MINE = """
name: mine
defaults:
  - override /model: tiny_cnn
  - override /optim: adamw
model:
  first: 5
optim: {lr: 1e-3}
data:
  sources: [optdigits]
"""


def written(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return f"experiment={folder / 'mine.yaml'}"


def test_a_file_changes_what_it_names_and_overrides_win(tmp_path: Path) -> None:
    recipe = compose([written(tmp_path, MINE), "optim.lr=0.5", "seed=3"])
    assert (recipe.name, recipe.model.name, recipe.model.first) == ("mine", "tiny_cnn", 5)
    assert (recipe.optim.name, recipe.optim.lr, recipe.data.sources, recipe.seed) == ("adamw", 0.5, ["optdigits"], 3)
    assert from_plain(to_plain(recipe)) == recipe


def test_a_path_is_taken_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a=b, [c]"
    folder.mkdir()
    written(folder, MINE)
    monkeypatch.chdir(tmp_path)
    assert compose(["experiment=./a=b, [c]/mine.yaml"]).name == "mine"


def test_another_network_than_that_of_the_file_is_refused_where_the_file_has_settings_for_its_own(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml does not go with model=fast_cnn: Key 'first'|Key"):
        compose([written(tmp_path, MINE.replace("first: 5", "dense: 5")), "model=fast_cnn"])


def test_the_file_of_one_call_is_not_that_of_the_next(tmp_path: Path) -> None:
    assert compose([written(tmp_path, MINE)]).model.first == 5
    assert compose([written(tmp_path, MINE.replace("first: 5", "first: 6"))]).model.first == 6
    assert compose(["experiment=tiny"]).model.first == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an experiment is a table of keys and values"),
        ("- 1\n", "an experiment is a table of keys and values"),
        ("modell: {first: 3}\n", "unknown key 'modell'. Did you mean 'model'"),
        ("1: 2\n", "unknown key 1"),
        ("hydra: {run: {dir: x}}\n", "unknown key 'hydra'"),
        ("_target_: os.system\n", "unknown key '_target_'"),
        ("model: {_target_: os.system}\n", "'_target_'"),
        ("optim: {lrr: 1}\n", "'lrr'"),
        ("optim: {lr: many}\n", "'many' of type 'str' could not be converted to Float"),
        ("budget: {epochs: -1}\n", "budget.epochs must lie in"),
        ("model: 3\n", "mine.yaml"),
        ("name: ${oc.env:HOME}\n", "a value with ${...} would be looked up elsewhere"),
        ("data: {sources: [a, '${name}']}\n", "a value with ${...} would be looked up elsewhere"),
        ("name: &it x\ndata: {sources: [*it]}\n", "write values out instead of referring to others"),
        ("name: !!python/object/apply:os.system [ls]\n", "no YAML that holds plain values only"),
        ("name: [\n", "no YAML that holds plain values only"),
        ("\x00", "no YAML that holds plain values only"),
        ("[" * 5000, "over 20 levels deep"),
        ("name: " + "x" * 100_001, "more than any experiment has"),
        ("defaults: 3\n", "defaults may choose a network and an optimiser"),
        ("defaults: [/hydra/launcher]\n", "defaults may choose a network and an optimiser"),
        ("defaults: [{override /hydra/launcher: joblib}]\n", "defaults may choose a network and an optimiser"),
        ("defaults: [{override /model: {a: 1}}]\n", "defaults may choose a network and an optimiser"),
        ("defaults: [{override /model: fast_cn}]\n", "Unknown model 'fast_cn'. Did you mean 'fast_cnn'"),
        ("run: {folder: elsewhere}\n", "does not choose run.folder"),
    ],
)
def test_a_file_that_holds_more_than_values_of_a_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose([written(tmp_path, text)])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name if name != "." else tmp_path / "folder.yaml"
    if name == ".":
        path.mkdir()
    with pytest.raises(ConfigError, match=rf"experiment={path}: cannot be read \("):
        compose([f"experiment={path}"])
