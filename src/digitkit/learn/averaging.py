"""The averaged copy of a network, kept beside the raw one.

B images of a batch, C channels of a norm, S side in px.
"""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from digitkit.learn.fitting import AverageConfig, AverageKind


class Average(nn.Module):
    """A sibling network whose weights and buffers follow the raw ones; what gets scored, chosen and exported.

    It is a submodule of the training module: its state travels in every checkpoint. `steps` are those of the training.
    """

    updates: Tensor

    def __init__(self, network: nn.Module, config: AverageConfig, steps: int) -> None:
        super().__init__()
        self.config = config
        self.first_step = config.first_step(steps)
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def follow(self, raw: nn.Module, step: int, *, last: bool = False) -> None:
        """Move towards the raw network when a step (1-based) is due, or at the last one."""
        if not self.config.every or step <= self.first_step:
            self.network.load_state_dict(raw.state_dict())
            return
        if step % self.config.every and not last:
            return
        self.updates += 1
        keep = self._keep(int(self.updates))
        pairs = list(zip(self.network.state_dict().values(), raw.state_dict().values(), strict=True))
        floating = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floating], [now for _, now in floating], 1 - keep)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def _keep(self, count: int) -> float:
        """The share of the old average that the update of this number keeps."""
        if self.config.kind is AverageKind.swa:
            return 1 - 1 / count
        return min(self.config.decay, (1 + count) / (10 + count))  # a young average forgets its start

    @property
    def needs_norms(self) -> bool:
        """Whether the batch norms' statistics are means of those of other weights, and have to be measured anew.

        Those of an exponential average are recent, and its decay is short against the time in which they change.
        """
        return self.config.kind is AverageKind.swa and int(self.updates) > 0


@torch.no_grad()
def measure_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give the batch norms of a network the statistics of some batches: the mean over them, all counting alike.

    Everything else rests meanwhile, as when it reads: dropout would change what the norms see, and draw random numbers.
    Shapes: each batch float (B,C,S,S), B above 1.
    """
    norms = [
        module for module in network.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]
    network.eval()
    for norm in norms:
        norm.train()
    with _watched(norms) as seen:
        for images in batches if norms else ():
            network(images)
    for module, values in seen.items():
        module.get_buffer("num_batches_tracked").fill_(len(values))
        for name, each in zip(("running_var", "running_mean"), zip(*values, strict=True), strict=bool(values)):
            module.get_buffer(name).copy_(torch.stack(each).mean(0))
    network.eval()


@contextmanager
def _watched(norms: list[_BatchNorm]) -> Iterator[dict[nn.Module, list[tuple[Tensor, Tensor]]]]:
    """Variance and mean (C,) of what comes into each norm, batch after batch, whatever kind of batch norm it is."""
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {norm: [] for norm in norms}

    def look(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        values = given[0].float().transpose(0, 1).flatten(1)  # (C,B*S*S)
        variance, mean = torch.var_mean(values, dim=1)
        seen[module].append((variance, mean))

    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
