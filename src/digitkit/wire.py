"""What the service and its clients say to each other, version 1: the records of `/v1`.

Pictures and images travel as base64 of their files. Times are UTC. What a client sends (`...In`) may hold nothing
unknown; what the service answers (`...Out`) may grow, so a client ignores what it does not know.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from digitkit.core.prediction import NOT_A_DIGIT, Prediction, Verdict

MAX_LABEL = 64  # characters; a label is a number, not a caption
MAX_REASON = 500  # characters of a reviewer's words
MAX_KEY = 200  # characters of an idempotency key
MAX_STROKES = 500  # of one drawing
MAX_POINTS = 5_000  # of all strokes of one drawing: 80 s of a pen that tells 60 times a second
MAX_TOP = 1_000  # classes that one answer ranks
PAGE, MAX_PAGE = 50, 100  # submissions on a page

Status = Literal["pending", "accepted", "rejected"]
Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
Share = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(max_length=MAX_LABEL, examples=["7", NOT_A_DIGIT])]
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]  # px of the pad
Moment = Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)]  # ms since the drawing began
Point = tuple[Coordinate, Coordinate, Moment, Share]  # x, y, t_ms, pressure


def _in_all(strokes: list[list[Point]]) -> list[list[Point]]:
    if sum(map(len, strokes)) > MAX_POINTS:
        raise ValueError(f"expected at most {MAX_POINTS} points in all strokes together")
    return strokes


Strokes = Annotated[
    list[Annotated[list[Point], Field(max_length=MAX_POINTS)]], Field(max_length=MAX_STROKES), AfterValidator(_in_all)
]
Channel = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$", examples=["draw"])]


class Received(BaseModel):
    """What a client sends: anything unknown in it is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answered(BaseModel):
    """What the service answers: it may grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ProblemOut(Answered):
    """What went wrong, as application/problem+json (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Unsupported Media Type"])
    status: int = Field(ge=400, le=599, examples=[415])
    detail: str = Field(examples=["picture: no picture that can be read. Give a PNG, JPEG or WebP picture."])
    request_id: str = Field(default="", examples=["0f6c1d3e9b7a4c55"])


class PredictIn(Received):
    """Pictures to read, each the base64 of a whole file."""

    pictures: list[Base64] = Field(min_length=1)


class RankedOut(Answered):
    """One class and its probability."""

    label: str = Field(examples=["7"])
    probability: Share


class PredictionOut(Answered):
    """What the model says of one picture; `label` is null only when the picture is blank."""

    label: str | None = Field(examples=["7"])
    confidence: Share = Field(examples=[0.993])
    probabilities: dict[str, Share] = Field(examples=[{"1": 0.004, "7": 0.993, "9": 0.003}])
    top: list[RankedOut] = Field(default_factory=list, description="The most probable classes, best first.")
    verdict: Verdict = Field(examples=["digit"])
    reason: str = Field(examples=["clear"])
    bundle: str = Field(examples=["default@76d96db675f7"])
    milliseconds: float = Field(ge=0, examples=[2.1], description="To decode and read this picture, without waiting.")
    seen: Base64 | None = Field(default=None, description="With explain=true: what the model saw, as PNG.")

    @classmethod
    def of(cls, prediction: Prediction, milliseconds: float, top_k: int, seen: str | None = None) -> "PredictionOut":
        """The answer to send for a prediction."""
        return cls(
            label=prediction.label,
            confidence=_share(prediction.confidence),
            probabilities={label: _share(value) for label, value in prediction.probabilities.items()},
            top=[RankedOut(label=label, probability=_share(value)) for label, value in prediction.top(top_k)],
            verdict=prediction.verdict,
            reason=prediction.reason,
            bundle=prediction.bundle,
            milliseconds=round(milliseconds, 3),
            seen=seen,
        )


def _share(value: float) -> float:
    """A probability without the last bit that float32 may add above 1."""
    return min(1.0, max(0.0, value))


class AnswerOut(Answered):
    """What became of one picture among several: a prediction, or a problem that is this picture's alone."""

    prediction: PredictionOut | None = None
    problem: ProblemOut | None = None


class PredictOut(Answered):
    """One answer for each picture, in the order in which they were sent."""

    answers: list[AnswerOut]


class SubmissionIn(Received):
    """A picture with its true label; the service reads the picture itself."""

    picture: Base64
    true_label: Label
    strokes: Strokes | None = Field(default=None, description="Lists of [x, y, t_ms, pressure].")
    channel: Channel = "api"


class CorrectionIn(Received):
    """Another true label, from the sender, who has the receipt."""

    true_label: Label


class ReviewIn(Received):
    """What a reviewer decides."""

    status: Status
    reviewed_label: Label | None = Field(default=None, description="The right label, where the sender's is wrong.")
    reason: str = Field(default="", max_length=MAX_REASON)


class SubmittedOut(Answered):
    """What the sender gets once the submission is saved for good."""

    id: str = Field(examples=["01a1b2c3d4e5f60718293a4b5c6d7e8f"])
    receipt: str = Field(description="Lets the sender change or delete the submission until `receipt_until`.")
    receipt_until: datetime
    created_at: datetime
    true_label: str
    prediction: PredictionOut


class SubmissionOut(Answered):
    """One submission as reviewers see it; the picture itself lies at `/v1/submissions/{id}/picture`."""

    id: str
    created_at: datetime
    channel: str
    true_label: str = Field(description="By its sender.")
    status: Status
    reviewed_label: str | None = Field(default=None, description="By the last reviewer; it counts more.")
    reviewed_at: datetime | None = None
    predicted: str | None = Field(description="The label that the service read; null for a blank picture.")
    confidence: Share
    probabilities: dict[str, Share]
    verdict: Verdict
    reason: str
    doubt: Share = Field(description="How far the service's answer is from the sender's label; 1 = sure of another.")
    bundle: str
    picture_sha256: str
    picture_bytes: int
    media_type: str = Field(examples=["image/png"])
    strokes: list[list[Point]] | None = Field(default=None, description="Only where one submission is asked for.")


class SubmissionsOut(Answered):
    """One page of submissions; `next` is what `after` takes to get the next one, null on the last."""

    submissions: list[SubmissionOut]
    next: str | None = None


class BundleOut(Answered):
    """A bundle that the service knows."""

    id: str = Field(examples=["default@76d96db675f7"])
    name: str
    digest: str
    classes: list[str]
    is_champion: bool
    registered_at: datetime | None = Field(default=None, description="Null for one that the registry does not hold.")
    report: dict[str, JsonValue] = Field(default_factory=dict)


class BundlesOut(Answered):
    """The champion, which answers, and the others that can be asked by id."""

    champion: str
    bundles: list[BundleOut]


class CountOut(Answered):
    """How many submissions, and in how many the service read the label that counts."""

    submissions: int = Field(ge=0)
    agreeing: int = Field(ge=0)


class StatsOut(Answered):
    """What the service has been sent, in numbers; days are UTC, oldest first."""

    total: CountOut
    per_status: dict[str, int]
    per_day: dict[str, CountOut]
    per_label: dict[str, CountOut]
    per_bundle: dict[str, CountOut]
    pictures: int = Field(ge=0, description="Different ones.")
    picture_bytes: int = Field(ge=0)


class HealthOut(Answered):
    """Whether the service is well, and each thing that was looked at."""

    status: Literal["ok", "failing"]
    checks: dict[str, str] = Field(default_factory=dict, examples=[{"model": "ok", "database": "ok"}])
