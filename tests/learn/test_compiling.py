"""A network that torch has translated learns the same, and leaves files like any other."""

import signal
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError
from digitkit.data.splits import build
from digitkit.learn.parts import split_plan
from digitkit.learn.resuming import Start
from digitkit.learn.run import Run
from digitkit.learn.train import train
from tests.fixtures.runs import compose_small, quiet, train_small
from tests.learn.short_runs import SHORT, weights

EXACT = (*SHORT, "run.precision=fp32")


def test_without_a_compiler_it_is_refused(drawn_source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ConfigError, match=r"run\.compile=true needs a C\+\+ compiler on the CPU"):
        train_small(drawn_source, tmp_path / "run", (*EXACT, "run.compile=true"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # torch's own, which change with its version
def test_it_learns_the_same_and_can_be_stopped_and_gone_on_with_plainly(drawn_source: str, tmp_path: Path) -> None:
    whole = train_small(drawn_source, tmp_path / "whole", EXACT).run

    def stop(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 5:
            signal.raise_signal(signal.SIGINT)

    recipe = compose_small(drawn_source, tmp_path / "cut", *EXACT, "run.compile=true")
    run, splits = Run.create(recipe), build(split_plan(recipe.data))
    with pytest.raises(KeyboardInterrupt, match="stopped at step 5"):
        train(recipe, splits, run, stop)
    names = torch.load(run.file("last.ckpt"), weights_only=True)["state_dict"]
    assert not any("_orig_mod" in name for name in names)
    recipe.run.compile = False
    train(recipe, splits, run, quiet, start=Start(resume=True))
    one, two = weights(whole), weights(run)
    assert one.keys() == two.keys()
    assert all(torch.allclose(one[name], two[name], atol=1e-4) for name in one)
