"""`/docs`: the OpenAPI schema as a page for people, without a script and without asking another machine."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

Json = dict[str, Any]
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
code, pre { font: 14px/1.45 ui-monospace, monospace } pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886 }
details { border: 1px solid #8886; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem }
summary { cursor: pointer }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700 }
td { padding: .1rem .8rem .1rem 0; vertical-align: top }
"""


@router.head("/docs", include_in_schema=False)
@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The documentation of the service."""
    return HTMLResponse(render(request.app.openapi(), request.scope.get("root_path", "")))


def render(schema: Json, root: str = "") -> str:
    """The page of an OpenAPI schema."""
    info = schema["info"]
    about = "".join(f"<p>{escape(text)}</p>" for text in info["description"].split("\n\n"))
    title = f"{escape(info['title'])} {escape(info['version'])}"
    operations = "".join(
        _operation(method, path, operation, schema)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    )
    records = "".join(_record(name, record) for name, record in sorted(schema["components"]["schemas"].items()))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{about}"
        f'<p>The same for programs: <a href="{escape(root)}/openapi.json">openapi.json</a></p>'
        f"<h2>Requests</h2>{operations}<h2>Records</h2>{records}</html>"
    )


def _operation(method: str, path: str, operation: Json, schema: Json) -> str:
    """One request: what it takes, what it answers, with examples."""
    parts = [f"<p>{escape(operation.get('description', ''))}</p>"]
    if operation.get("security"):
        parts.append("<p>Needs a token, or a receipt where one is named: <code>Authorization: Bearer ...</code></p>")
    if rows := [_parameter(each) for each in operation.get("parameters", [])]:
        parts.append(f"<table>{''.join(rows)}</table>")
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Takes <code>{escape(kind)}</code></p>{_shown(media.get('schema', {}), schema)}")
    for status, answer in operation["responses"].items():
        kinds = ", ".join(answer.get("content", {})) or "no body"
        parts.append(f"<p><b>{status}</b> {escape(answer['description'])} ({escape(kinds)})</p>")
        if status.startswith("2"):
            parts += [_shown(media.get("schema", {}), schema) for media in answer.get("content", {}).values()]
    head = f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code> {escape(operation["summary"])}'
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _parameter(each: Json) -> str:
    need = "required" if each.get("required") else ""
    text = f"{each.get('description', '')} {need}".strip()
    default = each.get("schema", {}).get("default")
    said = f" (default {json.dumps(default)})" if default is not None else ""
    return f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td><td>{escape(text + said)}</td></tr>"


def _record(name: str, record: Json) -> str:
    """One record with its fields."""
    rows = "".join(_field(field, about) for field, about in record.get("properties", {}).items())
    head = f"<code>{escape(name)}</code> {escape(record.get('description', ''))}"
    return f'<details id="{escape(name)}"><summary>{head}</summary><table>{rows}</table></details>'


def _field(name: str, about: Json) -> str:
    """A field of a record."""
    kinds = " or ".join(dict.fromkeys(_kinds(about)))
    text = escape(about.get("description", ""))
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(kinds)}</td><td>{text}</td></tr>"


def _kinds(about: Json) -> Iterator[str]:
    """What a value may be, in words."""
    if "$ref" in about:
        yield about["$ref"].rpartition("/")[2]
    elif "enum" in about:
        yield ", ".join(json.dumps(each) for each in about["enum"])
    elif "anyOf" in about:
        for each in about["anyOf"]:
            yield from _kinds(each)
    elif about.get("type") == "array":
        yield "list of " + " or ".join(_kinds(about.get("items", {})))
    else:
        yield str(about.get("type", "any"))


def _shown(about: Json, schema: Json) -> str:
    """An example of a value, made of the examples of its fields."""
    if about.get("type") == "string":
        return ""
    return f"<pre>{escape(json.dumps(_example(about, schema), indent=2, ensure_ascii=False))}</pre>"


def _example(about: Json, schema: Json) -> Any:
    """An example that fits a schema."""
    if "$ref" in about:
        return _example(schema["components"]["schemas"][about["$ref"].rpartition("/")[2]], schema)
    for key in ("examples", "enum"):
        if about.get(key):
            return about[key][0]
    if "default" in about:
        return about["default"]
    if "anyOf" in about:
        return _example(about["anyOf"][0], schema)
    match about.get("type"):
        case "object":
            fields = about.get("properties", {})
            return {name: _example(each, schema) for name, each in fields.items()}
        case "array":
            return [_example(about.get("items", {}), schema)]
    return _plain_example(about)


def _plain_example(about: Json) -> Any:
    """An example of a text, a number, or a yes or no."""
    if about.get("contentEncoding") == "base64":
        return "base64 of a file"
    return {"string": "...", "integer": 0, "number": 0.0, "boolean": False}.get(str(about.get("type")))
