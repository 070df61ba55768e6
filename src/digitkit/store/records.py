"""What goes into the store and what comes out, as plain records; all times are UTC."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, cast, get_args

from digitkit.core.bundle import Bundle
from digitkit.core.errors import ConfigError
from digitkit.core.prediction import NOT_A_DIGIT, Prediction, Verdict
from digitkit.core.registry import nearest

Status = Literal["pending", "accepted", "rejected"]
Role = Literal["read", "review", "admin"]
Order = Literal["newest", "doubt"]
Strokes = list[list[list[float]]]  # strokes of points [x, y, t_ms, pressure]

STATUSES: tuple[Status, ...] = get_args(Status)
ROLES: tuple[Role, ...] = get_args(Role)
ORDERS: tuple[Order, ...] = get_args(Order)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
REFUSED: tuple[Verdict, ...] = (NOT_A_DIGIT, "blank")  # verdicts that answer so

MAX_PICTURE_BYTES = 20 * 2**20
MAX_STROKE_CHARACTERS = 2**20  # of JSON: some 30,000 points
MAX_LABEL, MAX_CHANNEL, MAX_CLIENT, MAX_NAME, MAX_REASON = 64, 32, 128, 64, 500  # characters
MAX_PAGE = 500  # rows


def checked_text(text: str, name: str, limit: int) -> str:
    """A text that every database can hold.

    Raises: ConfigError for one that is too long, or has characters that are none (NUL, lone surrogates).
    """
    if len(text) > limit:
        raise ConfigError(f"{name}: expected at most {limit} characters, got {len(text)}. Shorten it.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigError(f"{name}: holds characters that are no text (NUL or half of one). Remove them.")
    return text


def chosen(value: str, choices: tuple[str, ...], name: str) -> str:
    """A value that is one of the choices.

    Raises: ConfigError for any other.
    """
    if value not in choices:
        raise ConfigError(f"{name} {value!r}: {nearest(value, list(choices))}")
    return value


@dataclass(frozen=True)
class NewSubmission:
    """A picture with the label that its sender gave and what the service itself read in it.

    `picture` is the file as it came; `media_type` what its bytes were found to be, such as image/png. `bundle` is the
    record of the bundle that read it, which is noted in the registry where it is not yet.
    Raises: ConfigError where a text is too long or the picture is empty or over 20 MB.
    """

    picture: bytes
    media_type: str
    true_label: str
    prediction: Prediction
    bundle: Bundle
    strokes: Strokes | None = None
    channel: str = "api"  # where it came from: api, app, webcam ...
    client: str = ""  # who sent it, as far as the service wants to know

    def __post_init__(self) -> None:
        if not 0 < len(self.picture) <= MAX_PICTURE_BYTES:
            raise ConfigError(f"picture: expected 1 to {MAX_PICTURE_BYTES} bytes, got {len(self.picture)}.")
        checked_text(self.media_type, "media_type", MAX_NAME)
        checked_text(self.true_label, "true_label", MAX_LABEL)
        checked_text(self.channel, "channel", MAX_CHANNEL)
        checked_text(self.client, "client", MAX_CLIENT)
        checked_text(self.strokes_json or "", "strokes", MAX_STROKE_CHARACTERS)

    @property
    def strokes_json(self) -> str | None:
        """The strokes as they are stored."""
        if self.strokes is None:
            return None
        try:
            return json.dumps(self.strokes, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError("strokes: expected lists of [x, y, t_ms, pressure], finite numbers.") from error


@dataclass(frozen=True)
class SubmissionRow:
    """A stored submission without its picture, which `submissions.picture(id)` gives; a page leaves out `strokes`."""

    id: str
    created_at: datetime
    channel: str
    client: str
    picture_sha256: str
    picture_bytes: int
    media_type: str
    true_label: str  # by its sender
    predicted: str | None  # None when blank
    confidence: float
    probabilities: Mapping[str, float]
    verdict: Verdict
    reason: str
    doubt: float  # 0..1, how far the service's answer is from the sender's label; 1 = sure of another
    bundle: str  # id
    strokes: Strokes | None
    status: Status
    reviewed_label: str | None
    reviewed_at: datetime | None

    @property
    def label(self) -> str:
        """The label that counts: the reviewer's, or else the sender's."""
        return self.true_label if self.reviewed_label is None else self.reviewed_label

    @property
    def agrees(self) -> bool:
        """Whether the service's answer is the label that counts; `selecting.AGREES` says the same to the database."""
        return (NOT_A_DIGIT if self.verdict in REFUSED else self.predicted) == self.label


@dataclass(frozen=True)
class Added:
    """The answer to a submission; `receipt` lets its sender change or delete it until `receipt_until`."""

    row: SubmissionRow
    is_new: bool  # False for the repeat of a key
    receipt: str
    receipt_until: datetime


@dataclass(frozen=True)
class SubmissionFilter:
    """Which submissions, and in which order; None does not filter.

    `label` is the one that counts, `agrees` whether the service's answer is that label. Order "newest" goes back in
    time, "doubt" begins with those in which the service is surest of another label.
    Raises: ConfigError for values that nothing can have.
    """

    status: str | None = None
    label: str | None = None
    predicted: str | None = None
    verdict: str | None = None
    bundle: str | None = None
    channel: str | None = None
    agrees: bool | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive
    order: str = "newest"

    def __post_init__(self) -> None:
        for name, choices in (("status", STATUSES), ("verdict", VERDICTS), ("order", ORDERS)):
            value = getattr(self, name)
            if value is not None:
                chosen(value, choices, name)
        for name in ("label", "predicted", "bundle", "channel"):
            checked_text(getattr(self, name) or "", name, 2 * MAX_NAME)
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and not _can_be_utc(moment):
                raise ConfigError(f"{name}: expected a time with its zone, such as 2026-11-21T09:00:00Z.")


def _can_be_utc(moment: datetime) -> bool:
    """Whether a moment has a zone, and a year in UTC too: the first and last hours of the calendar may have none."""
    try:
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except OverflowError:
        return False


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor of the next page (None after the last)."""

    rows: list[SubmissionRow]
    next: str | None


@dataclass(frozen=True)
class Review:
    """What a reviewer decided about a submission, one of possibly several times."""

    submission: str
    at: datetime
    by: str
    status: Status
    reviewed_label: str | None
    reason: str


@dataclass(frozen=True)
class Count:
    """How many submissions, and in how many of them the service's answer was the label that counts."""

    submissions: int
    agreeing: int


@dataclass(frozen=True)
class Stats:
    """What is in the store, in numbers; days are UTC, oldest first."""

    total: Count
    per_status: Mapping[str, int]
    per_day: Mapping[str, Count]
    per_label: Mapping[str, Count]
    per_bundle: Mapping[str, Count]
    pictures: int  # different ones
    picture_bytes: int


@dataclass(frozen=True)
class Key:
    """A key of the service, without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def who(self) -> str:
        """How the audit names its holder."""
        return f"key {self.name} ({self.id})"

    def may(self, role: Role) -> bool:
        """Whether its holder may do what the role may; each role may all that those before it may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class NewKey:
    """A key with its secret, which is shown this one time and stored nowhere."""

    secret: str
    key: Key


@dataclass(frozen=True)
class BundleRow:
    """A bundle that the store knows; `location` is a path, "default" for the one that ships, None when unknown."""

    id: str
    name: str
    digest: str
    classes: tuple[str, ...]
    report: Mapping[str, object]
    location: str | None
    registered_at: datetime
    is_champion: bool = False


@dataclass(frozen=True)
class Promotion:
    """When a bundle became champion, by whom and why; `kind` is "promote" or "rollback"."""

    number: int
    bundle: str
    kind: str
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class AuditRow:
    """One change that a person made."""

    number: int
    at: datetime
    by: str
    action: str
    subject: str
    detail: Mapping[str, object] = field(default_factory=dict)


def as_status(value: str) -> Status:
    """A review's status as the type that the records have.

    Raises: ConfigError for any other text.
    """
    return cast(Status, chosen(value, STATUSES, "status"))


def as_role(value: str) -> Role:
    """A key's role as the type that the records have.

    Raises: ConfigError for any other text.
    """
    return cast(Role, chosen(value, ROLES, "role"))
