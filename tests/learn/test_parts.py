"""From a recipe to the plan of its batches."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from digitkit.core.errors import ConfigError
from digitkit.data.splits import SplitPlan, Splits, build
from digitkit.learn.compose import compose
from digitkit.learn.loader import Images
from digitkit.learn.parts import Parts, draw, source_weights, split_plan
from digitkit.learn.recipe import DataConfig
from tests.fixtures.runs import write_class_folders
from tests.strokes import draw_digits

CLASSES = ("0", "1", "x y")


def parts_of(labels: Sequence[int], extra: Sequence[int] = ()) -> Parts:
    """Blank images with these labels."""
    both = torch.tensor([*labels, *extra])
    train = Images(torch.zeros(len(both), 1, 4, 4, dtype=torch.uint8), both)
    return Parts(train, len(labels), train.first(0), train.first(0), 0.0, ())


def counts(labels: Sequence[int], *overrides: str) -> dict[str, int]:
    """How often each class is drawn by a recipe, in all."""
    recipe = compose(["budget.hard_share=0", "budget.epochs=50", "budget.batch=10", *overrides])
    drawing = draw(recipe, parts_of(labels), CLASSES)
    for _ in drawing:
        pass
    return {name: sum(epoch["classes"][name] for epoch in drawing.epochs()) for name in CLASSES}


def test_without_sampling_every_picture_is_drawn_alike() -> None:
    assert counts([0] * 60 + [1] * 30 + [2] * 10) == {"0": 3_000, "1": 1_500, "x y": 500}


def test_auto_draws_every_class_alike() -> None:
    drawn = counts([0] * 60 + [1] * 30 + [2] * 10, "data.sampling.mode=auto")
    assert sum(drawn.values()) == 5_000
    assert all(abs(count - 5_000 / 3) < 150 for count in drawn.values())


def test_manual_weights_are_those_of_the_named_classes_and_1_for_the_others() -> None:
    drawn = counts(
        [0] * 50 + [1] * 25 + [2] * 25,
        "data.sampling.mode=manual", "data.sampling.classes=['x y',1]", "data.sampling.weights=[4,0]",
    )  # fmt: skip
    assert drawn["1"] == 0
    assert abs(drawn["x y"] / drawn["0"] - 2) < 0.2


def test_the_number_of_pictures_of_an_epoch_can_be_chosen() -> None:
    assert sum(counts([0, 1, 2] * 20, "data.sampling.mode=auto", "data.sampling.count=200").values()) == 50 * 200


def test_a_weight_for_a_class_that_is_not_there_names_the_nearest() -> None:
    words = ("data.sampling.mode=manual", "data.sampling.classes=[xy]", "data.sampling.weights=[2]")
    with pytest.raises(ConfigError, match=r"no training picture is labelled 'xy'. Did you mean 'x y'"):
        counts([0, 1, 2], *words)


def test_extra_pictures_have_the_share_of_the_recipe() -> None:
    recipe = compose(["data.extra=[optdigits]", "data.extra_share=0.25", "budget.batch=8", "budget.epochs=3"])
    drawing = draw(recipe, parts_of([0, 1, 2] * 20, [0, 1] * 10), CLASSES)
    assert drawing.plan.epoch == 80
    for _ in drawing:
        pass
    assert all(abs(4 * epoch["extra"] - epoch["pictures"]) <= 4 for epoch in drawing.epochs())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.sampling.mode=auto", "experiment=fast"], "both decide how often a picture is drawn"),
        (["data.sampling.mode=manual"], "weights belong to data.sampling.mode=manual"),
        (["data.sampling.classes=[1]", "data.sampling.weights=[2]"], "weights belong to data.sampling.mode=manual"),
        (["data.sampling.mode=manual", "data.sampling.classes=[1]"], "got 1 labels and 0 weights"),
        (["data.sampling.count=5"], "need data.sampling.mode=auto or manual"),
        (["data.sampling.mode=auto", "data.sampling.replacement=false"], "draws every picture once"),
        (["data.sampling.weights=[-1]"], "data.sampling.weights must lie in"),
        (["data.extra=[optdigits]", "data.extra_sizes=[1,2]"], "data.extra_sizes needs a number for each of 1 sources"),
        (["data.sizes=[-1]"], "data.sizes must lie in"),
        (["data.extra_share=1"], "data.extra_share must lie in"),
    ],
)
def test_settings_that_do_not_belong_together_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose(["experiment=tiny", *overrides])


def test_the_plan_of_the_parts_has_all_that_the_recipe_says_of_data() -> None:
    recipe = compose(
        ["data.sources=[mnist,usps]", "data.sizes=[0,0.5]", "data.extra=[svhn/extra]", "data.extra_sizes=[500]"]
    )
    plan = split_plan(recipe.data)
    assert (plan.sources, plan.sizes) == (("mnist", "usps"), (0, 0.5))
    assert (plan.extra, plan.extra_sizes) == (("svhn/extra",), (500,))
    assert plan.duplicates == "near"


def splits_of(folders: Sequence[Path]) -> Splits:
    """Splits of folders, some drawn digits in each."""
    rng = np.random.default_rng(0)
    for folder in folders:
        write_class_folders(draw_digits(20, rng), folder)
    return build(SplitPlan(tuple(f"folder:{folder}" for folder in folders), val_size=0))


def test_pictures_of_a_source_are_drawn_as_often_as_it_weighs(tmp_path: Path) -> None:
    folders = [tmp_path / "mine" / "digits", tmp_path / "hers" / "digits", tmp_path / "his"]  # two of them called alike
    specs = [f"folder:{folder}" for folder in folders]
    splits = splits_of(folders)
    config = DataConfig(sources=specs, weights={specs[0]: 3, specs[1]: 0, "svhn": 9})
    weights = source_weights(config, splits)
    assert weights is not None
    assert weights.tolist() == [3] * 20 + [0] * 20 + [1] * 20  # nobody spoke of his
    assert list(splits.origin_heads.values()) == ["digits", "digits (2)", "his"]
    assert str(splits.primary.origins[20]).startswith("digits (2)/train/")


def test_a_source_that_nobody_knows_has_no_weight(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no source 'minst'\. Did you mean 'mnist'"):
        source_weights(DataConfig(weights={"minst": 3}), splits_of([tmp_path / "mine"]))
