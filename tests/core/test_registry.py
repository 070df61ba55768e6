"""Things are chosen by name, and a wrong name is answered with the right ones."""

import pytest

from digitkit.core.errors import ConfigError
from digitkit.core.registry import Registry, nearest


@pytest.fixture
def models() -> Registry[int]:
    registry: Registry[int] = Registry("model")
    registry.add("fast_cnn", 1)
    registry.add("tiny_cnn", 2)
    return registry


def test_an_entry_is_found_under_its_name(models: Registry[int]) -> None:
    assert models["fast_cnn"] == 1
    assert dict(models) == {"fast_cnn": 1, "tiny_cnn": 2}
    assert len(models) == 2
    assert "fast_cnn" in models
    assert "resnet" not in models


def test_the_decorator_registers_and_returns_what_it_decorates() -> None:
    verbs: Registry[type] = Registry("verb")

    @verbs.register("read")
    class Read:
        pass

    assert verbs["read"] is Read


def test_a_mistyped_name_is_answered_with_the_nearest(models: Registry[int]) -> None:
    with pytest.raises(ConfigError, match=r"^Unknown model 'fast_cn'\. Did you mean 'fast_cnn'"):
        models["fast_cn"]


def test_a_name_like_no_other_is_answered_with_all(models: Registry[int]) -> None:
    with pytest.raises(ConfigError, match=r"Unknown model 'xyz'\. Known: fast_cnn, tiny_cnn\.$"):
        models["xyz"]


def test_registering_a_name_twice_is_our_own_mistake(models: Registry[int]) -> None:
    with pytest.raises(AssertionError, match="model 'fast_cnn' is registered twice"):
        models.add("fast_cnn", 3)


def test_the_nearest_of_a_list_are_named_too() -> None:
    assert nearest("seeed", ["seed", "size"]) == "Did you mean 'seed'?"
    assert nearest("q", []) == "Known: ."
