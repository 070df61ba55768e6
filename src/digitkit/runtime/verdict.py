"""What the numbers of a graph mean: the one place where a verdict is made.

K classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from digitkit.core.bundle import Bundle
from digitkit.core.prediction import NOT_A_DIGIT, Prediction, Verdict


@dataclass(frozen=True)
class Evidence:
    """What the graph says of one picture; `probabilities` has K values that sum to 1, the others lie in 0..1.

    `several` tells whether what the network saw are several digits side by side.
    """

    probabilities: Sequence[float]
    ink_share: float
    contrast: float
    acceptance: float
    several: bool = False


def judge(bundle: Bundle, evidence: Evidence) -> Prediction:
    """The answer for one picture; a blank one has no label and no confidence."""
    pairs = dict(zip(bundle.classes, evidence.probabilities, strict=True))
    ranked = sorted(pairs.items(), key=lambda pair: -pair[1])
    best, first = ranked[0]
    rival, second = ranked[1] if len(ranked) > 1 else ("", 0.0)
    verdict, reason = verdict_of(bundle, evidence, (best, rival), first - second)
    if verdict == "blank":
        return Prediction(None, 0.0, pairs, verdict, reason, bundle.id)
    return Prediction(best, first, pairs, verdict, reason, bundle.id)


def verdict_of(bundle: Bundle, evidence: Evidence, best: tuple[str, str], margin: float) -> tuple[Verdict, str]:
    """The verdict and the reason for it in short words; `best` are the two most probable labels."""
    limits = bundle.thresholds
    if evidence.ink_share < limits.ink_share:
        return "blank", "nothing is drawn"
    if evidence.contrast < limits.contrast:
        return "blank", "too faint"
    kind: Verdict = "number" if bundle.reads_numbers else "digit"
    if evidence.several:
        return "unsure", "several digits?"
    if evidence.acceptance < limits.acceptance or best[0] == NOT_A_DIGIT:
        return NOT_A_DIGIT, f"looks like no {kind}"
    if margin < limits.margin:
        return "unsure", f"{best[0] or 'none'} or {best[1] or 'none'}?"
    return kind, "clear"
