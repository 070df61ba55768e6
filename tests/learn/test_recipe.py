"""Recipes: every default is valid, and values out of range stop with their key."""

import dataclasses

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn import recipe
from digitkit.learn.models import MODELS
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import DataConfig, PrepareConfig, Recipe, check_range
from digitkit.learn.running import RunConfig

CONFIGS = [item for item in vars(recipe).values() if dataclasses.is_dataclass(item)]
ENTRIES = [entry.config for registry in (MODELS, OPTIMISERS) for entry in registry.values()]


@pytest.mark.parametrize("config", [*CONFIGS, *ENTRIES], ids=lambda config: config.__name__)
def test_the_defaults_of_every_record_are_valid(config: type) -> None:
    assert dataclasses.is_dataclass(config())


@pytest.mark.parametrize("value", [-1, 11, float("nan"), float("inf")])
def test_a_value_outside_its_range_is_named_with_its_key_and_the_range(value: float) -> None:
    with pytest.raises(ConfigError, match=rf"^a\.b must lie in 0\.\.10, got {value:g}$"):
        check_range("a.b", value, 0, 10)


@pytest.mark.parametrize("value", [0, 10])
def test_both_ends_of_a_range_are_allowed(value: float) -> None:
    check_range("a.b", value, 0, 10)
    assert 0 <= value <= 10


def test_colour_needs_mode_photo() -> None:
    with pytest.raises(ConfigError, match=r"prepare\.channels must be 1, or 3 in mode photo, got 3"):
        PrepareConfig(channels=3)
    assert PrepareConfig(mode=recipe.Mode.photo, channels=3).channels == 3


def test_the_ink_fits_into_the_image() -> None:
    with pytest.raises(ConfigError, match=r"prepare\.box must lie in 4\.\.28, got 29"):
        PrepareConfig(box=29)


def test_a_recipe_without_sources_says_how_to_name_one() -> None:
    with pytest.raises(ConfigError, match=r"data\.sources is empty.*data\.sources=\[mnist\]"):
        DataConfig(sources=[])


def test_an_unknown_device_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"run\.device must be auto, cpu, cuda or mps, got 'tpu'"):
        RunConfig(device="tpu")


@pytest.mark.parametrize("views", [0, 2, 10])
def test_views_are_one_five_or_nine(views: int) -> None:
    with pytest.raises(ConfigError, match=rf"run\.views must be 1, 5 or 9, got {views}"):
        RunConfig(views=views)


@pytest.mark.parametrize("seed", [-1, 10**12])
def test_a_seed_that_no_generator_takes_is_refused(seed: int) -> None:
    with pytest.raises(ConfigError, match="seed must lie in"):
        Recipe(seed=seed)


@pytest.mark.parametrize("name", ["", "a/b", "..\\a", "c:d"])
def test_a_name_that_is_no_part_of_a_path_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"name becomes part of a folder's name"):
        Recipe(name=name)
