"""What one visitor's session holds; nothing of it is shared with another."""

from typing import Any, cast

import streamlit as st

from digitkit.app.client import Client
from digitkit.app.drawing import Drawing
from digitkit.app.entry import Entry

SERVICE = "service"  # of Streamlit's secrets: the address of the service


@st.cache_resource
def client_of(address: str) -> Client:
    """One client for all sessions: it holds connections and nothing of anybody's."""
    return Client(address)


def client() -> Client:
    """The client of the service that this page was started with."""
    return client_of(str(st.secrets[SERVICE]))


def history() -> list[Entry]:
    """The pictures of this session, newest first."""
    return cast("list[Entry]", _state().setdefault("history", []))


def kept_drawing() -> Drawing | None:
    """The last drawing, so that it is still there after a look at another page."""
    return cast("Drawing | None", _state().get("kept_drawing"))


def keep_drawing(drawing: Drawing) -> None:
    """Remember a drawing."""
    _state()["kept_drawing"] = drawing


def entry_of(picture_id: str) -> Entry | None:
    """The entry of a picture in this session."""
    return next((entry for entry in history() if entry.id == picture_id), None)


def token() -> str:
    """The reviewer's token, kept for this session only."""
    return str(_state().get("token", ""))


def keep_token(value: str) -> None:
    """Remember a token as long as the session lives."""
    _state()["token"] = value


def _state() -> Any:
    return st.session_state
