"""How a step is made: in pieces, clipped, of blends, by the loss that the recipe asks for."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from digitkit.data.batches import Drawing, DrawPlan
from digitkit.learn.batches import Batches
from digitkit.learn.compose import compose
from digitkit.learn.loader import Images
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.running import Precision
from digitkit.learn.train import run_steps

STILL = ("augment.after.shift_px=0", "augment.after.rotate_deg=0", "augment.after.scale=0", "augment.after.shear=0")
COUNT, BATCH, STEPS = 40, 20, 6  # three epochs


def module(*overrides: str, hard_share: float = 0.0) -> DigitModule:
    """A training of the tiny network on noise, whose images are not changed."""
    recipe = compose(["experiment=tiny", "optim=sgd", f"budget.batch={BATCH}", *STILL, *overrides])
    labels = torch.arange(COUNT) % 3
    pixels = torch.randint(0, 256, (COUNT, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    plan = DrawPlan(COUNT, batch=BATCH, hard_share=hard_share)
    drawing = Drawing(labels.numpy(), ("0", "1", "2"), plan, STEPS)
    torch.manual_seed(0)
    network = build_network(recipe, 3, [0.5], [0.3])
    return DigitModule(recipe, network, Precision.fp32, Batches(Images(pixels, labels), drawing))


def trained(*overrides: str) -> DigitModule:
    made = module(*overrides)
    run_steps(made, made.batches, [])
    return made


def all_weights(made: DigitModule) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in made.network.parameters()])


def first_batch(made: DigitModule) -> tuple[Tensor, Tensor, Tensor]:
    return next(iter(made.batches))


@pytest.mark.parametrize("pieces", [2, 3, 7, BATCH, 99])
@pytest.mark.parametrize("overrides", [(), ("loss.weights=inverse", "mix.probability=1")], ids=["plain", "weighted"])
def test_a_batch_in_pieces_makes_the_step_of_the_whole_batch(pieces: int, overrides: tuple[str, ...]) -> None:
    whole, cut = trained(*overrides), trained(*overrides, f"step.pieces={pieces}")
    torch.testing.assert_close(all_weights(cut), all_weights(whole), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(torch.stack(cut.losses), torch.stack(whole.losses), rtol=1e-4, atol=1e-5)


def test_a_gradient_is_shortened_to_the_longest_allowed() -> None:
    short = ("optim.lr=1", "optim.momentum=0", "optim.weight_decay=0", "schedule.warmup=0", "schedule.end=1")
    start = all_weights(module(*short))
    lengths = [float((all_weights(trained(*short, f"step.clip={clip}")) - start).norm()) for clip in (0, 1e-4)]
    assert lengths[0] > 0.1
    assert 0 < lengths[1] <= STEPS * 1.001e-4


def test_the_usual_step_learns_from_plain_smoothed_labels() -> None:
    made = module()
    pixels, labels, indices = first_batch(made)
    expected = F.cross_entropy(made.network(pixels / 255), labels, label_smoothing=0.1)
    assert made.training_step((pixels, labels, indices), 0).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("smooth_after", [True, False])
def test_the_loss_switches_when_the_blends_end(smooth_after: bool) -> None:
    faded = ("mix.probability=1", "mix.cutmix=0", "mix.mixup_alpha=5", "mix.off_epochs=1")
    made = module(*faded, f"mix.smooth_after={str(smooth_after).lower()}")
    pixels, labels, indices = first_batch(made)
    plain, smoothed = (
        F.cross_entropy(made.network(pixels / 255), labels, label_smoothing=share).item() for share in (0.0, 0.1)
    )
    losses = [made.training_step((pixels, labels, indices), step).item() for step in range(STEPS)]
    assert all(abs(loss - smoothed) > 1e-6 for loss in losses[:4])  # four of six steps: all epochs but the last
    assert losses[4:] == pytest.approx([smoothed if smooth_after else plain] * 2)


def test_the_losses_of_blends_say_nothing_of_which_pictures_are_hard() -> None:
    for overrides, known in (((), BATCH), (("mix.probability=1",), 0)):
        made = module(*overrides, hard_share=0.5)
        made.training_step(first_batch(made), 0)
        assert int(np.isfinite(made.batches.drawing.losses).sum()) == known


def test_blends_of_a_last_odd_batch_are_learnt_from() -> None:
    made = module("mix.probability=1", "mix.each=true")
    pixels, labels, indices = first_batch(made)
    for count in (1, 3):
        assert made.training_step((pixels[:count], labels[:count], indices[:count]), 0).isfinite()


def test_the_average_is_read_with_norms_of_its_own() -> None:
    norms = ("model=fast_cnn", "model.stem=4", "model.first=8", "model.second=8", "optim.lr=0.02")
    made = trained(*norms, "average.kind=swa", "average.every=1", "average.start=0.5")
    averaged = {name: value.clone() for name, value in made.average.network.named_buffers() if "running" in name}
    weights = [weight.clone() for weight in made.average.network.parameters()]
    ready = dict(made.ready().named_buffers())
    assert averaged
    assert not any(torch.equal(value, ready[name]) for name, value in averaged.items())
    assert all(torch.equal(*pair) for pair in zip(weights, made.average.network.parameters(), strict=True))
    again = {name: value.clone() for name, value in ready.items()}
    assert all(torch.equal(value, again[name]) for name, value in made.ready().named_buffers())
