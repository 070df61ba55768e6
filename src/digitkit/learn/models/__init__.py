"""Networks, registered by name; importing the package registers them all."""

from digitkit.learn.models import fast_cnn, tiny_cnn
from digitkit.learn.models.registry import MODELS, InputShape, ModelEntry

__all__ = ["MODELS", "InputShape", "ModelEntry", "fast_cnn", "tiny_cnn"]
