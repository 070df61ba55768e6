"""What a request carries: pictures as files of a form, as JSON, or as the body itself."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from digitkit.core.errors import DigitkitError, Malformed, TooLarge, Unacceptable
from digitkit.service.problems import NO_JSON, say_wrong
from digitkit.wire import PredictIn, SubmissionIn

MULTIPART, JSON = "multipart/form-data", "application/json"
PICTURES, PICTURE = "pictures", "picture"  # fields of a form
MAX_FIELDS = 8
MAX_FIELD_BYTES = 2 * 2**20  # strokes are the longest

Content = bytes | DigitkitError  # of a picture, or what is wrong with it
Unpack = Callable[[], list[Content]]
Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class Form:
    """A form: the contents of its files by field, and its texts."""

    files: dict[str, list[bytes]]
    texts: dict[str, str]


class _InMemory(MultiPartParser):
    """Keeps files in memory, where the whole body is already: nothing of a user's reaches the disk."""

    spool_max_size = 2**62


def media_type_of(request: Request) -> str:
    """What the request says that its body is, in small letters, without parameters."""
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def take_pictures(request: Request, most: int) -> Unpack:
    """The pictures of a request, up to `most`; calling the result unpacks them, which may take a while.

    Raises: Malformed or Unacceptable when there are none; TooLarge for more; calling the result raises the same.
    """
    match media_type_of(request):
        case "multipart/form-data":
            form = await take_form(request, {PICTURES: most}, ())
            return lambda: [*_some(form.files.get(PICTURES, []))]
        case "application/json":
            return partial(_from_json, await request.body(), most)
        case _:
            body = await request.body()
            if not body:
                raise Unacceptable(f"No picture: send files in the field {PICTURES}, JSON, or a picture as the body.")
            return lambda: [body]


def _some(contents: list[bytes]) -> list[bytes]:
    if not contents:
        raise Unacceptable(f"No picture: the form has no file in the field {PICTURES}.")
    return contents


def _from_json(body: bytes, most: int) -> list[Content]:
    asked = parse(PredictIn, body)
    if len(asked.pictures) > most:
        raise TooLarge(f"{len(asked.pictures)} pictures; expected at most {most} in one request. Send them in parts.")
    return [decode_base64(text) for text in asked.pictures]


def decode_base64(text: str) -> Content:
    """The bytes of a base64 text, or what is wrong with it."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Unacceptable("picture: not base64. Give the whole file as standard base64, without a prefix.")


def parse(kind: type[Record], body: bytes | str) -> Record:
    """JSON as a record.

    Raises: Malformed when it is no JSON, Unacceptable when its values do not fit.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        if any(each["type"] == NO_JSON for each in errors):
            raise Malformed(f"The body is no JSON: {errors[0]['msg']}.") from error
        raise Unacceptable(say_wrong(errors)) from error


async def take_form(request: Request, files: dict[str, int], texts: tuple[str, ...]) -> Form:
    """A form that has at most so many files of each field, and each text once.

    Raises: Malformed when it is broken, Unacceptable for other fields, TooLarge for too many files.
    """
    most = sum(files.values())
    parser = _InMemory(
        request.headers, request.stream(), max_files=most + 1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    )
    try:
        parsed = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError, LookupError) as error:  # no boundary; unknown charset
        raise Malformed(f"The form cannot be read ({getattr(error, 'message', 'broken')}).") from error
    form = Form({}, {})
    try:
        for name, value in parsed.multi_items():
            await _sort(form, name, value, (files, texts))
    finally:
        await parsed.close()
    for name, contents in form.files.items():
        if len(contents) > files[name]:
            raise TooLarge(f"{name}: expected at most {files[name]} in one request. Send them in parts.")
    return form


async def _sort(form: Form, name: str, value: UploadFile | str, known: tuple[dict[str, int], tuple[str, ...]]) -> None:
    """Put a part of a form where it belongs. A file's name is not looked at: it means nothing here."""
    files, texts = known
    if name in files and isinstance(value, UploadFile):
        form.files.setdefault(name, []).append(await value.read())
    elif name in texts and isinstance(value, str) and name not in form.texts:
        form.texts[name] = value
    else:
        expected = ", ".join((*(f"{file} (file)" for file in files), *texts))
        raise Unacceptable(f"The form has a part that is unknown, double or of the wrong kind; expected {expected}.")


def submission_of(form: Form) -> tuple[Content, SubmissionIn]:
    """A submission out of a form; the record's own `picture` stays empty, since the file is here.

    Raises: Unacceptable when something is missing or makes no sense.
    """
    contents = form.files.get(PICTURE, [])
    if not contents:
        raise Unacceptable(f"No picture: the form has no file in the field {PICTURE}.")
    values: dict[str, object] = {"picture": "", **form.texts}
    if "strokes" in values:
        values["strokes"] = _json_of(form.texts["strokes"])
    try:
        return contents[0], SubmissionIn.model_validate(values)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise Unacceptable(say_wrong(errors)) from error


def _json_of(text: str) -> object:
    """The value of the field `strokes`."""
    try:
        value: object = from_json(text)
    except ValueError as error:
        raise Unacceptable("strokes: no JSON. Give lists of [x, y, t_ms, pressure].") from error
    return value
