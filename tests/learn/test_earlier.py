"""Going on from the weights of an earlier run."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from digitkit.core.errors import ConfigError, DataError
from digitkit.data.splits import build
from digitkit.learn.compose import compose
from digitkit.learn.earlier import check_earlier, start_there, told_start
from digitkit.learn.network import build_network
from digitkit.learn.parts import split_plan
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from tests.fixtures.runs import SMALL, Trained, sibling, train_small, write_class_folders
from tests.strokes import draw_digits

WITH_NORMS = ("model=fast_cnn", "model.stem=4", "model.first=4", "model.second=4", "run.test=false")
COUNTER = "num_batches_tracked"  # of a norm


def starting(trained: Trained) -> Recipe:
    return replace(trained.recipe, start=str(trained.run.path))


def test_a_training_goes_on_from_the_weights_of_a_run(drawn_source: str, tmp_path: Path) -> None:
    first = train_small(drawn_source, tmp_path / "first", WITH_NORMS).run
    more = [*WITH_NORMS, f"start={first.path}", "budget.least_steps=6", "run.validations=1"]
    made = train_small(drawn_source, tmp_path / "more", more).run
    assert made.report()["start"] == f"start={first.path}: all weights start from there"
    before, after = (load_file(run.path / "best.safetensors") for run in (first, made))
    counts = {int(value - before[name]) for name, value in after.items() if name.endswith(COUNTER)}
    assert counts == {6}  # norms go on counting from there: they learn from the first step on
    kernels = [name for name, value in before.items() if value.ndim == 4]
    moved = [float((after[name] - before[name]).norm() / before[name].norm()) for name in kernels]
    assert 0 < max(moved) < 0.5


def test_weights_are_taken_to_the_bit_and_the_network_is_ready_to_learn(trained: Trained) -> None:
    network = build_network(trained.recipe, 10, [0.0], [1.0])
    start_there(starting(trained), network)
    assert all(module.training for module in network.modules())
    pixels = torch.rand(4, 1, 28, 28)
    assert torch.equal(network.eval()(pixels), trained.run.network().eval()(pixels))


def test_of_several_runs_the_mean_of_their_weights_is_taken(trained: Trained, tmp_path: Path) -> None:
    other = sibling(trained.run.path, tmp_path / "other", 1)
    network = build_network(trained.recipe, 10, [0.0], [1.0])
    recipe = replace(trained.recipe, start=f"{trained.run.path} + {other}")
    start_there(recipe, network)
    one, two = (Run.open(path).network().state_dict() for path in (trained.run.path, other))
    assert any(not torch.equal(one[name], two[name]) for name in one)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, (one[name] + two[name]) / 2)
    assert all(module.training for module in network.modules())
    assert told_start(recipe).endswith("all weights start from the mean of these")
    (other / "best.safetensors").write_bytes(b"cut off")
    with pytest.raises(DataError, match="other"):
        start_there(recipe, network)


def test_without_a_run_to_start_from_weights_stay_as_they_were_drawn(trained: Trained) -> None:
    torch.manual_seed(0)
    one = build_network(trained.recipe, 10, [0.0], [1.0])
    torch.manual_seed(0)
    other = build_network(trained.recipe, 10, [0.0], [1.0])
    start_there(trained.recipe, other)
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_weights_of_another_network_are_refused(trained: Trained) -> None:
    recipe = compose([*SMALL, f"start={trained.run.path}", "model=fast_cnn"])
    with pytest.raises(ConfigError, match="has the weights of another network"):
        start_there(recipe, build_network(recipe, 10, [0.0], [1.0]))


def test_weights_that_see_pictures_in_another_way_are_refused(trained: Trained) -> None:
    recipe = compose([*SMALL, f"start={trained.run.path}", "prepare.box=18"])
    with pytest.raises(ConfigError, match="sees pictures prepared in another way"):
        check_earlier(recipe, trained.splits)


def test_damaged_weights_are_said_to_be_damaged(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(trained.run.file("recipe.yaml").read_text())
    (tmp_path / "report.json").write_text(trained.run.file("report.json").read_text())
    (tmp_path / "best.safetensors").write_bytes(b"cut off")
    recipe = replace(trained.recipe, start=str(tmp_path))
    with pytest.raises(DataError, match="no weights that fit"):
        start_there(recipe, build_network(recipe, 10, [0.0], [1.0]))


def test_a_run_of_other_pictures_or_none_is_refused(trained: Trained, drawn_source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"start=.* was trained on other pictures"):
        train_small(drawn_source, tmp_path / "one", [f"start={trained.run.path}", "data.seed=7"])
    with pytest.raises(DataError, match="nobody"):
        train_small(drawn_source, tmp_path / "two", [f"start={tmp_path / 'nobody'}"])


@pytest.mark.parametrize("key", ["start", "loss.teacher"])
@pytest.mark.parametrize(("added", "copies", "fits"), [
    ("more", "near", True),
    ("more", "keep", False),  # nobody has looked for copies
    ("mixed", "near", False),  # validation is chosen among all pictures
    ("copied", "near", False),  # a picture that was learnt is validated on
])  # fmt: skip
def test_an_earlier_run_may_have_had_fewer_sources(
    trained: Trained, tmp_path: Path, key: str, added: str, copies: str, fits: bool
) -> None:
    own, folder, rng = trained.recipe.data.sources[0], tmp_path / added, np.random.default_rng(7)
    for part, count in (("train", 40), ("val", 20)):
        write_class_folders(draw_digits(count, rng), folder if added == "mixed" else folder / part)
    if added == "copied":
        learnt = str(trained.splits.primary.origins[0]).rpartition("/")[2]
        picture = next(Path(own.removeprefix("folder:"), "train").rglob(learnt))
        shutil.copy(picture, folder / "val" / picture.parent.name / "learnt.png")
    data = [f"data.sources=[{own},folder:{folder}]", f"data.duplicates={copies}"]
    recipe = compose([*SMALL, *data, f"{key}={trained.run.path}"])
    with nullcontext() if fits else pytest.raises(ConfigError, match="if they have validation parts of their own"):
        check_earlier(recipe, build(split_plan(recipe.data)))
