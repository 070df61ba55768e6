"""`POST /v1/submissions`, and what its sender may do with the receipt."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response

from digitkit.core.errors import Unacceptable, UnknownMedia
from digitkit.core.prediction import NOT_A_DIGIT, Prediction
from digitkit.service.access import Credentials, key_of
from digitkit.service.pictures import checked
from digitkit.service.predicting import BINARY
from digitkit.service.problems import documented
from digitkit.service.records import submission_out
from digitkit.service.state import Here, Service
from digitkit.service.uploads import (
    JSON,
    MULTIPART,
    PICTURE,
    Content,
    decode_base64,
    media_type_of,
    parse,
    submission_of,
    take_form,
)
from digitkit.store import Added, NewSubmission
from digitkit.wire import (
    MAX_KEY,
    CorrectionIn,
    PredictionOut,
    SubmissionIn,
    SubmissionOut,
    SubmittedOut,
)

router = APIRouter(prefix="/v1/submissions", tags=["submissions"])
ALSO = (SubmissionIn,)

TEXTS = ("true_label", "strokes", "channel")
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "picture": BINARY,
        "true_label": {"type": "string", "maxLength": 64, "examples": ["7", NOT_A_DIGIT]},
        "strokes": {
            "type": "string",
            "contentMediaType": JSON,
            "description": "JSON: lists of [x, y, t_ms, pressure].",
        },
        "channel": {"type": "string", "pattern": "^[a-z0-9_-]{1,32}$"},
    },
    "required": ["picture", "true_label"],
    "additionalProperties": False,
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {"schema": FORM},
            JSON: {"schema": {"$ref": "#/components/schemas/SubmissionIn"}},
        },
    }
}
TOP = 3

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=MAX_KEY, pattern=r"^[\x21-\x7e]+$", description="The same for each try to send it."
    ),
]
Receipt = Annotated[
    str, Header(alias="X-Receipt", max_length=MAX_KEY, description="From the answer to the submission.")
]
Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Of the submission.")]


@router.post(
    "",
    status_code=201,
    summary="Submit a picture with its true label",
    openapi_extra=BODY,
    responses=documented(400, 403, 408, 409, 410, 413, 415, 422, 429, 500, 503),
)
async def submit(request: Request, service: Here, idempotency_key: IdempotencyKey = None) -> SubmittedOut:
    """Keep a picture for review; the service reads it itself. The answer comes once it is on the disk.

    With an `Idempotency-Key` it may be sent again after any failure: it is kept once.
    """
    service.submit_rate.check(request)
    content, asked = await _take(request)
    try:
        new, prediction = await service.read(lambda: _read(service, content, asked))
    except Unacceptable:  # a repeat gets the first answer, though another champion may not know its label
        if not await service.ask(lambda: service.store.submissions.knows(idempotency_key)):
            raise
        new, prediction = await service.read(lambda: _read(service, content, asked, is_repeat=True))
    added = await service.ask(lambda: service.store.submissions.add(new, idempotency_key))
    if added.is_new:
        service.metrics.submissions.labels(str(added.row.agrees).lower()).inc()
    return _submitted(added, prediction)


async def _take(request: Request) -> tuple[Content, SubmissionIn]:
    match media_type_of(request):
        case "multipart/form-data":
            return submission_of(await take_form(request, {PICTURE: 1}, TEXTS))
        case "application/json":
            asked = parse(SubmissionIn, await request.body())
            return decode_base64(asked.picture), asked
        case other:
            raise UnknownMedia(f"The body is {other or 'of no known type'}; expected {MULTIPART} or {JSON}.")


def _read(
    service: Service, content: Content, asked: SubmissionIn, *, is_repeat: bool = False
) -> tuple[NewSubmission, PredictionOut]:
    """What the service itself sees in the picture; runs on a thread."""
    picture, media_type = checked(content, service.settings.picture_bytes)
    reader = service.readers.champion
    if not is_repeat:
        check_label("true_label", asked.true_label, reader.bundle.classes)
    start = time.perf_counter()
    prediction, _ = service.eye.look(reader, picture)
    answer = PredictionOut.of(prediction, 1_000 * (time.perf_counter() - start), TOP)
    service.metrics.note_prediction(answer)
    strokes = None if asked.strokes is None else [[list(point) for point in stroke] for stroke in asked.strokes]
    new = NewSubmission(
        picture, media_type, asked.true_label, prediction, reader.bundle, strokes=strokes, channel=asked.channel
    )
    return new, answer


def check_label(field: str, label: str, classes: tuple[str, ...]) -> None:
    """Make sure that the label in a field is one that the champion can read, or says that there is none.

    Raises: Unacceptable.
    """
    if label not in (*classes, NOT_A_DIGIT):
        named = [name for name in classes if name != NOT_A_DIGIT]
        known = ", ".join(map(repr, named[:12])) + (", ..." if len(named) > 12 else "")
        raise Unacceptable(f"{field}: expected one of {known} or {NOT_A_DIGIT!r}.")


async def check_relabel(service: Service, field: str, label: str, id: str) -> None:
    """Make sure that a submission can have this label: the champion knows it, or the bundle that read the submission.

    Raises: Unacceptable, NotFound.
    """
    classes = service.readers.champion.bundle.classes
    if label in (*classes, NOT_A_DIGIT):
        return
    row = await service.ask(lambda: service.store.submissions.get(id))
    reader = await service.ask(lambda: service.store.bundles.get(row.bundle))
    check_label(field, label, tuple(dict.fromkeys((*classes, *reader.classes))))


def _submitted(added: Added, prediction: PredictionOut) -> SubmittedOut:
    """The answer; for a repeat, the one that was given first."""
    row = added.row
    if not added.is_new:
        first = Prediction(row.predicted, row.confidence, row.probabilities, row.verdict, row.reason, row.bundle)
        prediction = PredictionOut.of(first, prediction.milliseconds, TOP)
    return SubmittedOut(
        id=row.id,
        receipt=added.receipt,
        receipt_until=added.receipt_until,
        created_at=row.created_at,
        true_label=row.true_label,
        prediction=prediction,
    )


@router.patch(
    "/{id}/label",
    summary="Correct the label of what one has sent",
    responses=documented(400, 403, 404, 408, 409, 410, 413, 422, 429, 503),
)
async def correct(request: Request, service: Here, id: Id, receipt: Receipt, asked: CorrectionIn) -> SubmissionOut:
    """Give one's own submission another label, within 15 minutes and before it is reviewed."""
    service.submit_rate.check(request)
    await check_relabel(service, "true_label", asked.true_label, id)
    change = service.store.submissions.change_with_receipt
    return submission_out(await service.ask(lambda: change(id, receipt, asked.true_label)))


@router.delete(
    "/{id}",
    status_code=204,
    summary="Forget a submission",
    responses=documented(401, 403, 404, 408, 410, 413, 422, 429, 503),
)
async def forget(
    request: Request,
    service: Here,
    id: Id,
    credentials: Credentials,
    receipt: Annotated[str | None, Header(alias="X-Receipt", max_length=MAX_KEY)] = None,
) -> Response:
    """Delete a submission, its picture and reviews: by its sender with the receipt, or by a token of the role admin."""
    submissions = service.store.submissions
    if receipt is not None:
        service.submit_rate.check(request)
        await service.ask(lambda: submissions.delete_with_receipt(id, receipt))
    else:
        key = await key_of(service, credentials, "admin")
        await service.ask(lambda: submissions.delete(id, key.who))
    return Response(status_code=204)
