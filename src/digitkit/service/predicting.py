"""`POST /v1/predict`: what the model reads in pictures."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from digitkit.core.errors import DataError, RequestError
from digitkit.core.picture import LIMITS
from digitkit.runtime.predictor import Predictor
from digitkit.service.problems import documented, problem_of, request_id_of
from digitkit.service.state import Here, Service
from digitkit.service.uploads import JSON, Content, Unpack, take_pictures
from digitkit.wire import MAX_TOP, AnswerOut, PredictIn, PredictOut

router = APIRouter(prefix="/v1", tags=["predict"])

BINARY: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
MULTIPART: dict[str, Any] = {
    "type": "object",
    "properties": {"pictures": {"type": "array", "items": BINARY, "minItems": 1}},
    "required": ["pictures"],
    "additionalProperties": False,
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"Pictures of up to {LIMITS.content_bytes // 2**20} MB: PNG, JPEG, WebP, GIF, BMP, TIFF or PPM.",
        "content": {
            "multipart/form-data": {"schema": MULTIPART},
            "application/json": {"schema": {"$ref": "#/components/schemas/PredictIn"}},
            "application/octet-stream": {"schema": BINARY},
            "image/png": {"schema": BINARY},
        },
    }
}
ALSO = (PredictIn,)  # records that only `BODY` names


class PredictQuery(BaseModel):
    """How pictures are to be read."""

    model_config = ConfigDict(extra="forbid")

    top_k: int = Field(default=3, ge=1, le=MAX_TOP, description="How many of the most probable classes to rank.")
    bundle: str | None = Field(default=None, max_length=200, description="The id of a bundle; by default the champion.")
    explain: bool = Field(default=False, description="Also send what the model saw, as PNG.")


@router.post(
    "/predict",
    summary="Read pictures",
    openapi_extra=BODY,
    response_model=PredictOut,
    responses=documented(400, 403, 404, 408, 413, 415, 422, 429, 500, 503),
)
async def predict(request: Request, service: Here, query: Annotated[PredictQuery, Query()]) -> Response:
    """Read one picture or several: as files in the field `pictures` of a form, as base64 in JSON, or one as the body.

    Of several, one that cannot be read has a problem of its own; of one alone it is the request's.
    """
    service.predict_rate.check(request)
    unpack = await take_pictures(request, service.settings.pictures)
    reader = await service.reader(query.bundle)
    answers = await service.read(partial(_answers, service, reader, unpack, query, request_id_of(request)))
    return Response(PredictOut(answers=answers).model_dump_json(), media_type=JSON)  # FastAPI would check it again


def _answers(
    service: Service, reader: Predictor, unpack: Unpack, query: PredictQuery, request_id: str
) -> list[AnswerOut]:
    """Read each picture; runs on a thread."""
    contents = unpack()
    if len(contents) == 1:
        return [_read(service, reader, contents[0], query)]
    return [_answer(service, reader, content, query, request_id) for content in contents]


def _answer(service: Service, reader: Predictor, content: Content, query: PredictQuery, request_id: str) -> AnswerOut:
    """One of several pictures: what is wrong with it does not concern the others."""
    try:
        return _read(service, reader, content, query)
    except (DataError, RequestError) as error:
        return AnswerOut(problem=problem_of(error, request_id))


def _read(service: Service, reader: Predictor, content: Content, query: PredictQuery) -> AnswerOut:
    prediction = service.eye.read(reader, content, query.top_k, query.explain)
    service.metrics.note_prediction(prediction)
    return AnswerOut(prediction=prediction)
