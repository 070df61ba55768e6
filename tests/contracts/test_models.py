"""Contract of every network, present and future: any batch, channels, classes and size, and the same after export."""

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError
from digitkit.export import parity
from digitkit.export.graph import Graph
from digitkit.export.write import to_onnx
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.recipe import Mode, PrepareConfig
from tests.conftest import DrawDigits


def slowly(name: str) -> object:
    """A name whose tests are slow ones, for nothing in them is new."""
    return pytest.param(name, marks=pytest.mark.slow)


ALIKE = ("resnet34",)  # whose small network is that of another entry
TIMM = ("timm:test_resnet", "timm:test_efficientnet") if find_spec("timm") else ()  # made by timm for tests
PLAIN = ("tiny_cnn", "mnist_cnn", "resnet50", "timm:test_efficientnet")  # exported: made of what others are made of
NAMES = [*(name for name in MODELS if name not in ALIKE), *TIMM]
every_model = pytest.mark.parametrize("name", [*NAMES, *map(slowly, ALIKE)])
every_export = pytest.mark.parametrize(
    "name", [slowly(name) if name in (*ALIKE, *PLAIN) else name for name in (*NAMES, *ALIKE)]
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are quickest on one thread, most of all while the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build(name: str, size: int = 28, channels: int = 1, classes: int = 10) -> nn.Module:
    """The small network of its kind."""
    torch.manual_seed(0)
    entry = MODELS[name]
    return entry.build(entry.config(**entry.smoke), InputShape(size, channels, classes))


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@every_model
@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [2, 10, 43])
def test_a_network_takes_any_batch_channels_and_classes(name: str, count: int, channels: int, classes: int) -> None:
    network = build(name, channels=channels, classes=classes).eval()
    assert network(torch.rand(count, channels, 28, 28)).shape == (count, classes)


@every_model
@pytest.mark.parametrize("size", range(16, 41))
def test_a_network_takes_any_usual_size(name: str, size: int) -> None:
    assert build(name, size=size).eval()(torch.rand(2, 1, size, size)).shape == (2, 10)


@every_model
@pytest.mark.parametrize("size", [8, 9, 10, 64])
def test_an_unusual_size_works_or_is_refused_with_its_key(name: str, size: int) -> None:
    shape, refusal = (2, 10), "prepare.size"
    try:
        shape = tuple(build(name, size=size).eval()(torch.rand(2, 1, size, size)).shape)
    except ConfigError as error:
        refusal = str(error)
    assert shape == (2, 10)
    assert "prepare.size" in refusal


@every_model
def test_the_gradients_of_a_network_are_finite_and_reach_every_weight(name: str) -> None:
    network = build(name).train()
    with torch.no_grad():
        for weight in network.parameters():  # some begin with branches that are switched off by a weight of 0
            weight.add_(0.01 * torch.randn_like(weight))
    loss = F.cross_entropy(network(torch.rand(8, 1, 28, 28)), torch.arange(8))
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@every_model
def test_blank_images_do_not_upset_a_network(name: str) -> None:
    network = build(name).train()
    for level in (0.0, 1.0):
        loss = F.cross_entropy(network(torch.full((4, 1, 28, 28), level)), torch.arange(4))
        assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(loss, list(network.parameters())))


@every_model
def test_one_image_alone_is_read_as_in_company(name: str) -> None:
    network, images = build(name).eval(), torch.rand(6, 1, 28, 28)
    with torch.inference_mode():
        together, alone = network(images), torch.cat([network(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-5)


@every_model
def test_the_same_seed_builds_the_same_network(name: str) -> None:
    first, second = build(name).state_dict(), build(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@every_model
def test_a_network_is_described_in_one_sentence(name: str) -> None:
    assert MODELS[name].title.endswith(".")
    assert MODELS[name].config().name == name


def exported(name: str, prepare: PrepareConfig, digits: DigitSet) -> parity.Parity:
    graph = Graph(prepare, build(name, channels=prepare.channels)).eval()
    return parity.check(graph, to_onnx(graph).SerializeToString(), digits)


@every_export
def test_a_network_survives_export(name: str, drawn_digits: DrawDigits) -> None:
    digits = drawn_digits(40, np.random.default_rng(0))
    found = exported(name, PrepareConfig(mode=Mode.photo, channels=3), digits)
    assert found.difference < parity.TOLERANCE
    assert found.agreement == 1
    assert found.sizes == len(parity.STRETCHES)


def test_a_network_of_grey_images_survives_export_behind_the_door_for_ink(drawn_digits: DrawDigits) -> None:
    found = exported("tiny_cnn", PrepareConfig(), drawn_digits(40, np.random.default_rng(0)))
    assert found.difference < parity.TOLERANCE
    assert found.agreement == 1


def test_the_tiny_network_has_the_parameters_of_the_one_it_follows() -> None:
    assert parameters(build("tiny_cnn", size=32)) == 38_826


def test_the_first_sentence_on_the_fast_network_counts_its_parameters() -> None:
    assert f"{round(parameters(build('fast_cnn')) / 1000)} thousand" in MODELS["fast_cnn"].title
