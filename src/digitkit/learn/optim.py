"""How gradients become steps.

O output channels, I inputs of one output (channels x height x width of a kernel).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from digitkit.core.registry import Registry
from digitkit.learn.ranges import check_range

# Newton-Schulz coefficients of Muon (Keller Jordan, 2024): three steps bring singular values near 1 fast enough.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
Groups = list[dict[str, Any]]


@dataclass
class MuonConfig:
    """Muon for the kernels with many inputs, Nesterov SGD for the rest."""

    name: str = "muon"
    lr: float = 0.24  # peak, of the orthogonal steps
    momentum: float = 0.6
    newton_steps: int = 3
    rest_lr: float = 0.15  # peak, of the SGD steps
    rest_momentum: float = 0.85
    weight_decay: float = 1e-4  # on the rest's kernels

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("optim.lr", self.lr, 0, 100)
        check_range("optim.momentum", self.momentum, 0, 0.9999)
        check_range("optim.newton_steps", self.newton_steps, 1, 20)
        check_range("optim.rest_lr", self.rest_lr, 0, 100)
        check_range("optim.rest_momentum", self.rest_momentum, 0, 0.9999)
        check_range("optim.weight_decay", self.weight_decay, 0, 10)


@dataclass
class SgdConfig:
    """Nesterov SGD; weight decay on kernels only."""

    name: str = "sgd"
    lr: float = 0.15  # peak
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("optim.lr", self.lr, 0, 100)
        check_range("optim.momentum", self.momentum, 0, 0.9999)
        check_range("optim.weight_decay", self.weight_decay, 0, 10)


@dataclass
class AdamConfig:
    """Adam; weight decay, where there is any, joins the gradient of kernels."""

    name: str = "adam"
    lr: float = 1e-3  # peak
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("optim.lr", self.lr, 0, 100)
        check_range("optim.beta1", self.beta1, 0, 0.9999)
        check_range("optim.beta2", self.beta2, 0, 0.9999)
        check_range("optim.weight_decay", self.weight_decay, 0, 10)


@dataclass
class AdamWConfig:
    """AdamW; weight decay on kernels only."""

    name: str = "adamw"
    lr: float = 3e-3  # peak
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_range("optim.lr", self.lr, 0, 100)
        check_range("optim.beta1", self.beta1, 0, 0.9999)
        check_range("optim.beta2", self.beta2, 0, 0.9999)
        check_range("optim.weight_decay", self.weight_decay, 0, 10)


@dataclass(frozen=True)
class OptimEntry:
    """A registered optimiser: the record of its settings and the function that builds it."""

    config: type
    build: Callable[[Any, nn.Module], torch.optim.Optimizer]


OPTIMISERS: Registry[OptimEntry] = Registry("optimiser")


class Muon(torch.optim.Optimizer):
    """Steps of orthogonal direction for groups with `orthogonal=True`, Nesterov SGD for the others.

    Kernels of the first kind are seen as matrices (O,I), their update is made orthogonal and their norm is kept at
    sqrt(O), so that the learning rate alone says how far they turn.
    torch.optim.Muon takes 2-d weights only and knows no second rule, so it cannot train a convolutional network.
    Source: Muon (Keller Jordan, 2024), with the kernel norms of cifar10-airbench.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], newton_steps: int) -> None:
        super().__init__(groups, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0, "orthogonal": False})
        self.newton_steps = newton_steps

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step over all groups; `closure`, when given, computes the loss and its gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not weights:
            return
        gradients: list[Tensor] = [weight.grad for weight in weights]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
        moments = [self.state[weight].setdefault("momentum", torch.zeros_like(weight)) for weight in weights]
        torch._foreach_mul_(moments, group["momentum"])
        torch._foreach_add_(moments, gradients)
        updates = torch._foreach_add(gradients, moments, alpha=group["momentum"])  # Nesterov's look ahead
        if group["orthogonal"]:
            for weight, update in zip(weights, updates, strict=True):
                direction = orthogonal(update.reshape(len(update), -1), self.newton_steps).view_as(update)
                weight.mul_(len(weight) ** 0.5 / weight.norm().clamp_min(1e-7))
                weight.add_(direction, alpha=-group["lr"])
        else:
            torch._foreach_add_(weights, updates, alpha=-group["lr"])


def orthogonal(matrix: Tensor, steps: int) -> Tensor:
    """Nearly the nearest matrix with orthogonal rows (or columns): float (O,I) -> (O,I), singular values 0.7..1.2."""
    a, b, c = NEWTON_SCHULZ
    x: Tensor = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _is_kernel(weight: Tensor) -> bool:
    """Kernels and matrices are decayed; norms and biases are not."""
    return weight.ndim > 1


def decayed(network: nn.Module, weight_decay: float) -> Groups:
    """Two parameter groups: kernels with weight decay, norms and biases without."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in weights if _is_kernel(weight)], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if not _is_kernel(weight)], "weight_decay": 0.0},
    ]


def _register(name: str, config: type) -> Callable[[Callable[..., torch.optim.Optimizer]], Any]:
    def add(build: Callable[..., torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
        OPTIMISERS.add(name, OptimEntry(config, build))
        return build

    return add


@_register("muon", MuonConfig)
def muon(config: MuonConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Muon for kernels that mix several channels, Nesterov SGD for the stem, the head, norms and biases."""
    mixing = [w for w in network.parameters() if w.requires_grad and w.ndim == 4 and w.shape[1] > 3]
    taken = {id(weight) for weight in mixing}
    groups: Groups = [{"params": mixing, "lr": config.lr, "momentum": config.momentum, "orthogonal": True}]
    for group in decayed(network, config.weight_decay):
        rest = [weight for weight in group["params"] if id(weight) not in taken]
        groups.append({**group, "params": rest, "lr": config.rest_lr, "momentum": config.rest_momentum})
    return Muon([group for group in groups if group["params"]], config.newton_steps)


@_register("sgd", SgdConfig)
def sgd(config: SgdConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Nesterov SGD for everything."""
    groups = decayed(network, config.weight_decay)
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)


@_register("adam", AdamConfig)
def adam(config: AdamConfig, network: nn.Module) -> torch.optim.Optimizer:
    """Adam for everything."""
    return torch.optim.Adam(decayed(network, config.weight_decay), lr=config.lr, betas=(config.beta1, config.beta2))


@_register("adamw", AdamWConfig)
def adamw(config: AdamWConfig, network: nn.Module) -> torch.optim.Optimizer:
    """AdamW for everything."""
    return torch.optim.AdamW(decayed(network, config.weight_decay), lr=config.lr, betas=(config.beta1, config.beta2))
