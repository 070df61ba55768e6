"""Our own parts of the page, whose scripts, styles and markup lie in `assets`."""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import streamlit as st

from digitkit.app.drawing import Drawing, drawing_of
from digitkit.app.entry import Entry

Mount = Callable[..., Any]
MAX_PASTED = 28 * 2**20  # characters of base64, of 20 MB


@cache
def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return files("digitkit.app").joinpath("assets", name).read_text(encoding="utf-8")


def component(name: str) -> Mount:
    """A component by its name; Streamlit wants it registered in every run, and takes the same for the same."""
    return st.components.v2.component(
        f"digitkit_{name}", html=asset(f"{name}.html"), css=asset(f"{name}.css"), js=asset(f"{name}.js")
    )


def pad(kept: Drawing | None) -> Drawing | None:
    """The sketch pad; gives the drawing once the pen rests. `kept` comes back when the pad is shown anew."""
    data = {"kept": kept.told.model_dump(mode="json")} if kept else {}
    told = component("pad")(key="pad", data=data, on_drawing_change=lambda: None)
    return drawing_of(told.drawing)


def pasted() -> bytes | None:
    """The last picture that was pasted while this is shown."""
    told = component("paste")(key="paste", on_picture_change=lambda: None).picture
    if not isinstance(told, str) or len(told) > MAX_PASTED:
        return None
    try:
        return base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return None


def panel(entry: Entry | None, key: str, follows: bool = False) -> None:
    """The result panel of one picture; one that follows shows what the pad asks while somebody draws."""
    component("panel")(key=key, data={"follows": follows, "shown": _shown(entry)})


def _shown(entry: Entry | None) -> dict[str, object] | None:
    """What the panel shows of an entry."""
    if entry is None or (entry.answer is None and not entry.problem):
        return None
    return {
        "id": entry.id,
        "version": entry.version,
        "answer": entry.answer.model_dump(mode="json") if entry.answer else None,
        "problem": entry.problem or None,
        "picture": data_url(entry.small),
    }


def data_url(png: bytes) -> str:
    """A picture as the browser can show it without asking for it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


@dataclass(frozen=True)
class Card:
    """A picture with a title and some lines below."""

    picture: bytes
    title: str
    lines: tuple[str, ...] = ()


def cards(shown: Iterable[Card], key: str) -> None:
    """Pictures side by side, as many as fit."""
    given = [{"picture": data_url(card.picture), "title": card.title, "lines": list(card.lines)} for card in shown]
    component("cards")(key=key, data={"cards": given})
