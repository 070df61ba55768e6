"""The processes that train one network together, each with its part of every batch.

All of them hold all images, draw the same batches and the same random numbers, and keep the same weights, averages and
optimiser. Only the passes through the network are shared out: gradients are added up, so that every step is that of one
process. So a checkpoint of one is the checkpoint of all, and a run may go on with more processes or fewer.
B images of a batch, b of one process' part of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

import torch
import torch.distributed as dist
from torch import Tensor, nn

from digitkit.core.errors import ConfigError
from digitkit.learn.layers import ghost_sizes

AT_ONCE = 1 << 28  # values of a tensor that are sent together


class PartnerLostError(RuntimeError):
    """Another process of the training has ended before its end."""


@dataclass
class Team:
    """The processes of a training as one of them sees them; rank 0 leads. A team of one shares nothing out."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0  # among those on this machine
    local_count: int = 1
    ghost: int = 1  # images that may not be divided: a ghost of the network's batch norms
    batch: int = 0  # images of what is learnt from now, B
    part: slice = field(default_factory=lambda: slice(0, 0))  # which of them are ours

    @property
    def leads(self) -> bool:
        """Whether this process scores, writes and speaks."""
        return self.rank == 0

    def settle(self, device: torch.device, threads: int) -> torch.device:
        """Our own device of this kind; on the CPU our part of its threads, unless a number was asked for."""
        if self.count == 1 or device.type != "cuda":
            if self.count > 1 and not threads:
                torch.set_num_threads(max(1, torch.get_num_threads() // self.local_count))
            return device
        mine = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(mine)
        return mine

    def share(self, batch: int) -> slice:
        """Our part of so many images, whole ghosts next to each other; layers that see all of them look it up here."""
        ends = [0, *accumulate(ghost_sizes(batch, self.ghost))] if self.ghost > 1 else range(batch + 1)
        first, last = (len(ends[1:]) * number // self.count for number in (self.rank, self.rank + 1))
        self.batch, self.part = batch, slice(ends[first], ends[last])
        return self.part

    def check(self, batch: int, pieces: int) -> None:
        """See that every process has something to do in every piece of a batch.

        Raises: ConfigError otherwise.
        """
        smallest = len(torch.empty(batch).chunk(pieces)[-1])
        ghosts = len(ghost_sizes(smallest, self.ghost)) if self.ghost > 1 else smallest
        if self.count > ghosts:
            what = f"ghosts of {self.ghost} images" if self.ghost > 1 else "images"
            raise ConfigError(
                f"run.devices: {self.count} processes cannot share {ghosts} {what}, the smallest piece of a batch of"
                f" {batch}. Choose fewer processes, a larger budget.batch or a smaller step.pieces."
            )

    def add_up(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.count > 1:
            try:
                dist.all_reduce(values)
            except RuntimeError as error:
                raise PartnerLostError(str(error)) from error
        return values

    def hand_out(self, values: Tensor) -> Tensor:
        """The leader's values, in place; large ones in pieces."""
        if self.count > 1:
            try:
                for piece in torch.split(values.view(-1), AT_ONCE):
                    dist.broadcast(piece, src=0)
            except RuntimeError as error:
                raise PartnerLostError(str(error)) from error
        return values

    def whole(self, values: Tensor) -> Tensor:
        """What every process knows of its part, put together: (b,) -> (B,)."""
        if self.count == 1:
            return values
        together = values.new_zeros(self.batch)
        together[self.part] = values
        return self.add_up(together)

    def add_gradients(self, weights: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Make each gradient the sum over all processes; returns the sum of their losses, ().

        One flat sum, always in the same order, so that a resumed run adds as the uninterrupted one did; the buckets of
        torch's DistributedDataParallel are laid out anew after the first step.
        """
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = self.add_up(torch.cat([*(gradient.flatten() for gradient in gradients), loss.view(1)]))
        sums = torch.split(flat, [*(gradient.numel() for gradient in gradients), 1])
        for gradient, total in zip(gradients, sums, strict=False):
            gradient.copy_(total.view_as(gradient))
        return sums[-1].view(())
