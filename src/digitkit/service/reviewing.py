"""Submissions for those who hold a token: look, review, take away as a data set."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from digitkit.core.errors import NotFound
from digitkit.core.prediction import Verdict
from digitkit.service import archive
from digitkit.service.access import Reading, Reviewing
from digitkit.service.problems import documented
from digitkit.service.records import submission_out
from digitkit.service.state import Here
from digitkit.service.submitting import Id, check_relabel
from digitkit.store import SubmissionFilter
from digitkit.wire import MAX_LABEL, MAX_PAGE, PAGE, ReviewIn, Status, SubmissionOut, SubmissionsOut

router = APIRouter(prefix="/v1/submissions", tags=["review"])
PICTURE_TYPES = tuple(archive.ENDINGS)


class Wanted(BaseModel):
    """Which submissions; what is left out does not filter."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    label: str | None = Field(
        default=None, max_length=MAX_LABEL, description="The one that counts: the reviewer's, or the sender's."
    )
    predicted: str | None = Field(default=None, max_length=MAX_LABEL)
    verdict: Verdict | None = None
    bundle: str | None = Field(default=None, max_length=128)
    channel: str | None = Field(default=None, max_length=32)
    agrees: bool | None = Field(default=None, description="Whether the service read the label that counts.")
    since: datetime | None = Field(default=None, description="Inclusive, with its zone.")
    until: datetime | None = Field(default=None, description="Exclusive, with its zone.")

    def filter(self, order: str = "newest") -> SubmissionFilter:
        """The filter of the store.

        Raises: ConfigError for values that nothing can have.
        """
        names = ("status", "label", "predicted", "verdict", "bundle", "channel", "agrees", "since", "until")
        return SubmissionFilter(**{name: getattr(self, name) for name in names}, order=order)


class PageQuery(Wanted):
    """Which page of them."""

    order: str = Field(default="newest", pattern="^(?:newest|doubt)$", description="doubt: most disputed first.")
    after: str | None = Field(default=None, max_length=200, description="`next` of the page before.")
    limit: int = Field(default=PAGE, ge=1, le=MAX_PAGE)


class ExportQuery(Wanted):
    """Which submissions make the data set."""

    status: Status | None = "accepted"


@router.get("", summary="List submissions", responses=documented(401, 403, 408, 413, 422, 503))
async def list_submissions(service: Here, key: Reading, query: Annotated[PageQuery, Query()]) -> SubmissionsOut:
    """Submissions page by page; those that come meanwhile neither hide nor double others."""
    wanted = query.filter(query.order)
    page = await service.ask(lambda: service.store.submissions.page(wanted, query.after, query.limit))
    return SubmissionsOut(submissions=[submission_out(row) for row in page.rows], next=page.next)


@router.get(
    "/export",
    summary="Export a data set",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A zip of pictures in class folders.",
            "content": {archive.MEDIA_TYPE: {"schema": {"type": "string", "contentMediaType": archive.MEDIA_TYPE}}},
        },
        **documented(401, 403, 408, 413, 422, 503),
    },
)
async def export(service: Here, key: Reading, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """A zip that `digitkit train` and `digitkit data inspect` read as `archive:FILE.zip`; accepted ones by default."""
    wanted = query.filter()
    first = await service.ask(lambda: service.store.submissions.page(wanted))
    headers = {"Content-Disposition": 'attachment; filename="submissions.zip"'}
    return StreamingResponse(archive.stream(service.store.submissions, wanted, first), 200, headers, archive.MEDIA_TYPE)


@router.get("/{id}", summary="Show a submission", responses=documented(401, 403, 404, 408, 413, 422, 503))
async def show(service: Here, key: Reading, id: Id) -> SubmissionOut:
    """One submission with its strokes."""
    return submission_out(await service.ask(lambda: service.store.submissions.get(id)))


@router.get(
    "/{id}/picture",
    summary="Get the picture of a submission",
    response_class=Response,
    responses={
        200: {
            "description": "The file as it was sent.",
            "content": {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in PICTURE_TYPES},
        },
        **documented(401, 403, 404, 408, 413, 422, 503),
    },
)
async def picture(service: Here, key: Reading, id: Id) -> Response:
    """The picture, byte for byte as it came; its media type is what its bytes were found to be."""
    submissions = service.store.submissions
    row = await service.ask(lambda: submissions.get(id))
    content = await service.ask(lambda: submissions.picture(id))
    if row.media_type not in PICTURE_TYPES:
        raise NotFound("This submission has a picture of a kind that is not given out.")
    return Response(content, 200, {"Content-Disposition": "inline"}, row.media_type)


@router.patch("/{id}", summary="Review a submission", responses=documented(400, 401, 403, 404, 408, 413, 422, 503))
async def review(service: Here, key: Reviewing, id: Id, asked: ReviewIn) -> SubmissionOut:
    """Accept or reject, with the right label where the sender's is wrong; `pending` takes a review back."""
    if asked.reviewed_label is not None:
        await check_relabel(service, "reviewed_label", asked.reviewed_label, id)
    decide = service.store.submissions.review
    row = await service.ask(lambda: decide(id, asked.status, key.who, asked.reviewed_label, asked.reason))
    return submission_out(row)
