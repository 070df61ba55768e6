"""Networks are trained by a recipe, in half precision too."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import compose
from digitkit.learn.models import MODELS, InputShape
from tests.conftest import DrawDigits
from tests.fixtures.runs import train_small

TWO_STEPS = ("budget.least_steps=2", "data.limit=60", "budget.batch=20", "run.test=false", "run.validations=1")


def chosen(name: str) -> list[str]:
    """The overrides that ask for the small network of a kind."""
    settings = [f"model.{key}={value}".replace(" ", "") for key, value in MODELS[name].smoke.items()]
    return [f"model={name}", *settings]


@pytest.mark.parametrize("name", MODELS)
def test_a_recipe_composes_with_any_network_and_its_settings(name: str) -> None:
    assert compose(chosen(name)).model == MODELS[name].config(**MODELS[name].smoke)


@pytest.mark.parametrize("name", ["mnist_cnn", "wide_resnet", "resnext", "resnet18"])
def test_two_steps_in_half_precision_leave_finite_weights(name: str, drawn_source: str, tmp_path: Path) -> None:
    run = train_small(drawn_source, tmp_path, [*chosen(name), *TWO_STEPS, "run.precision=bf16"]).run
    assert run.report()["steps"] == 2
    assert all(value.isfinite().all() for value in run.network().state_dict().values())


@pytest.mark.parametrize("name", ["wide_resnet", "resnext", "resnet18"])
def test_a_small_network_of_its_kind_learns_64_pictures_by_heart(name: str, drawn_digits: DrawDigits) -> None:
    torch.manual_seed(0)
    digits = drawn_digits(64, np.random.default_rng(0))
    images = torch.from_numpy(np.stack([picture for picture, _ in digits])).unsqueeze(1) / 255
    labels = torch.tensor([int(label) for _, label in digits])
    network = MODELS[name].build(MODELS[name].config(**MODELS[name].smoke), InputShape(28, 1, 10))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(network(images), labels))
        optimiser.step()
    assert (network.eval()(images).argmax(1) == labels).float().mean() == 1


def test_a_training_starts_from_its_file_and_the_run_does_not_need_it_again(drawn_source: str, tmp_path: Path) -> None:
    entry, file = MODELS["resnet18"], tmp_path / "start.safetensors"
    start = entry.build(entry.config(**entry.smoke), InputShape(28, 3, 7)).state_dict()
    save_file(start, file)
    still = [*TWO_STEPS, "optim=sgd", "optim.lr=0", "average.every=0", f"model.weights={file}"]
    run = train_small(drawn_source, tmp_path / "run", [*chosen("resnet18"), *still]).run
    file.unlink()
    trained = run.network().state_dict()
    assert torch.equal(trained["1.layer4.0.conv1.weight"], start["layer4.0.conv1.weight"])
    assert torch.equal(trained["1.conv1.weight"], start["conv1.weight"].sum(1, keepdim=True))


def test_weights_that_are_absent_stop_a_training_by_name(drawn_source: str, tmp_path: Path) -> None:
    asked = [*chosen("resnet18"), *TWO_STEPS, f"model.weights={tmp_path / 'absent.safetensors'}"]
    with pytest.raises(ConfigError, match=r"absent\.safetensors: there is no such file"):
        train_small(drawn_source, tmp_path / "run", asked)
