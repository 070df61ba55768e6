"""The learning rate over the steps of a run."""

from digitkit.learn.recipe import ScheduleConfig


def lr_share(config: ScheduleConfig, step: int, steps: int) -> float:
    """The learning rate at a step (0-based) as a share of the peak: up in a line, then down in a line.

    The last step still moves: with `end` 0 the line reaches 0 one step after it.
    """
    up = max(1, round(config.warmup * steps))
    if step < up:
        return (step + 1) / up
    left = (steps - step) / max(1, steps - up + 1)
    return config.end + (1 - config.end) * left
