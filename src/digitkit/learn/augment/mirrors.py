"""Which labels a mirror leaves as they are."""

from collections.abc import Sequence

import torch
from torch import Tensor

# Handwriting decides: a 1 may have a flag, a 3 may be flat on top, so only what is symmetric in every hand is here.
SYMMETRIC = frozenset("08")


def left_to_right(label: str) -> bool:
    """Whether a number mirrored left to right is the same number: "8" and "080" are, "08" and "6" are not."""
    return SYMMETRIC.issuperset(label) and label == label[::-1]


def upside_down(label: str) -> bool:
    """Whether a number mirrored as in water is the same number: "8" and "08" are, "9" is not."""
    return SYMMETRIC.issuperset(label)


def symmetries(classes: Sequence[str]) -> Tensor:
    """Which classes stay the same left to right, and which upside down: bool (2,K)."""
    return torch.tensor([[left_to_right(label) for label in classes], [upside_down(label) for label in classes]])
