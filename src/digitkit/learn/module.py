"""The one LightningModule: a raw network, its average and how a step is made.

B batch, C channels, S side in px, K classes.
"""

from collections.abc import Callable
from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from digitkit.learn.augment.after import augment
from digitkit.learn.averaging import Average
from digitkit.learn.layers import Standardise
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import Precision, Recipe
from digitkit.learn.schedule import lr_share

Note = Callable[[Tensor, Tensor], None]


def build_network(recipe: Recipe, classes: int, mean: list[float], std: list[float]) -> nn.Module:
    """The recipe's network with its standardising first layer: images 0..1 (N,C,S,S) -> logits (N,K)."""
    shape = InputShape(recipe.prepare.size, recipe.prepare.channels, classes)
    body = MODELS[recipe.model.name].build(recipe.model, shape)
    return nn.Sequential(Standardise(mean, std), body)


class DigitModule(lightning.LightningModule):
    """What Lightning trains; `network` holds the raw weights, `average.network` the ones that count.

    `note` gets the indices and the losses of each batch.
    """

    def __init__(self, recipe: Recipe, network: nn.Module, steps: int, precision: Precision, note: Note) -> None:
        super().__init__()
        self.note = note
        self.recipe, self.steps, self.precision = recipe, steps, precision
        self.network = network.to(memory_format=torch.channels_last)
        self.average = Average(self.network, recipe.average)
        self.rng = torch.Generator().manual_seed(recipe.seed)
        self.losses: list[Tensor] = []

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        """Augment and score one batch: uint8 (B,C,S,S), int64 (B,) and indices (B,) -> the loss, a scalar."""
        pixels, labels, indices = batch
        images = augment(pixels, self.recipe.augment.after, self.rng)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision is Precision.bf16):
            logits = self.network(images)
        smoothing = self.recipe.loss.smoothing
        each = F.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="none")  # (B,)
        self.note(indices, each.detach())
        loss = each.mean()
        self.losses.append(loss.detach())
        return loss

    def optimizer_step(self, epoch: int, batch_idx: int, *rest: Any, **options: Any) -> None:
        """Step, and let the average follow at once: callbacks, which score and save it, come before any later hook."""
        super().optimizer_step(epoch, batch_idx, *rest, **options)
        step = batch_idx + 1
        self.average.follow(self.network, step, last=step == self.steps)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """The recipe's optimiser, its learning rates scaled every step by the schedule."""
        optimiser = OPTIMISERS[self.recipe.optim.name].build(self.recipe.optim, self.network)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: lr_share(self.recipe.schedule, step, self.steps)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Random states travel with the weights, so that a resumed run draws what the uninterrupted one would."""
        checkpoint["rng"] = {"augment": self.rng.get_state(), "torch": torch.get_rng_state()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the random states back."""
        self.rng.set_state(checkpoint["rng"]["augment"].cpu())
        torch.set_rng_state(checkpoint["rng"]["torch"].cpu())
