"""The averaged copy of a network, kept beside the raw one."""

import copy

import torch
from torch import Tensor, nn

from digitkit.learn.recipe import AverageConfig


class Average(nn.Module):
    """A sibling network whose weights and buffers follow the raw ones; what gets scored, chosen and exported.

    It is a submodule of the training module: its state travels in every checkpoint.
    """

    updates: Tensor

    def __init__(self, network: nn.Module, config: AverageConfig) -> None:
        super().__init__()
        self.config = config
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def follow(self, raw: nn.Module, step: int, *, last: bool = False) -> None:
        """Move towards the raw network when a step (1-based) is due, or at the last one."""
        if not self.config.every:
            self.network.load_state_dict(raw.state_dict())
            return
        if step % self.config.every and not last:
            return
        self.updates += 1
        count = int(self.updates)
        keep = min(self.config.decay, (1 + count) / (10 + count))  # a young average forgets its start
        pairs = list(zip(self.network.state_dict().values(), raw.state_dict().values(), strict=True))
        floating = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floating], [now for _, now in floating], 1 - keep)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)
