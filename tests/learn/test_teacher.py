"""Learning from the answers of a trained network."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from digitkit.core.errors import ConfigError, DigitkitError
from digitkit.learn.batches import Batches
from digitkit.learn.parts import prepare_parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.teacher import Teacher
from tests.fixtures.runs import Trained, quiet, train_small

CPU = torch.device("cpu")


def pupil(trained: Trained, share: float = 0.5) -> Recipe:
    loss = replace(trained.recipe.loss, teacher=str(trained.run.path), teacher_share=share)
    return replace(trained.recipe, loss=loss)


@pytest.fixture(scope="module")
def batches(trained: Trained) -> Batches:
    parts = prepare_parts(trained.recipe, trained.splits, quiet)
    return Batches.of(trained.recipe, parts, trained.splits.primary.classes, CPU)


def test_a_share_of_each_target_is_the_teachers_answer(trained: Trained, batches: Batches) -> None:
    images, labels = batches.images.pixels[:8] / 255, batches.images.labels[:8]
    answers = trained.run.network()(images).softmax(1)
    teacher = Teacher.of(pupil(trained, 0.25), batches)
    blended = teacher.blend(images, labels, torch.arange(8) < 6, 0.1)
    own = 0.9 * torch.eye(10)[labels] + 0.01
    torch.testing.assert_close(blended[:6], 0.75 * own[:6] + 0.25 * answers[:6])
    torch.testing.assert_close(blended[6:], own[6:])  # of these it knows nothing


def test_two_teachers_give_their_mean(trained: Trained, batches: Batches, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained.run.path, other)
    weights = load_file(other / "best.safetensors")
    save_file({name: -one if one.ndim == 2 else one for name, one in weights.items()}, other / "best.safetensors")
    recipe = pupil(trained, 1)
    recipe = replace(recipe, loss=replace(recipe.loss, teacher=f"{trained.run.path}+{other}"))
    images, labels = batches.images.pixels[:8] / 255, batches.images.labels[:8]
    blended = Teacher.of(recipe, batches).blend(images, labels, torch.ones(8, dtype=torch.bool), 0.1)
    each = [run.network()(images).softmax(1) for run in (trained.run, Run.open(other))]
    assert (each[0] - each[1]).abs().max() > 0.1
    torch.testing.assert_close(blended, (each[0] + each[1]) / 2)


def test_a_pupil_learns(trained: Trained, drawn_source: str, tmp_path: Path) -> None:
    overrides = [f"loss.teacher={trained.run.path}", "loss.teacher_share=1"]  # labels do not count at all
    run = train_small(drawn_source, tmp_path / "pupil", overrides).run
    assert run.report()["test"]["accuracy"] > 0.85


@pytest.mark.parametrize(
    ("change", "message"),
    [("classes", "here there are '0', '1'. Name a run"), ("prepare", "prepared in another way")],
)
def test_a_teacher_of_something_else_is_refused(trained: Trained, batches: Batches, change: str, message: str) -> None:
    recipe = pupil(trained)
    if change == "prepare":
        recipe = replace(recipe, prepare=replace(recipe.prepare, box=18))
    else:
        batches = Batches(batches.images, batches.drawing)
        drawing = batches.drawing
        batches.drawing = type(drawing)(drawing.labels, ("0", "1"), drawing.plan, drawing.steps)
    with pytest.raises(ConfigError, match=message):
        Teacher.of(recipe, batches)


def test_a_teacher_that_is_not_there_is_named(trained: Trained, batches: Batches, tmp_path: Path) -> None:
    loss = replace(trained.recipe.loss, teacher=str(tmp_path / "nobody"))
    with pytest.raises(DigitkitError, match="nobody"):
        Teacher.of(replace(trained.recipe, loss=loss), batches)


def test_a_teacher_of_other_pictures_is_refused(trained: Trained, drawn_source: str, tmp_path: Path) -> None:
    overrides = [f"loss.teacher={trained.run.path}", "data.seed=7"]  # another validation part
    with pytest.raises(ConfigError, match="may know pictures that this run is scored on"):
        train_small(drawn_source, tmp_path / "run", overrides)


def test_the_run_remembers_its_teacher(trained: Trained, drawn_source: str, tmp_path: Path) -> None:
    made = train_small(drawn_source, tmp_path / "run", [f"loss.teacher={trained.run.path}", "budget.least_steps=5"])
    assert Run.open(made.run.path).recipe().loss.teacher == str(trained.run.path)
