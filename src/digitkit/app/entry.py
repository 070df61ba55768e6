"""One picture on the page: what was read in it, and what became of its correction."""

import base64
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate

from digitkit.app.client import Client
from digitkit.app.thumbnail import thumbnail
from digitkit.core.errors import NotFound, RequestError, ServiceAway, StoreError
from digitkit.wire import PredictionOut, Strokes, SubmissionIn, SubmittedOut

KEPT = 60  # pictures of a session that the history holds
KEPT_BYTES = 128 * 2**20  # of all of them together


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass
class Entry:
    """A picture, its answer or its problem, and its submission.

    `id` tells one picture from another, also when a drawing grows; `tried` is the label whose sending failed.
    """

    id: str
    name: str
    channel: str
    picture: bytes
    strokes: Strokes | None = None
    version: int = 0
    answer: PredictionOut | None = None
    problem: str = ""
    at: datetime = field(default_factory=now)
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    sent: SubmittedOut | None = None
    tried: str | None = None
    failure: str = ""
    withdrawn: bool = False

    def read(self, client: Client, bundle: str | None = None) -> None:
        """Ask what the picture shows; a problem is kept in words."""
        try:
            answer = client.predict(self.picture, bundle)
        except (RequestError, StoreError) as error:
            self.answer, self.problem = None, str(error)
            return
        self.answer = answer.prediction
        self.problem = answer.problem.detail if answer.problem else ""

    def submit(self, client: Client, label: str) -> None:
        """Save the picture with its true label, once; what goes wrong stands in `failure`."""
        if self.sent is not None:  # the second of two clicks
            return
        submission = SubmissionIn(
            picture=base64.b64encode(self.picture).decode(),
            true_label=label,
            strokes=self.strokes,
            channel=self.channel,
        )
        self.tried, self.failure = label, ""
        self.failure = _failure_of(lambda: self._keep(client.submit(submission, self.key)))

    def _keep(self, sent: SubmittedOut) -> None:
        self.sent, self.tried, self.withdrawn = sent, None, False

    def give_up(self) -> None:
        """Leave a failed submission unsent."""
        self.tried, self.failure = None, ""
        self.key = secrets.token_hex(16)

    def withdraw(self, client: Client) -> None:
        """Take the submission back, by its receipt."""
        if self.sent is None:
            return
        sent = self.sent
        self.failure = _failure_of(lambda: _forget(client, sent))
        if not self.failure:
            self.sent, self.withdrawn = None, True
            self.key = secrets.token_hex(16)

    @cached_property
    def small(self) -> bytes:
        """A small PNG for the screen: browsers show no TIFF, and an upload may have 20 MB."""
        return thumbnail(self.picture)

    @property
    def may_withdraw(self) -> bool:
        """Whether the receipt still holds."""
        return self.sent is not None and now() < self.sent.receipt_until


def _failure_of(act: Callable[[], None]) -> str:
    """What went wrong, in words; empty when nothing did."""
    try:
        act()
    except ServiceAway as error:
        return f"{error} Nothing is lost: your picture is kept here."
    except (RequestError, StoreError) as error:
        return str(error)
    return ""


def _forget(client: Client, sent: SubmittedOut) -> None:
    """Delete a submission, unless it is gone already: the answer to an earlier try may have been lost."""
    with suppress(NotFound):
        client.withdraw(sent.id, sent.receipt)


def remember(history: list[Entry], entry: Entry) -> None:
    """Put an entry in front; the same picture takes its old place's, and the oldest leave."""
    every = [entry, *(other for other in history if other.id != entry.id)][:KEPT]
    sizes = accumulate(len(each.picture) for each in every)
    history[:] = [each for each, size in zip(every, sizes, strict=True) if each is entry or size <= KEPT_BYTES]
