"""The one LightningModule: a raw network, its average and how a step is made.

B batch, C channels, S side in px, K classes.
"""

from collections.abc import Iterator
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from digitkit.learn.augment.augmentation import Augmentation
from digitkit.learn.averaging import Average, measure_norms
from digitkit.learn.batches import Batches
from digitkit.learn.device import HalfPrecision, compiled
from digitkit.learn.lookahead import look_ahead
from digitkit.learn.losses import Loss, class_weights, shares, soft_targets
from digitkit.learn.mix import mix
from digitkit.learn.optim import OPTIMISERS
from digitkit.learn.recipe import Recipe
from digitkit.learn.running import Precision
from digitkit.learn.schedule import Schedule
from digitkit.learn.shared import share_layers
from digitkit.learn.teacher import Teacher


class DigitModule(lightning.LightningModule):
    """What Lightning trains; `network` holds the raw weights, `average.network` the ones that count."""

    def __init__(self, recipe: Recipe, network: nn.Module, precision: Precision, batches: Batches) -> None:
        super().__init__()
        self.recipe, self.precision, self.batches = recipe, precision, batches
        self.pace = batches.pace
        self.schedule = Schedule(recipe.schedule, recipe.average, self.pace)
        self.classes = len(batches.drawing.classes)
        self.augmentation = Augmentation.of(recipe.augment, batches.drawing.classes)
        self.loss = Loss(recipe.loss, class_weights(recipe.loss, batches.images.labels, self.classes))
        self.network = network.to(memory_format=torch.channels_last)
        self.average = Average(self.network, recipe.average, self.pace.steps)
        self.rng = torch.Generator().manual_seed(recipe.seed)
        self.losses: list[Tensor] = []
        self.teacher = Teacher.of(recipe, batches) if recipe.loss.teacher else None
        self.team = batches.team
        if self.team.count > 1:  # the average reads only, and keeps its plain layers
            share_layers(self.network, self.team)
            self.team.check(batches.drawing.plan.size, recipe.step.pieces)
        # A function, not a module: nobody but the steps needs the translation, and no checkpoint.
        device = batches.images.pixels.device
        self.read = compiled(self.network, device) if recipe.run.compile else self.network.__call__

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        """Augment, blend and score one batch: uint8 (B,C,S,S), int64 (B,), indices -> the loss, a scalar."""
        pixels, labels, indices = batch
        left = (self.pace.steps - batch_idx) / self.pace.steps
        images = self.augmentation(pixels, labels, self.rng, left)
        target = shares(labels, self.classes) if self.batches.negatives else labels
        mixing = batch_idx < self.pace.left(self.recipe.mix.off_epochs)
        mixed = mix(images, self.recipe.mix, self.recipe.seed, batch_idx) if mixing else None
        if mixed is not None:
            images, target = mixed.images, soft_targets(labels, mixed.partners, mixed.share, self.classes)
        smoothing = self.recipe.loss.smoothing if mixing or self.recipe.mix.smooth_after else 0.0
        if self.teacher:
            with self._formats():
                target = self.teacher.blend(images, target, labels >= 0, smoothing)
            smoothing = 0.0
        each, loss = self._learn(images, target, smoothing)
        if mixed is None:
            self.batches.note(indices, each)  # the loss of a blend says little about either image
        return loss

    def _learn(self, images: Tensor, target: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """The losses (B,) of a batch, and the loss whose gradients Lightning still has to compute, a scalar."""
        count, team = self.recipe.step.pieces, self.team
        if count > 1:
            self.network.zero_grad()
        divided = count > 1 or team.count > 1
        weight = self.loss.count(target) if divided or self.loss.weights is not None else None
        pieces = list(zip(images.chunk(count), target.chunk(count), strict=True))
        scored: list[tuple[Tensor, Tensor]] = []
        for number, (some, wanted) in enumerate(pieces, start=1):
            mine = team.share(len(some))
            with self._formats():
                logits = self.read(some[mine])
            each = self.loss(logits.float(), wanted[mine], smoothing)  # (b,)
            loss = each.mean() if weight is None else each.sum() / weight
            if number < len(pieces):
                torch.autograd.backward(self._scaled(loss))
            scored.append((team.whole(each.detach()) if self.batches.notes else each.detach(), loss.detach()))
        losses, parts = zip(*scored, strict=True)
        self.losses.append(torch.stack(parts).sum() if count > 1 else parts[0])
        return torch.cat(losses), loss

    def on_after_backward(self) -> None:
        """Where several processes share a batch, its gradients and its loss are the sums of theirs."""
        if self.team.count > 1:
            self.losses[-1] = self.team.add_gradients(self.network.parameters(), self.losses[-1])

    def _scaled(self, loss: Tensor) -> Tensor:
        """The loss as Lightning would scale it before its backward pass."""
        plugin = self.trainer.precision_plugin if self.precision is Precision.fp16 else None
        scaled: Tensor = plugin.scaler.scale(loss) if isinstance(plugin, HalfPrecision) and plugin.scaler else loss
        return scaled

    def _formats(self) -> torch.autocast:
        """Inside, heavy products are made in the number format that was chosen."""
        short = torch.float16 if self.precision is Precision.fp16 else torch.bfloat16
        return torch.autocast(self.device.type, short, enabled=self.precision is not Precision.fp32)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: torch.optim.Optimizer) -> None:
        """Forget the gradients of the last step, unless a piece of this one has left its own already."""
        if self.recipe.step.pieces == 1:
            super().optimizer_zero_grad(epoch, batch_idx, optimizer)

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *rest: Any, **options: Any) -> None:
        """Shorten a gradient that is longer than the recipe allows."""
        if self.recipe.step.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.step.clip)

    def optimizer_step(self, epoch: int, batch_idx: int, *rest: Any, **options: Any) -> None:
        """Step, and let the average follow at once: callbacks, which score and save it, come before any later hook."""
        super().optimizer_step(epoch, batch_idx, *rest, **options)
        step = batch_idx + 1
        self.average.follow(self.network, step, last=step == self.pace.steps)

    def ready(self) -> nn.Module:
        """The averaged network, its batch norms fit to read with."""
        if self.average.needs_norms:
            with self._formats():
                measure_norms(self.average.network, self._some_images())
        return self.average.network

    def _some_images(self) -> Iterator[Tensor]:
        """Training images as they are learnt from, evenly chosen, always the same: float (B,C,S,S) each.

        None that is no digit: there may be more of these than of digits, though a batch has few.
        """
        pixels, labels = self.batches.images.pixels, self.batches.images.labels
        rng = torch.Generator().manual_seed(self.recipe.seed)
        digits = (labels >= 0).nonzero()[:, 0]
        count = min(len(digits), self.recipe.average.norm_images)
        places = digits[torch.arange(count, device=pixels.device) * len(digits) // count]
        for some in places.tensor_split(-(-count // self.recipe.budget.batch)):
            yield self.augmentation(pixels[some], labels[some], rng, left=0)

    def configure_optimizers(self) -> dict[str, Any]:  # type: ignore[override]
        """The recipe's optimiser, its learning rates scaled every step by the schedule."""
        optimiser = OPTIMISERS[self.recipe.optim.name].build(self.recipe.optim, self.network)
        step = self.recipe.step
        if step.lookahead:
            look_ahead(optimiser, step.lookahead, step.lookahead_alpha, self.pace.steps)
        # A lambda, for of an object that is called the scheduler would put all attributes into the checkpoint.
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: self.schedule(step))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Random states travel with the weights, so that a resumed run draws what the uninterrupted one would."""
        checkpoint["rng"] = {"augment": self.rng.get_state(), "torch": torch.get_rng_state()}
        checkpoint["losses"] = torch.stack(self.losses).cpu() if self.losses else torch.zeros(0)  # not recorded yet

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the random states back."""
        self.rng.set_state(checkpoint["rng"]["augment"].cpu())
        torch.set_rng_state(checkpoint["rng"]["torch"].cpu())
        self.losses = list(checkpoint["losses"].to(self.batches.images.pixels.device))
