"""Text from the templates of this package: Markdown, and one HTML file from it that needs nothing beside it.

What comes from outside (names of classes, sources, notes) is shown as it is written and never becomes markup.
"""

import re
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

TEMPLATES = PackageLoader("digitkit.learn", "templates")
MARKUP = re.compile(r"([\\`*\[\]<>|&]|(?<!\w)_|_(?!\w))")  # what Markdown could take for its own


class Verbatim(str):
    """Markdown that is ready."""


def to_markdown(template: str, facts: dict[str, object]) -> str:
    """Fill a Markdown template."""
    return _markdown().get_template(template).render(facts)


def to_html(template: str, markdown: str, folder: Path) -> str:
    """A page of Markdown, with those of its pictures inside that are PNG files under `folder`."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown)
    known = {path.relative_to(folder).as_posix(): path for path in folder.glob("pictures/*.png")}
    for inner in (inner for token in tokens for inner in token.children or () if inner.type == "image"):
        path = known.get(str(inner.attrs["src"]))
        inner.attrs["src"] = f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}" if path else "data:,"
    title = next((token.content for token in tokens if token.type == "inline"), "")
    body = reader.renderer.render(tokens, reader.options, {})
    pages = Environment(loader=TEMPLATES, autoescape=True, undefined=StrictUndefined)
    return pages.get_template(template).render(title=title, body=Markup(body))  # the reader has escaped it


@cache
def _markdown() -> Environment:
    found = Environment(
        loader=TEMPLATES, autoescape=False, undefined=StrictUndefined, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    found.filters |= {
        "percent": lambda share: f"{share:.2%}",
        "thousands": lambda number: f"{number:,.0f}",
        "decimals": lambda number, places: f"{number:.{places}f}",
        "tiny": lambda number: f"{number:.1e}",
        "fenced": _fenced,
    }
    return found


def _shown(value: object) -> str:
    """A value as Markdown shows it: one line, its signs escaped."""
    return value if isinstance(value, Verbatim) else MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def _fenced(text: str, language: str) -> Verbatim:
    """A block of code; its fence is longer than any within."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Verbatim(f"{fence}{language}\n{text}\n{fence}")
