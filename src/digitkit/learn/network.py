"""The network of a recipe, its standardising first layer included.

N images, C channels, S side in px, K classes.
"""

from torch import nn

from digitkit.learn.layers import Standardise
from digitkit.learn.models import MODELS, InputShape
from digitkit.learn.recipe import Recipe


def build_network(recipe: Recipe, classes: int, mean: list[float], std: list[float]) -> nn.Module:
    """The recipe's network with its standardising first layer: images 0..1 (N,C,S,S) -> logits (N,K)."""
    shape = InputShape(recipe.prepare.size, recipe.prepare.channels, classes)
    body = MODELS[recipe.model.name].build(recipe.model, shape)
    return nn.Sequential(Standardise(mean, std), body)
