"""What every process of a training has to know, and how the leader passes it on."""

import json
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from digitkit.learn.bank import Bank
from digitkit.learn.batches import Batches
from digitkit.learn.compose import from_plain, to_plain
from digitkit.learn.loader import Images
from digitkit.learn.module import DigitModule
from digitkit.learn.network import build_network
from digitkit.learn.parts import Parts
from digitkit.learn.recipe import Recipe
from digitkit.learn.running import Precision
from digitkit.learn.team import Team


@dataclass(frozen=True)
class Task:
    """One training: the recipe, the images, and what was found out about them and about the machine."""

    recipe: Recipe
    parts: Parts
    classes: list[str]
    mean: list[float]
    std: list[float]
    precision: Precision = Precision.fp32
    start: Path | None = None  # a checkpoint to go on from

    def network(self) -> nn.Module:
        """The network with its first weights, which follow from the seed."""
        torch.manual_seed(self.recipe.seed)
        return build_network(self.recipe, len(self.classes), self.mean, self.std)

    def module(self, network: nn.Module, team: Team, device: torch.device) -> DigitModule:
        """What Lightning trains."""
        bank = Bank.of(self.recipe, self.parts, team)
        batches = Batches.of(self.recipe, self.parts, self.classes, device, team, bank)
        return DigitModule(self.recipe, network, self.precision, batches)

    def hand_out(self, network: nn.Module, team: Team) -> None:
        """Pass on all of it, with the weights and the state of the random numbers."""
        learnt = self.parts.learnt
        facts = {
            "recipe": to_plain(self.recipe), "classes": self.classes, "mean": self.mean, "std": self.std,
            "primary": self.parts.primary, "precision": self.precision.value, "shape": list(learnt.pixels.shape),
            "start": str(self.start) if self.start else None, "negatives": len(self.parts.negatives),
        }  # fmt: skip
        text = torch.tensor(list(json.dumps(facts).encode()), dtype=torch.uint8)
        weights = [] if self.parts.weights is None else [torch.from_numpy(self.parts.weights)]
        for values in (torch.tensor(len(text)), text, learnt.pixels.contiguous(), learnt.labels, *weights):
            team.hand_out(values)
        _align(network, team)

    @classmethod
    def take(cls, team: Team) -> "tuple[Task, nn.Module]":
        """What the leader hands out, and the network with its weights."""
        text = team.hand_out(torch.zeros(int(team.hand_out(torch.tensor(0))), dtype=torch.uint8))
        facts: dict[str, Any] = json.loads(bytes(text.tolist()))
        pixels = team.hand_out(torch.zeros(facts["shape"], dtype=torch.uint8))
        learnt = Images(pixels, team.hand_out(torch.zeros(len(pixels), dtype=torch.long)))
        train = learnt.first(len(learnt) - facts["negatives"])
        recipe, nothing = from_plain(facts["recipe"]), train.first(0)
        negatives = Images(learnt.pixels[len(train) :], learnt.labels[len(train) :])
        parts = Parts(train, facts["primary"], nothing, nothing, 0.0, (), negatives=negatives)
        if recipe.data.weights:
            parts = replace(parts, weights=team.hand_out(torch.zeros(parts.primary, dtype=torch.float64)).numpy())
        task = cls(
            recipe, parts, facts["classes"],
            facts["mean"], facts["std"], Precision(facts["precision"]), facts["start"] and Path(facts["start"]),
        )  # fmt: skip
        network = task.network()
        _align(network, team)
        return task, network


def _align(network: nn.Module, team: Team) -> None:
    """The same weights and random numbers everywhere, whatever file they began with."""
    for values in network.state_dict().values():
        values.copy_(team.hand_out(values.contiguous()))
    state: Tensor = team.hand_out(torch.get_rng_state())
    torch.set_rng_state(state)


class Together(lightning.Callback):
    """After each step the followers learn from the leader whether it was the last; it comes behind all callbacks."""

    def __init__(self, team: Team) -> None:
        self.team = team

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Whoever wants to stop the training asks the leader, who finishes the step."""
        if not self.team.leads:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Pass on whether it is over."""
        if self.team.count > 1:
            trainer.should_stop = bool(self.team.hand_out(torch.tensor([int(trainer.should_stop)])))
