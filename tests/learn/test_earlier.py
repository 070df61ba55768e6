"""Going on from the weights of an earlier run."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError, DataError
from digitkit.learn.compose import compose
from digitkit.learn.earlier import start_there
from digitkit.learn.network import build_network
from tests.fixtures.runs import SMALL, Trained, train_small


def test_a_training_starts_from_the_weights_of_a_run(trained: Trained, drawn_source: str, tmp_path: Path) -> None:
    overrides = [f"start={trained.run.path}", "optim.lr=0", "budget.least_steps=2", "budget.epochs=0.01"]
    made = train_small(drawn_source, tmp_path / "run", overrides)
    assert made.run.report()["start"] == f"start={trained.run.path}: all weights start from there"
    pixels = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before, after = (run.network().eval()(pixels).argmax(1) for run in (trained.run, made.run))
    assert (before == after).float().mean() > 0.9  # statistics of norms have moved a little


def test_weights_are_taken_to_the_bit(trained: Trained) -> None:
    network = build_network(trained.recipe, 10, [0.0], [1.0])
    start_there(replace(trained.recipe, start=str(trained.run.path)), network)
    pixels = torch.rand(4, 1, 28, 28)
    assert torch.equal(network.eval()(pixels), trained.run.network().eval()(pixels))


def test_without_a_run_to_start_from_weights_are_drawn(trained: Trained) -> None:
    torch.manual_seed(0)
    one = build_network(trained.recipe, 10, [0.0], [1.0])
    torch.manual_seed(0)
    other = build_network(trained.recipe, 10, [0.0], [1.0])
    start_there(trained.recipe, other)
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.width=40"], "has model.width="),
        (["prepare.box=18"], "has prepare.box=20, here it is 18. Weights fit the same network"),
    ],
)
def test_weights_of_another_network_are_refused(trained: Trained, overrides: list[str], message: str) -> None:
    recipe = compose([*SMALL, f"start={trained.run.path}", *overrides])
    with pytest.raises(ConfigError, match=message):
        start_there(recipe, build_network(recipe, 10, [0.0], [1.0]))


def test_a_run_of_other_pictures_or_none_is_refused_before_any_work(
    trained: Trained, drawn_source: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"start=.* was trained on other pictures"):
        train_small(drawn_source, tmp_path / "one", [f"start={trained.run.path}", "data.seed=7"])
    with pytest.raises(DataError, match="nobody"):
        train_small(drawn_source, tmp_path / "two", [f"start={tmp_path / 'nobody'}"])
