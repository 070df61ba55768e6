"""What a bundle says of one picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["digit", "number", "unsure", "not a digit", "blank"]

NOT_A_DIGIT: Verdict = "not a digit"  # also the label of a picture that shows none, where data have such a class


@dataclass(frozen=True)
class Thresholds:
    """Where a verdict changes; chosen on validation, kept in the bundle.

    All are compared with `<`: below them the picture is blank (`ink_share`, `contrast`), not a digit (`acceptance`) or
    unsure (`margin`, top1 - top2).
    """

    ink_share: float = 0.005
    contrast: float = 0.09
    acceptance: float = 0.40
    margin: float = 0.25


@dataclass(frozen=True)
class Prediction:
    """The answer for one picture; `label` is None only when the picture is blank ("" is a valid class)."""

    label: str | None
    confidence: float
    probabilities: Mapping[str, float]
    verdict: Verdict
    reason: str
    bundle: str

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """The k most probable classes with their probabilities, best first."""
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:k]
