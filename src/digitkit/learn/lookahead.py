"""Slow weights that follow the optimiser's fast ones."""

from typing import Any

import torch


def look_ahead(optimiser: torch.optim.Optimizer, every: int, alpha: float, steps: int) -> None:
    """Every so many steps the slow weights go a share of the way to the fast ones, which go on from there.

    The steps are counted from the end of the training, so that it ends on slow weights. They and the count lie in the
    optimiser's state, and travel in every checkpoint.
    Source: Zhang et al. 2019, Lookahead optimizer: k steps forward, 1 step back.
    """
    begin = {weight: weight.detach().clone() for group in optimiser.param_groups for weight in group["params"]}
    for group in optimiser.param_groups:
        group["steps_left"] = steps

    @torch.no_grad()
    def follow(optimiser: torch.optim.Optimizer, *rest: Any) -> None:
        for group in optimiser.param_groups:
            # Without a gradient a weight stays where it began; a state of its own would look begun to the optimiser.
            fast = [weight for weight in group["params"] if weight.grad is not None]
            slow = [optimiser.state[weight].setdefault("slow", begin[weight]) for weight in fast]
            group["steps_left"] -= 1
            if group["steps_left"] % every == 0 and fast:
                torch._foreach_lerp_(slow, fast, alpha)
                torch._foreach_copy_(fast, slow)

    optimiser.register_step_post_hook(follow)
