"""The 15 ways of MNIST-C to spoil a picture, registered by name; importing the package registers them all.

Source: Mu and Gilmer 2019, MNIST-C: a robustness benchmark for computer vision; written anew from its description.
"""

from digitkit.learn.corruptions import noise, placing, strokes, weather
from digitkit.learn.corruptions.corruption import CORRUPTIONS, SIDE, canvas, corrupt, on_bright_paper

__all__ = ["CORRUPTIONS", "SIDE", "canvas", "corrupt", "noise", "on_bright_paper", "placing", "strokes", "weather"]
