"""What the words of a search mean."""

import math

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn.tune.space import Choice, Span, check, first, parse


def test_commas_choose_and_dots_make_ranges() -> None:
    space = parse(
        ["experiment=tiny", "model.first=4,8", "optim.lr=log:1e-4..1e-1", "budget.epochs=1..4", "loss.focus=0.5..2"]
    )
    assert space.plain == ("experiment=tiny",)
    assert space.axes == (
        Choice("model.first", ("4", "8")),
        Span("optim.lr", 1e-4, 1e-1, log=True, whole=False),
        Span("budget.epochs", 1, 4, log=False, whole=True),
        Span("loss.focus", 0.5, 2, log=False, whole=False),
    )


def test_commas_within_brackets_and_quotes_belong_to_the_value() -> None:
    space = parse(["model.layers=[1,1,1],[2,2,2]", "data.sources=[mnist,usps]", "name='a,b'", 'run.threads="1,2",3'])
    assert space.plain == ("data.sources=[mnist,usps]", "name='a,b'")
    assert [axis.options for axis in space.axes if isinstance(axis, Choice)] == [
        ("[1,1,1]", "[2,2,2]"),
        ('"1,2"', "3"),
    ]


def test_a_path_with_dots_is_no_range() -> None:
    assert parse(["model.weights=../start.safetensors", "seed=1,2"]).plain == ("model.weights=../start.safetensors",)


def test_the_settings_of_a_finite_space_are_counted() -> None:
    assert parse(["model.first=4,8,16", "budget.epochs=1..4"]).size == 12
    assert parse(["model.first=4,8,16", "optim.lr=0.1..0.2"]).size == math.inf


def test_values_are_written_as_overrides_are() -> None:
    space = parse(["seed=3", "optim.lr=log:1e-5..1", "model.first=1..9", "model=tiny_cnn,fast_cnn"])
    values: dict[str, str | int | float] = {"optim.lr": 1e-5, "model.first": 7, "model": "tiny_cnn"}
    assert space.overrides(values) == ["seed=3", "optim.lr=1e-05", "model.first=7", "model=tiny_cnn"]
    assert first(space) == ["seed=3", "optim.lr=1e-05", "model.first=1", "model=tiny_cnn"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("optim.lr=log:0..1", "from a lower number to a higher one, and above 0 for log"),
        ("optim.lr=2..1", "from a lower number to a higher one"),
        ("optim.lr=1..1", "from a lower number to a higher one"),
        ("optim.lr=1..1e999", "from a lower number to a higher one"),
        ("optim.lr=log:1e-4", "a range has two numbers, as in optim.lr=log:1e-4..1e-1"),
        ("seed=1,", "name each value once"),
        ("seed=1,2,1", "name each value once"),
        ("run.test=true", "a search never reads the test part"),
        ("run.test=true,false", "a search never reads the test part"),
        ("run.export=true", "a search exports nothing"),
        ("run.folder=here", "each trial has a folder of its own"),
        ("run.devices=2", "start the same command several times instead"),
    ],
)
def test_words_that_make_no_sense_are_refused(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse(["model.first=4,8", word])
    assert word.partition("=")[0] in str(caught.value)


def test_a_key_with_two_words_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"optim\.lr is named twice"):
        parse(["optim.lr=0.1,0.2", "optim.lr=0.3"])


@pytest.mark.parametrize("words", [[], ["experiment=tiny", "seed=3"]])
def test_where_nothing_varies_there_is_nothing_to_search(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="Nothing varies"):
        parse(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.frist=4,8"], r"Unknown key 'model\.frist'.*Did you mean 'model\.first'"),
        (["optim.lr=0.1..200.0"], r"optim\.lr must lie in 0\.\.100, got 200"),
        (["model.first=4,many"], "could not be converted to Integer"),
        (["model=tiny_cnn,tiny_cnm"], "Unknown model 'tiny_cnm'"),
        (["experiment=tiny,tyni"], "Unknown experiment 'tyni'"),
        (["seed=1,2", "epochs=3"], r"Did you mean 'budget\.epochs'"),
    ],
)
def test_a_mistake_at_either_end_of_an_axis_is_told_before_any_trial(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(parse(["experiment=tiny", *words] if not words[0].startswith("experiment") else words))


def test_a_space_without_mistakes_passes() -> None:
    space = parse(["experiment=tiny", "model.first=4,8", "optim.lr=log:1e-4..1e-1"])
    check(space)
    assert len(space.axes) == 2
