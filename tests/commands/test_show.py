"""The verbs that show what there is."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from digitkit.cli import app
from digitkit.learn.compose import compose, experiments, from_plain, to_plain
from digitkit.learn.models import MODELS
from tests.conftest import DrawDigits
from tests.fixtures.bundles import write_tiny


def show(*words: str | Path, code: int = 0) -> str:
    answer = CliRunner().invoke(app, ["show", *map(str, words)])
    assert answer.exit_code == code, answer.output
    return answer.stdout if code == 0 else answer.stderr


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take minutes for what one does in seconds."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_models_lists_every_network_and_the_chosen_one_of_timm_with_its_cost_for_the_recipe() -> None:
    pytest.importorskip("timm", reason="timm is an extra")
    words = ("prepare.size=32", "model=timm:test_resnet")
    rows = {row["name"]: row for row in map(json.loads, show("models", *words, "--json").splitlines())}
    assert list(rows) == [*MODELS, "timm:test_resnet"]
    assert rows["tiny_cnn"]["parameters"] == 38_826
    assert rows["wide_resnet"]["flops"] > 100 * rows["tiny_cnn"]["flops"] > 0
    assert all(row["megabytes"] == pytest.approx(4e-6 * row["parameters"]) for row in rows.values())
    assert all(row["milliseconds"] > 0 for row in rows.values())


def test_models_finds_networks_of_timm_by_their_names() -> None:
    pytest.importorskip("timm", reason="timm is an extra")
    table = show("models", "--timm", "resnet18*")
    assert "timm:resnet18d" in table
    assert "a1_in1k" in table
    rows = [json.loads(line) for line in show("models", "--timm", "test_resnet", "--json").splitlines()]
    assert rows == [{"name": "timm:test_resnet", "weights": ["r160_in1k"]}]
    assert "timm has no network 'resnett'" in show("models", "--timm", "resnett", code=2)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_models_shows_the_chosen_network_with_its_settings() -> None:
    table = show("models", "model=mnist_cnn", "model.width=32")
    assert "28x28 grey" in table
    assert "421,834" in table
    assert all(name in table for name in MODELS)


def test_recipe_is_yaml_that_can_be_read_back() -> None:
    text = show("recipe", "experiment=tiny", "seed=3")
    assert from_plain(yaml.safe_load(text)) == compose(["experiment=tiny", "seed=3"])


def test_recipe_names_the_experiments() -> None:
    text = show("recipe")
    assert all(f"# experiment={name}: " in text for name in experiments())


def test_recipe_as_json_is_one_object() -> None:
    [line] = show("recipe", "model=tiny_cnn", "--json").splitlines()
    assert json.loads(line) == to_plain(compose(["model=tiny_cnn"]))


def test_a_recipe_with_a_mistake_is_refused() -> None:
    assert "Did you mean 'seed'?" in show("recipe", "seeed=1", code=2)


def test_augmentations_shows_the_values_of_an_experiment() -> None:
    values = json.loads(show("augmentations", "experiment=tiny", "augment.after.shear=0.5", "--json"))
    assert values == to_plain(compose(["experiment=tiny", "augment.after.shear=0.5"]))["augment"]
    table = show("augmentations", "augment.after.shear=0.5")
    assert "after.shear" in table
    assert "0.5" in table


def test_bundle_prints_what_the_file_says(exported: Path) -> None:
    values = json.loads(show("bundle", exported, "--json"))
    assert values["id"] == f"tiny@{values['digest'][:12]}"
    assert values["classes"] == list("0123456789")
    assert values["recipe"]["name"] == "tiny"
    table = show("bundle", exported)
    assert values["id"] in table
    assert "thresholds.margin" in table
    assert "recipe.model.name" in table


def test_bundle_without_a_name_shows_the_one_that_ships() -> None:
    assert json.loads(show("bundle", "--json"))["format"] == 1


def test_bundle_writes_the_classes_for_other_tools(tmp_path: Path) -> None:
    show("bundle", write_tiny(tmp_path), "--labels-json", tmp_path / "labels.json")
    assert json.loads((tmp_path / "labels.json").read_text()) == {str(index): str(index) for index in range(10)}


def test_a_missing_bundle_is_refused() -> None:
    assert "no-such.onnx: cannot be read" in show("bundle", "no-such.onnx", code=4)


@pytest.fixture
def seven(tmp_path: Path, drawn_digits: DrawDigits) -> Path:
    Image.fromarray(255 - drawn_digits(1, np.random.default_rng(0), side=60).pictures[0]).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def test_prepare_draws_the_steps_of_a_picture(seven: Path, tmp_path: Path) -> None:
    text = show("prepare", seven, "--output", tmp_path / "steps.png", "--set", "prepare.box=18")
    with Image.open(tmp_path / "steps.png") as picture:
        assert picture.width > picture.height
    assert "ink share" in text
    assert "contrast" in text


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["no-such.png"], 3, "no-such.png: cannot be read"),
        (["{seven}", "--set", "prepare.bx=18"], 2, "Did you mean 'prepare.box'?"),
        (["{seven}", "--set", "prepare.mode=photo"], 2, "prepare.mode=photo only resizes and cuts"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(
    seven: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    given = [word.format(seven=seven) for word in words]
    assert message in show("prepare", *given, "--output", tmp_path / "steps.png", code=code)
    assert not (tmp_path / "steps.png").exists()
