"""Networks of timm by name: any classes, channels and size, and weights from a file or the hub."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from digitkit.core.errors import ConfigError, HubError
from digitkit.export.parity import TOLERANCE
from digitkit.export.write import export
from digitkit.learn.compose import compose, from_plain, to_plain
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.models.foreign import TimmConfig, entry, names
from digitkit.learn.models.weights import describe_start, load_start
from tests.fixtures.hub_server import serve
from tests.fixtures.runs import train_small

timm = pytest.importorskip("timm", reason="timm is an extra")
GREY, COLOUR = InputShape(28, 1, 10), InputShape(28, 3, 10)
TWO_STEPS = ("budget.least_steps=2", "data.limit=60", "budget.batch=20", "run.validations=1", "run.precision=fp32")


def config(name: str, **settings: Any) -> Any:
    return MODELS[f"timm:{name}"].config(**settings)


def build(name: str, shape: InputShape = GREY, **settings: Any) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[f"timm:{name}"].build(config(name, **settings), shape)


def test_a_network_of_timm_is_chosen_like_ours_and_comes_back_from_its_plain_values() -> None:
    recipe = compose(["model=timm:test_resnet", "model.drop_path=0.1", "seed=3"])
    assert (recipe.model.name, recipe.model.drop_path, recipe.model.pretrained) == ("timm:test_resnet", 0.1, False)
    assert isinstance(recipe.model, TimmConfig)
    assert from_plain(to_plain(recipe)) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model=timm:resnett18", r"Unknown model 'timm:resnett18'\. Did you mean 'timm:resnet18'"),
        ("model=timm:", "Unknown model 'timm:'"),
        ("model=tim:resnet18", r"Unknown model 'tim:resnet18'\. Did you mean 'resnet18'"),
        (
            "model=timm:resnet18.a1_in",
            r"Unknown weights 'a1_in' in model=timm:resnet18\.a1_in\. Did you mean 'a1_in1k'",
        ),
        ("model=timm:test_mambaout.any", "Unknown weights 'any'"),
    ],
)
def test_an_unknown_name_names_the_nearest(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose([override])


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'model\.drop_path'"):
        compose(["model=timm:test_resnet", "model.droppath=0.1"])


def test_without_timm_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    entry.cache_clear()
    with pytest.raises(ConfigError, match=r"needs timm, which is not installed: pip install 'digitkit\[timm\]'"):
        compose(["model=timm:test_resnet"])


def test_our_own_networks_do_not_load_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert compose(["model=resnet18"]).model.name == "resnet18"


@pytest.mark.parametrize(
    ("name", "size"),
    [("test_vit", 28), ("test_convnext", 28), ("test_maxvit", 28), ("test_vit", 8)],
)
def test_images_that_a_network_cannot_read_are_refused_with_their_key(name: str, size: int) -> None:
    with pytest.raises(ConfigError, match=rf"model=timm:{name} cannot read images of prepare\.size={size}: "):
        build(name, InputShape(size, 1, 10))


def test_a_network_of_fixed_size_is_built_for_the_size_of_the_images() -> None:
    assert build("test_vit", InputShape(48, 3, 5)).eval()(torch.zeros(2, 3, 48, 48)).shape == (2, 5)


def test_what_a_network_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot be built like this: .*drop_path_rate.*Try model\.drop_path=0"):
        build("vgg11", InputShape(64, 1, 10), drop_path=0.1)


def test_names_are_found_by_a_pattern() -> None:
    assert "resnet18d" in names("resnet18*")
    assert names("no_such_network*") == []


def timm_file(name: str, path: Path, classes: int = 1000) -> tuple[nn.Module, Path]:
    """A network that timm itself made and saved, colour and all."""
    torch.manual_seed(7)
    network: nn.Module = timm.create_model(name, num_classes=classes)
    save_file(network.state_dict(), path / f"{name}.safetensors")
    return network, path / f"{name}.safetensors"


@pytest.mark.parametrize("ours", ["resnet18", "timm:resnet18"])
def test_weights_that_timm_saved_are_taken_but_for_the_head(ours: str, tmp_path: Path) -> None:
    theirs, file = timm_file("resnet18", tmp_path)
    asked = MODELS[ours].config(weights=str(file))
    network = MODELS[ours].build(asked, GREY)
    head = network.get_parameter("fc.weight").clone()
    load_start(asked, network, GREY)
    assert torch.equal(network.get_parameter("layer4.1.conv2.weight"), theirs.get_parameter("layer4.1.conv2.weight"))
    assert torch.equal(network.get_parameter("fc.weight"), head)
    assert network.get_parameter("fc.weight").shape == (10, 512)
    assert describe_start(asked).startswith(f"model.weights={file}: all weights start from there but those of the head")


@pytest.mark.parametrize(("name", "head"), [("test_resnet", "fc."), ("test_efficientnet", "classifier.")])
def test_a_grey_stem_is_the_sum_that_timm_makes_of_its_colours(name: str, head: str, tmp_path: Path) -> None:
    _, file = timm_file(name, tmp_path)
    source = {"file": str(file)}
    theirs = timm.create_model(name, pretrained=True, in_chans=1, num_classes=10, pretrained_cfg_overlay=source)
    network = build(name)
    load_start(config(name, weights=str(file)), network, GREY)
    ours = network.state_dict()
    assert all(
        torch.allclose(ours[key], value) for key, value in theirs.state_dict().items() if key[: len(head)] != head
    )


def test_a_file_for_images_of_another_size_is_refused_where_the_size_is_in_the_weights(tmp_path: Path) -> None:
    _, file = timm_file("test_vit", tmp_path)
    shape = InputShape(32, 1, 10)
    with pytest.raises(ConfigError, match=r"pos_embed must be 1x5x64, got 1x101x64"):
        load_start(config("test_vit", weights=str(file)), build("test_vit", shape), shape)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"drop_path": 1.0}, r"model\.drop_path must lie in 0\.\.0\.95"),
        ({"dropout": -0.1}, r"model\.dropout must lie in 0\.\.0\.95"),
        ({"pretrained": True, "weights": "x"}, "leave one out"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config("test_resnet", **settings)


def test_weights_of_the_hub_that_cannot_be_had_are_told_with_a_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    network, asked = build("test_resnet"), config("test_resnet", pretrained=True)
    with pytest.raises(HubError, match=r"the weights of timm:test_resnet are not on this machine.*model\.weights=FILE"):
        load_start(asked, network, GREY)


def test_a_network_without_weights_on_the_hub_says_so() -> None:
    with pytest.raises(ConfigError, match="timm has no weights of timm:test_mambaout"):
        load_start(config("test_mambaout", pretrained=True), nn.Identity(), GREY)


def test_weights_come_from_the_hub_through_timm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub
    import huggingface_hub.constants

    torch.manual_seed(7)
    theirs = timm.create_model("test_resnet")
    with serve() as hub:
        pages = f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", pages)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        hub.hold("model", "timm/test_resnet.r160_in1k", {"model.safetensors": save(theirs.state_dict())}, private=False)
        network, asked = build("test_resnet"), config("test_resnet", pretrained=True)
        load_start(asked, network, GREY)
        huggingface_hub.close_session()
    stem = theirs.get_parameter("conv1.0.weight").sum(1, keepdim=True)
    assert torch.allclose(network.get_parameter("conv1.0.weight"), stem)
    assert describe_start(asked).startswith("model.pretrained=true: all weights start from there")


def test_a_network_of_timm_trains_and_becomes_a_bundle(drawn_source: str, tmp_path: Path) -> None:
    asked = ["model=timm:test_resnet", "model.dropout=0.1", *TWO_STEPS, "prepare.mode=photo"]
    made = train_small(drawn_source, tmp_path / "run", asked)
    assert made.run.recipe().model == compose(asked).model
    record, parity = export(made.run, made.splits.test)
    assert parity.difference < TOLERANCE
    assert from_plain(record.recipe).model.name == "timm:test_resnet"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18d", "mobilenetv3_small_050"])
def test_the_usual_networks_of_timm_become_bundles(name: str, drawn_source: str, tmp_path: Path) -> None:
    made = train_small(drawn_source, tmp_path / "run", [f"model=timm:{name}", *TWO_STEPS])
    _, parity = export(made.run, made.splits.test)
    assert parity.difference < TOLERANCE
    assert parity.agreement == 1
