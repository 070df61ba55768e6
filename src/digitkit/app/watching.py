"""Reads a film frame by frame: finds the digit, and lets the answer settle over some frames."""

import time
from dataclasses import dataclass, replace

from digitkit.app.finding import Box, find_marks, whole
from digitkit.core.errors import ConfigError
from digitkit.core.picture import Pixels
from digitkit.core.prediction import Prediction
from digitkit.runtime.predictor import Predictor
from digitkit.runtime.verdict import Evidence, judge

SAME_PLACE = 0.3  # boxes that have more in common than this show the same digit
LOYALTY = 0.2  # of acceptance: by so much another mark must be better to draw the eye away
LARGE = 0.5  # of acceptance, for a mark as large as the frame: of two digits the one that is held up is meant


@dataclass(frozen=True)
class Reading:
    """What is said of one frame; `prediction` has settled, `at_once` is of this frame alone.

    `box` is the piece that was read, `image` what the model saw of it (uint8 (S,S) or (S,S,3)) where that was wanted.
    """

    prediction: Prediction
    at_once: Prediction
    box: Box
    milliseconds: float
    image: Pixels | None = None


@dataclass(frozen=True)
class Habits:
    """How a film is read: `settle` is over how many frames an answer settles, 1 = not at all."""

    settle: int = 5
    look_for_digit: bool = True  # else the whole frame is read
    show_image: bool = False  # also what the model saw

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.settle < 1:
            raise ConfigError(f"An answer settles over 1 frame or more, got {self.settle}.")


class Watcher:
    """Reads the frames of one film in their order."""

    def __init__(self, predictor: Predictor, habits: Habits) -> None:
        self._predictor = predictor
        self._habits = habits
        self._settled: Evidence | None = None
        self._box: Box | None = None

    def read(self, frame: Pixels) -> Reading:
        """Read the next frame, uint8 (H,W,3).

        Raises: what `Predictor.predict` raises.
        """
        started = time.perf_counter()
        box, evidence = self._choose(frame)
        bundle = self._predictor.bundle
        at_once = judge(bundle, evidence)
        self._settled = self._settle(box, evidence, at_once)
        self._box = box
        image = self._predictor.images([box.cut(frame)])[0] if self._habits.show_image else None
        prediction = judge(bundle, self._settled)
        return Reading(prediction, at_once, box, 1000 * (time.perf_counter() - started), image)

    def _choose(self, frame: Pixels) -> tuple[Box, Evidence]:
        """The best mark: a digit rather than none, large, and where one was before; the whole frame without marks."""
        boxes = find_marks(frame) if self._habits.look_for_digit else []
        boxes = boxes or [whole(frame)]
        found = self._predictor.evidence([box.cut(frame) for box in boxes])
        side = min(frame.shape[:2])
        return max(zip(boxes, found, strict=True), key=lambda pair: self._worth(*pair) + LARGE * pair[0].side / side)

    def _worth(self, box: Box, evidence: Evidence) -> float:
        """How much a mark deserves to be read: all that are digits alike."""
        is_digit = evidence.acceptance >= self._predictor.bundle.thresholds.acceptance
        loyalty = LOYALTY if self._box is not None and self._box.likeness(box) > SAME_PLACE else 0.0
        return (1.0 if is_digit else evidence.acceptance) + loyalty

    def _settle(self, box: Box, evidence: Evidence, at_once: Prediction) -> Evidence:
        """The running mean of what was seen in one place; it starts anew when the place changes or is empty."""
        before = self._settled
        moved = self._box is None or self._box.likeness(box) <= SAME_PLACE
        if before is None or moved or at_once.verdict == "blank":
            return evidence
        share = 2 / (self._habits.settle + 1)  # as in an exponential mean over so many frames
        pairs = zip(_numbers(evidence), _numbers(before), strict=True)
        *shares, ink_share, contrast, acceptance = [share * new + (1 - share) * old for new, old in pairs]
        return replace(evidence, probabilities=shares, ink_share=ink_share, contrast=contrast, acceptance=acceptance)


def _numbers(evidence: Evidence) -> list[float]:
    return [*evidence.probabilities, evidence.ink_share, evidence.contrast, evidence.acceptance]
