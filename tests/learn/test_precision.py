"""The number format is measured once, kept for the next training and for going on, and changes nothing by itself."""

import json
from pathlib import Path

import pytest
import torch

from digitkit.core.errors import ConfigError
from digitkit.core.files import cache_folder
from digitkit.learn import precision as measuring
from digitkit.learn.compose import compose
from digitkit.learn.device import HalfPrecision, choose_precision
from digitkit.learn.network import build_network
from digitkit.learn.precision import settle_precision
from digitkit.learn.recipe import Recipe
from digitkit.learn.run import Run
from digitkit.learn.running import Precision, RunConfig
from digitkit.learn.train import run_steps
from tests.learn.test_module import module

PIXELS = torch.zeros(8, 1, 28, 28, dtype=torch.uint8)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run on a processor that multiplies bf16, with an empty cache."""
    monkeypatch.setenv("DIGITKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(measuring, "bf16_is_built_in", lambda: True)  # the processor is not ours
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


def small(*overrides: str) -> tuple[Recipe, torch.nn.Module]:
    recipe = compose(["experiment=tiny", "model.first=2", "model.second=2", "model.dense=4", *overrides])
    return recipe, build_network(recipe, 10, [0.5], [0.3])


def settle(run: Run, *overrides: str) -> Precision:
    recipe, network = small(*overrides)
    return settle_precision(recipe, network, PIXELS, run)


def test_what_is_measured_is_written_to_the_run_and_kept_for_the_next(run: Run) -> None:
    found = settle(run)
    written = json.loads(run.file("precision.json").read_text())
    assert Precision(written["precision"]) is found
    assert written["fp32_ms"] > 0
    assert written["bf16_ms"] > 0
    kept = list((cache_folder() / "precision").iterdir())
    assert [json.loads(file.read_text()) for file in kept] == [written]


def test_another_training_of_such_a_network_measures_nothing(run: Run, tmp_path: Path) -> None:
    settle(run)
    (kept,) = (cache_folder() / "precision").iterdir()
    kept.write_text('{"precision": "fp32", "fp32_ms": 1.0, "bf16_ms": 2.0}')
    (tmp_path / "next").mkdir()
    assert settle(Run(tmp_path / "next")) is Precision.fp32
    assert json.loads((tmp_path / "next" / "precision.json").read_text())["bf16_ms"] == 2


def test_another_network_is_measured_for_itself(run: Run, tmp_path: Path) -> None:
    settle(run)
    (tmp_path / "next").mkdir()
    settle(Run(tmp_path / "next"), "model.dense=5")
    assert len(list((cache_folder() / "precision").iterdir())) == 2


@pytest.mark.parametrize("known", ["bf16", "fp32"])
def test_a_run_goes_on_in_the_format_it_began_with(run: Run, known: str) -> None:
    run.file("precision.json").write_text(json.dumps({"precision": known}))
    assert settle(run) is Precision(known)
    assert not (cache_folder() / "precision").exists()


@pytest.mark.parametrize("damaged", ["", "[]", '{"precision": "fp8"}', "{}"])
def test_a_damaged_note_is_written_anew(run: Run, damaged: str) -> None:
    run.file("precision.json").write_text(damaged)
    settle(run)
    assert json.loads(run.file("precision.json").read_text())["precision"] in ("bf16", "fp32")


def test_what_is_asked_for_is_not_measured(run: Run) -> None:
    assert settle(run, "run.precision=fp32") is Precision.fp32
    assert list(run.path.iterdir()) == []


def test_measuring_leaves_weights_and_random_numbers_alone(run: Run) -> None:
    recipe, network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    settle_precision(recipe, network, PIXELS, run)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    assert all(weight.grad is None for weight in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_fp16_is_for_cuda_only() -> None:
    with pytest.raises(ConfigError, match=r"run\.precision=fp16 is for CUDA, this is cpu"):
        choose_precision(RunConfig(precision=Precision.fp16), torch.device("cpu"))


@pytest.mark.parametrize("pieces", [1, 2])
def test_steps_of_fp16_scale_their_gradients_and_go_where_those_of_fp32_go(pieces: int) -> None:
    weights = {}
    for precision in (Precision.fp32, Precision.fp16):
        made = module("step.clip=1", f"step.pieces={pieces}")
        begin = [weight.detach().clone() for weight in made.network.parameters()]
        made.precision = precision
        run_steps(made, made.batches, [])
        assert isinstance(made.trainer.precision_plugin, HalfPrecision) is (precision is Precision.fp16)
        pairs = zip(begin, made.network.parameters(), strict=True)
        weights[precision] = torch.cat([(new - old).detach().flatten() for old, new in pairs])
    way = torch.nn.functional.cosine_similarity(weights[Precision.fp32], weights[Precision.fp16], dim=0)
    assert float(way) > 0.99
