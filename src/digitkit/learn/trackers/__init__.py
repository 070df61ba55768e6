"""Trackers: programs of others that a training is shown in, if the recipe names them. Importing it lists them."""

from digitkit.learn.trackers import mlflow, tensorboard, trackio, wandb
from digitkit.learn.trackers.tracker import TRACKERS

__all__ = ["TRACKERS", "mlflow", "tensorboard", "trackio", "wandb"]
