"""A loss that is no number ends a training at once, before anything good is written over."""

import math
from typing import Any

import lightning
import torch

from digitkit.core.errors import TrainingDiverged
from digitkit.learn.module import DigitModule


class FiniteLoss(lightning.Callback):
    """Ends a training at once when its loss is no number any more; it comes before all that write."""

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss of each step on the CPU; elsewhere that would cost a pause, and records look at it."""
        assert isinstance(pl_module, DigitModule)
        loss = pl_module.losses[-1]
        if loss.device.type == "cpu":
            check_loss(float(loss), pl_module, batch_idx + 1)


def check_loss(loss: float, module: DigitModule, step: int) -> None:
    """Stop at a loss that is NaN or infinite.

    Raises: TrainingDiverged naming the step (1-based) and its learning rate.
    """
    if not math.isfinite(loss):
        raise TrainingDiverged(f"The loss is {loss} at step {step}, {_rate(module, step)}.")


def check_weights(module: DigitModule, step: int) -> None:
    """Stop before weights are written or scored that are NaN or infinite.

    Raises: TrainingDiverged, as above.
    """
    weights = [value for value in module.state_dict().values() if value.is_floating_point()]
    if not all(bool(torch.isfinite(value).all()) for value in weights):
        raise TrainingDiverged(f"Weights are NaN or infinite after step {step}, {_rate(module, step)}.")


def _rate(module: DigitModule, step: int) -> str:
    group = module.optimizers().param_groups[0]  # type: ignore[union-attr]
    peak = group.get("initial_lr", group["lr"])
    return f"learning rate {peak * module.schedule(step - 1):.4g}"
