"""Submissions for tests, made without anything that a writing process would not need."""

from itertools import count

from digitkit.core.bundle import Bundle
from digitkit.core.prediction import Prediction, Verdict
from digitkit.store import NewSubmission

BUNDLE = Bundle("toy", tuple("0123456789"), report={"accuracy": 0.99}, digest="a" * 64)
OTHER = Bundle("other", ("0", "1"), digest="b" * 64)
NUMBERS = count()


def prediction(label: str | None = "7", confidence: float = 0.9, verdict: Verdict = "digit") -> Prediction:
    """What the service read; the rest of the probability is a 1's."""
    probabilities = {"1": 1 - confidence, "7": 0.0} | ({} if label is None else {label: confidence})
    return Prediction(label, confidence, probabilities, verdict, "because", BUNDLE.id)


def submission(
    label: str = "7", picture: bytes | None = None, read: Prediction | None = None, **more: object
) -> NewSubmission:
    """A submission of a picture that no other test submits, unless it is given."""
    content = f"picture {next(NUMBERS)}".encode() if picture is None else picture
    values = {"picture": content, "media_type": "image/png", "true_label": label, "bundle": BUNDLE, **more}
    return NewSubmission(prediction=prediction() if read is None else read, **values)  # type: ignore[arg-type]
