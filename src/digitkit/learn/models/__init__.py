"""Networks, registered by name; importing the package registers them all."""

from digitkit.learn.models import fast_cnn, foreign, mnist_cnn, resnet, resnext, tiny_cnn, wide_resnet
from digitkit.learn.models.registry import MODELS, InputShape, ModelEntry

__all__ = [
    "MODELS", "InputShape", "ModelEntry", "fast_cnn", "foreign", "mnist_cnn", "resnet", "resnext", "tiny_cnn",
    "wide_resnet",
]  # fmt: skip
