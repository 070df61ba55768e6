"""Experiments and overrides become a recipe, or one message that helps."""

import json
import re

import pytest
import yaml

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import chain, compose, from_plain, to_plain, to_yaml
from digitkit.learn.models import MODELS
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import Mode, Recipe
from digitkit.learn.running import Precision


def test_without_overrides_it_is_the_default_experiment() -> None:
    assert compose() == compose(["experiment=fast"])
    assert compose().name == "fast"


def test_an_override_wins_over_the_experiment_and_the_last_one_over_the_others() -> None:
    recipe = compose(["budget.batch=7", "experiment=tiny", "budget.batch=9", "seed=3"])
    assert (recipe.name, recipe.budget.batch, recipe.seed) == ("tiny", 9, 3)


def test_values_get_the_types_of_their_fields() -> None:
    recipe = compose(["budget.epochs=2", "prepare.mode=photo", "run.precision=fp32", "run.test=false", "data.limit=5"])
    assert isinstance(recipe.budget.epochs, float)
    assert recipe.prepare.mode is Mode.photo
    assert recipe.run.precision is Precision.fp32
    assert recipe.run.test is False
    assert recipe.data.limit == 5


def test_lists_and_quoted_text_are_taken_as_written() -> None:
    recipe = compose(["data.sources=[mnist,'folder:my digits/a=b']", 'run.folder="x=y"'])
    assert recipe.data.sources == ["mnist", "folder:my digits/a=b"]
    assert recipe.run.folder == "x=y"


@pytest.mark.parametrize("name", MODELS)
def test_a_network_is_chosen_by_name_with_its_own_settings(name: str) -> None:
    assert compose([f"model={name}"]).model == MODELS[name].config()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_is_chosen_by_name_with_its_own_settings(name: str) -> None:
    recipe = compose([f"optim={name}", "optim.lr=0.5"])
    assert recipe.optim == OPTIMISERS[name].config(lr=0.5)


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("budget.epoch=8", "budget.epochs"),
        ("budgett.batch=8", "budget.batch"),
        ("epochs=8", "budget.epochs"),
        ("augment.after.shift=2", "augment.after.shift_px"),
        ("lr=0.1", "optim.lr"),
        ("sede=1", "seed"),
    ],
)
def test_an_unknown_key_names_the_nearest(override: str, nearest: str) -> None:
    key = override.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"Unknown key '{key}' in '{override}'\. Did you mean '{nearest}'\?"):
        compose([override])


def test_a_key_of_another_network_is_unknown() -> None:
    with pytest.raises(ConfigError, match=r"Unknown key 'model\.stem'.*Did you mean 'model\."):
        compose(["model=tiny_cnn", "model.stem=24"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("experiment=tyni", r"Unknown experiment 'tyni'\. Did you mean 'tiny'\?"),
        ("model=fast_cn", r"Unknown model 'fast_cn'\. Did you mean 'fast_cnn'"),
        ("optim=adamm", r"Unknown optimiser 'adamm'\. Did you mean 'adam'"),
        ("experiment=", "Unknown experiment ''. Known: .*tiny"),
    ],
)
def test_an_unknown_name_names_the_nearest(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose([override])


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("budget.epochs=many", "'many' of type 'str' could not be converted to Float"),
        ("budget.batch=1.5", "'1.5' of type 'float' could not be converted to Integer"),
        ("run.test=perhaps", "perhaps"),
        ("prepare.mode=sepia", r"expected one of \[ink, photo\]"),
        ("data.sources=mnist", r"a list is expected, as in data\.sources=\[mnist\]"),
        ("prepare=3", "PrepareConfig"),
        ("seed=", "could not be converted to Integer"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_key(override: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        compose(["seed=1", override])
    assert override in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("override", ["run.folder=a=b", "data.sources=[folder:a=b]", "seed=[1", "seed=1,2"])
def test_a_value_that_cannot_be_read_says_how_to_quote_it(override: str) -> None:
    with pytest.raises(ConfigError, match=r"no value that can be read.*quotes") as caught:
        compose([override])
    assert override in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("budget.epochs=-1", r"budget\.epochs must lie in 0\.001\.\.1e\+06, got -1"),
        ("budget.batch=0", r"budget\.batch must lie in 1\.\.1e\+06, got 0"),
        ("model.stem=0", r"model\.stem must lie in 1\.\.4096, got 0"),
        ("optim.lr=nan", r"optim\.lr must lie in 0\.\.100, got nan"),
        ("average.decay=2", r"average\.decay must lie in 0\.\.1, got 2"),
        ("run.views=3", r"run\.views must be 1, 5 or 9, got 3"),
        ("seed=-1", r"seed must lie in 0\.\.1e\+09, got -1"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_key(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        compose([override])


@pytest.mark.parametrize("override", ["seed", "+new=1", "++seed=1", "~seed", "=1", "--seed=1", ""])
def test_what_is_no_override_says_how_to_write_one(override: str) -> None:
    with pytest.raises(ConfigError, match=r"is no override; write key=value, as in seed=1 or experiment=fast"):
        compose([override])


def test_a_network_is_not_renamed_under_the_settings_of_another() -> None:
    with pytest.raises(ConfigError, match=r"write model=tiny_cnn"):
        compose(["model.name=tiny_cnn"])


@pytest.mark.parametrize("override", ["hydra.run.dir=x", "defaults=[]"])
def test_hydra_is_not_reached_through_a_recipe(override: str) -> None:
    with pytest.raises(ConfigError, match="Unknown key"):
        compose([override])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_recipe_comes_back_from_its_plain_values(name: str, optimiser: str) -> None:
    recipe = compose([f"model={name}", f"optim={optimiser}", "seed=4", "data.sources=[mnist,optdigits]"])
    plain = to_plain(recipe)
    assert from_plain(json.loads(json.dumps(plain))) == recipe
    assert from_plain(yaml.safe_load(to_yaml(recipe))) == recipe


def test_plain_values_can_leave_the_folder_out() -> None:
    assert to_plain(compose(["run.folder=here"]), run_folder="")["run"]["folder"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"model": {"name": "no_such"}},
        {"model": {"name": "tiny_cnn", "surprise": 1}},
        {"model": None},
        {"budget": {"epochs": "many"}},
        {"budget": {"epochs": -1.0}},
        {"budget": 3},
    ],
)
def test_values_that_are_no_recipe_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        from_plain({**to_plain(compose()), **change})


@pytest.mark.parametrize("values", [None, 3, [], {}, "text"])
def test_a_file_that_holds_something_else_is_no_recipe(values: object) -> None:
    with pytest.raises(ConfigError, match=r"does not fit this digitkit.*Train again"):
        from_plain(values)  # type: ignore[arg-type]


def test_two_recipes_share_nothing() -> None:
    first, second = compose(), compose()
    first.data.sources.append("optdigits")
    assert second.data.sources == compose().data.sources
    assert isinstance(second, Recipe)


def test_errors_that_stand_in_a_circle_are_told_once() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert list(chain(first)) == [first, second]


@pytest.mark.parametrize(
    ("word", "weights"),
    [
        ("data.weights={mnist:2,usps:0.5}", {"mnist": 2.0, "usps": 0.5}),
        ("data.weights={}", {}),
        ("data.weights={7:3}", {"7": 3.0}),
        (
            "data.weights={'folder:~/my digits, ä':4, \"synthetic:print\": 3,usps:1}",
            {"folder:~/my digits, ä": 4.0, "synthetic:print": 3.0, "usps": 1.0},
        ),
        ("data.weights.hwd1000=3", None),
    ],
)
def test_weights_of_sources_take_the_place_of_all_that_an_experiment_has(
    word: str, weights: dict[str, float] | None
) -> None:
    before = compose(["experiment=default"]).data.weights
    expected = before | {"hwd1000": 3.0} if weights is None else weights
    assert compose(["experiment=default", word]).data.weights == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("data.weights=5", "Cannot use data.weights=5"),
        ("data.weights={mnist:much}", "'much'"),
        ("data.weights.mnist=2", "name all at once, as in 'data.weights={mnist:1,semeion:4}'"),
    ],
)
def test_weights_that_are_none_are_refused(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        compose(["budget.hard_share=0", word])
