"""Errors as application/problem+json (RFC 9457): the one table from class to status."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from digitkit.core.errors import (
    BundleError,
    ConfigError,
    Conflict,
    DataError,
    DigitkitError,
    Forbidden,
    Gone,
    Malformed,
    NotFound,
    Overloaded,
    PictureTooLarge,
    SchemaOutdated,
    StoreError,
    TooLarge,
    TooMany,
    TooSlow,
    Unacceptable,
    Unauthorised,
    UnknownMedia,
)
from digitkit.wire import ProblemOut

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
NO_JSON = "json_invalid"  # pydantic's and FastAPI's word

# The first class that fits.
STATUSES: tuple[tuple[type[DigitkitError], int], ...] = (
    (Malformed, 400),
    (Unauthorised, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooSlow, 408),
    (Conflict, 409),
    (Gone, 410),
    (TooLarge, 413),
    (PictureTooLarge, 413),
    (UnknownMedia, 415),
    (Unacceptable, 422),
    (ConfigError, 422),
    (DataError, 422),
    (TooMany, 429),
    (Overloaded, 503),
    (StoreError, 503),  # away, busy, full or not migrated: nothing was saved
    (BundleError, 500),
    (DigitkitError, 500),
)
HIDDEN: dict[type[DigitkitError], str] = {
    SchemaOutdated: "The database is not ready. Nothing was saved. Try again later.",
    BundleError: "The model failed on this picture. The operator finds why in the log.",
}


def status_of(error: DigitkitError) -> int:
    """The HTTP status of an error, from the table above."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def problem_of(error: DigitkitError, request_id: str = "") -> ProblemOut:
    """An error as a client sees it: its message, except where that speaks of things behind the service."""
    detail = next((text for kind, text in HIDDEN.items() if isinstance(error, kind)), str(error))
    return problem(status_of(error), detail, request_id)


def problem(status: int, detail: str, request_id: str = "") -> ProblemOut:
    """A problem by its status."""
    return ProblemOut(title=HTTPStatus(status).phrase, status=status, detail=detail, request_id=request_id)


def respond(answer: ProblemOut, headers: dict[str, str] | None = None) -> Response:
    """A problem as a response, with what the status asks for in the headers."""
    headers = dict(headers or {})
    if answer.status in (429, 503):
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    if answer.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return Response(answer.model_dump_json(), answer.status, headers, MEDIA_TYPE)


def request_id_of(request: Request) -> str:
    """The id that the edge gave to a request."""
    return str(request.scope.get("digitkit.request_id", ""))


async def _answer_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DigitkitError)
    request.scope["digitkit.error"] = error  # for the log
    return respond(problem_of(error, request_id_of(request)))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = problem(error.status_code, str(error.detail), request_id_of(request))
    return respond(answer, dict(error.headers or {}))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = error.errors()
    status = 400 if any(each["type"] == NO_JSON for each in wrong) else 422
    return respond(problem(status, say_wrong(wrong), request_id_of(request)))


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    """Our own mistake: the server logs it, the client learns nothing of it."""
    detail = "Something went wrong in the service. The operator finds it in the log by the request's id."
    return respond(problem(500, detail, request_id_of(request)))


def say_wrong(errors: Sequence[Any]) -> str:
    """What is wrong with the values of a request, in one text; their content is not repeated."""
    lines = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in errors[:5]]
    more = f" (and {len(errors) - 5} more)" if len(errors) > 5 else ""
    return "; ".join(lines)[:1_000] + more


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""
    app.add_exception_handler(DigitkitError, _answer_ours)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_unexpected)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its page in the documentation."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}, "example": _example(status)}
            },
        }
        for status in sorted(statuses)
    }


def _example(status: int) -> Any:
    return json.loads(problem(status, "What happened, and what to do.", "0f6c1d3e9b7a4c55").model_dump_json())
