"""Talks to the service over HTTP: the records of `wire` in and out, time-outs, and retries that save nothing twice."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from digitkit.core.errors import Conflict, Forbidden, Gone, NotFound, RequestError, ServiceAway, Unauthorised
from digitkit.wire import (
    AnswerOut,
    BundlesOut,
    PredictIn,
    PredictOut,
    ProblemOut,
    ReviewIn,
    SubmissionIn,
    SubmissionOut,
    SubmissionsOut,
    SubmittedOut,
)

TIMEOUTS = httpx.Timeout(10.0, connect=2.0)  # seconds; the service itself gives up after 10
PAUSES_S = (0.0, 0.3, 0.9)  # before each try
AWAY = (429, 502, 503, 504)  # it may answer in a moment
KINDS: Mapping[int, type[Exception]] = {
    401: Unauthorised, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone,
}  # fmt: skip
RECEIPT = "X-Receipt"

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class Ask:
    """One request; `again` says whether it may be sent twice without harm."""

    method: str
    path: str
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    again: bool = True


class Client:
    """The service at one address. Every call raises ServiceAway when no answer comes, RequestError when it refuses."""

    def __init__(
        self, address: str, transport: httpx.BaseTransport | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.address = address
        self._sleep = sleep
        self._http = httpx.Client(base_url=address, timeout=TIMEOUTS, transport=transport, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._http.close()

    def predict(self, picture: bytes, bundle: str | None = None) -> AnswerOut:
        """Read one picture: a prediction, or the problem with it."""
        params = {"top_k": "3", "explain": "true", **({"bundle": bundle} if bundle else {})}
        asked = PredictIn(pictures=[base64.b64encode(picture).decode()])
        return self._record(PredictOut, Ask("POST", "/v1/predict", asked, params=params)).answers[0]

    def submit(self, submission: SubmissionIn, key: str) -> SubmittedOut:
        """Save a picture with its true label; with the same key it is saved once, however often it is sent.

        Returns only after the service said 201: it is saved.
        """
        ask = Ask("POST", "/v1/submissions", submission, {"Idempotency-Key": key})
        response = self._send(ask)
        if response.status_code != 201:
            raise RequestError(f"The service answered {response.status_code} where 201 means saved. Not saved.")
        return _parsed(SubmittedOut, response)

    def withdraw(self, submission_id: str, receipt: str) -> None:
        """Delete a submission of one's own, while its receipt holds."""
        self._send(Ask("DELETE", f"/v1/submissions/{submission_id}", headers={RECEIPT: receipt}))

    def submissions(self, token: str, filters: Mapping[str, str]) -> SubmissionsOut:
        """A page of what was submitted, for a token that may read."""
        return self._record(SubmissionsOut, Ask("GET", "/v1/submissions", None, _bearer(token), filters))

    def picture(self, token: str, submission_id: str) -> bytes:
        """The picture of a submission."""
        return self._send(Ask("GET", f"/v1/submissions/{submission_id}/picture", None, _bearer(token))).content

    def review(self, token: str, submission_id: str, review: ReviewIn) -> SubmissionOut:
        """Accept or reject a submission, or give it another label."""
        return self._record(
            SubmissionOut, Ask("PATCH", f"/v1/submissions/{submission_id}", review, _bearer(token), again=False)
        )

    def bundles(self) -> BundlesOut:
        """The champion and the others."""
        return self._record(BundlesOut, Ask("GET", "/v1/bundles"))

    def _record(self, kind: type[Record], ask: Ask) -> Record:
        return _parsed(kind, self._send(ask))

    def _send(self, ask: Ask) -> httpx.Response:
        """The answer to a request, asked again while the service is away."""
        for place, pause_s in enumerate(PAUSES_S if ask.again else PAUSES_S[:1], start=1):
            self._sleep(pause_s)
            last = place == (len(PAUSES_S) if ask.again else 1)
            try:
                response = self._http.request(
                    ask.method, ask.path, params=dict(ask.params), headers=_headers(ask), content=_body(ask)
                )
            except httpx.RequestError as error:
                if last:
                    raise ServiceAway("The service does not answer. Try again in a moment.") from error
                continue
            if response.status_code not in AWAY:
                return _checked(response)
            if last:
                raise ServiceAway(_detail(response))
        raise AssertionError("the last try returns or raises")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _headers(ask: Ask) -> dict[str, str]:
    return {**ask.headers, **({"Content-Type": "application/json"} if ask.body is not None else {})}


def _body(ask: Ask) -> bytes | None:
    return None if ask.body is None else ask.body.model_dump_json().encode()


def _checked(response: httpx.Response) -> httpx.Response:
    """The response, if it is no refusal."""
    if response.is_success:
        return response
    raise KINDS.get(response.status_code, RequestError)(_detail(response))


def _detail(response: httpx.Response) -> str:
    """What the service says of a refusal, in its own words."""
    try:
        return ProblemOut.model_validate_json(response.content).detail
    except ValidationError:
        return f"The service answered {response.status_code} {response.reason_phrase}. Try again in a moment."


def _parsed(kind: type[Record], response: httpx.Response) -> Record:
    """The body of a response as a record."""
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise RequestError(
            "The service answered in a form that this page does not know. Is it another version?"
        ) from error
