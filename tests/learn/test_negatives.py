"""What is no digit, learnt from beside the digits."""

from pathlib import Path

import numpy as np
import pytest
import torch

from digitkit.core.digitset import DigitSet
from digitkit.core.errors import ConfigError
from digitkit.data.batches import Drawing, DrawPlan
from digitkit.learn.averaging import measure_norms
from digitkit.learn.batches import Batches
from digitkit.learn.loader import Images
from digitkit.learn.losses import class_weights, shares, soft_targets
from digitkit.learn.parts import prepare_parts
from digitkit.learn.recipe import Recipe
from tests.fixtures.runs import quiet, train_small, write_class_folders
from tests.strokes import draw_digits


def batches(share: float, seed: int = 0, hard_share: float = 0.0) -> Batches:
    """Of 20 digits and 7 others, whose pixels are their places."""
    pixels = torch.arange(27, dtype=torch.uint8).view(27, 1, 1, 1)
    labels = torch.cat([torch.arange(20) % 2, torch.full((7,), -1)])
    drawing = Drawing(labels[:20].numpy(), ("0", "1"), DrawPlan(20, batch=10, seed=seed, hard_share=hard_share), 4)
    return Batches(Images(pixels, labels), drawing, negatives_share=share)


def test_a_share_of_every_batch_is_put_behind_the_digits() -> None:
    for pixels, labels, indices in batches(0.3):
        assert len(pixels) == len(labels) == 13
        assert torch.equal(indices, pixels.flatten().long())
        assert (labels[:10] >= 0).all()
        assert (labels[10:] == -1).all()
        assert (pixels.flatten()[10:] >= 20).all()


def test_losses_of_what_is_no_digit_are_not_remembered() -> None:
    hard = batches(0.3, hard_share=0.5)
    for _, _, indices in hard:
        hard.note(indices, indices.float())
    assert hard.state_dict()["losses"].tolist() == list(range(20))


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    first, again, other = ([pixels.flatten().tolist() for pixels, _, _ in batches(0.3, seed)] for seed in (0, 0, 1))
    assert first == again != other


def test_going_on_draws_what_would_have_been_drawn() -> None:
    whole = [pixels.flatten().tolist() for pixels, _, _ in batches(0.3)]
    cut = batches(0.3)
    seen = iter(cut)
    next(seen)
    state = cut.state_dict()
    resumed = batches(0.3)
    resumed.load_state_dict(state)
    assert [pixels.flatten().tolist() for pixels, _, _ in resumed] == whole[1:]


def test_what_is_no_digit_is_a_little_of_each() -> None:
    labels = torch.tensor([1, -1])
    assert shares(labels, 4).tolist() == [[0, 1, 0, 0], [0.25] * 4]
    blended = soft_targets(labels, torch.tensor([1, 0]), torch.tensor([0.5, 1.0]), 4)
    assert blended.tolist() == [[0.125, 0.625, 0.125, 0.125], [0.25] * 4]


def test_others_have_no_part_in_the_weights_of_classes() -> None:
    from digitkit.learn.fitting import ClassWeights, LossConfig

    config = LossConfig(weights=ClassWeights.inverse)
    digits = torch.tensor([0, 0, 0, 1])
    with_others = torch.cat([digits, torch.full((9,), -1)])
    assert torch.equal(class_weights(config, with_others, 2), class_weights(config, digits, 2))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def noise_source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of 60 pictures of noise whose class says that they are no digits."""
    folder = tmp_path_factory.mktemp("negatives") / "noise"
    rng = np.random.default_rng(0)
    drawn = draw_digits(60, rng)
    noise = rng.integers(0, 256, (60, 28, 28)).astype(np.uint8)
    others = DigitSet(type(drawn.pictures)(noise), np.zeros(60, np.int64), ("not a digit",), drawn.origins)  # type: ignore[call-arg]
    write_class_folders(others, folder / "train")
    return f"folder:{folder}"


def test_a_training_becomes_unsure_of_what_is_no_digit(drawn_source: str, noise_source: str, tmp_path: Path) -> None:
    overrides = [f"data.negatives=[{noise_source}]", "data.negatives_share=0.5"]
    made = train_small(drawn_source, tmp_path / "run", overrides)
    report = made.run.report()
    assert report["data"]["negatives"] == 60
    assert report["data"]["classes"] == list("0123456789")
    noise = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    plain = train_small(drawn_source, tmp_path / "plain").run.network()
    taught = made.run.network()
    sure, unsure = (network(noise).softmax(1).amax(1).mean() for network in (plain, taught))
    assert unsure < 0.5 * sure


def test_a_run_with_others_can_teach_and_be_gone_on_from(drawn_source: str, noise_source: str, tmp_path: Path) -> None:
    overrides = [f"data.negatives=[{noise_source}]", "budget.least_steps=5"]
    earlier = train_small(drawn_source, tmp_path / "earlier", overrides).run.path
    for name, key in (("pupil", "loss.teacher"), ("further", "start")):
        made = train_small(drawn_source, tmp_path / name, [*overrides, f"{key}={earlier}"]).run
        assert made.report()["steps"] > 0
    words = ["budget.least_steps=5", f"start={earlier}"]
    with pytest.raises(ConfigError, match=r"has learnt to refuse folder:.*data\.negatives_share=0 draws nothing"):
        train_small(drawn_source, tmp_path / "forgotten", words)  # then it would count as unseen
    kept = train_small(drawn_source, tmp_path / "kept", [*words, overrides[0], "data.negatives_share=0"]).run
    assert kept.report()["data"]["negatives"] == 60


def test_a_source_of_digits_only_is_no_negative(drawn_source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no picture of the class 'not a digit'"):
        train_small(drawn_source, tmp_path / "run", [f"data.negatives=[{drawn_source}]"])


def test_the_share_lies_in_its_range() -> None:
    with pytest.raises(ConfigError, match=r"data\.negatives_share must lie in"):
        Recipe().data.__class__(negatives_share=2)


def test_norms_are_measured_on_digits_however_many_others_there_are(
    drawn_source: str, noise_source: str, tmp_path: Path
) -> None:
    norms = ("model=fast_cnn", "model.stem=4", "model.first=4", "model.second=4", "budget.least_steps=30")
    swa = ("average.kind=swa", "average.norm_images=100", "data.limit=20", f"data.negatives=[{noise_source}]")
    made = train_small(drawn_source, tmp_path / "run", [*norms, *swa])
    parts = prepare_parts(made.recipe, made.splits, quiet)
    assert len(parts.negatives) == 3 * parts.primary
    network = made.run.network()
    norm = next(module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d))
    seen = [norm.get_buffer("running_mean").clone()]
    for images in (parts.train, parts.negatives):
        measure_norms(network, [images.pixels / 255])
        seen.append(norm.get_buffer("running_mean").clone())
    stored, of_digits, of_others = seen
    assert (stored - of_digits).norm() < 0.5 * (stored - of_others).norm()
