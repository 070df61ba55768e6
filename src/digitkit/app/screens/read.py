"""The page that reads: draw, upload or point a camera; the answer; and the correction that is sent."""

import hashlib
from collections.abc import Iterable

import streamlit as st

from digitkit.app import session
from digitkit.app.components import pad, panel, pasted
from digitkit.app.drawing import Drawing
from digitkit.app.entry import Entry, remember
from digitkit.app.heic import as_readable
from digitkit.app.screens.correction import correct
from digitkit.core.errors import PictureError
from digitkit.core.picture import LIMITS

MOST = 20  # files at once
DRAW, UPLOAD, CAMERA = "Draw", "Upload", "Camera"


def show() -> None:
    """Three ways in, one way out."""
    st.markdown("## Read a digit")
    left, right = st.columns(2, gap="medium")
    with left:
        tabs = dict(
            zip((DRAW, UPLOAD, CAMERA), st.tabs([DRAW, UPLOAD, CAMERA], key="way", on_change="rerun"), strict=True)
        )
        with tabs[DRAW]:
            drawing = pad(session.kept_drawing())
        with tabs[UPLOAD]:
            uploaded = _uploaded() if tabs[UPLOAD].open else []
        with tabs[CAMERA]:
            taken = _taken() if tabs[CAMERA].open else []
    with right:
        if tabs[DRAW].open:
            _show_drawing(drawing)
        else:
            _show_pictures(uploaded or taken, "The answer appears here once there is a picture.")


def _show_drawing(drawing: Drawing | None) -> None:
    """The panel that follows the pen, and the correction once the pen rests."""
    drawing = drawing or session.kept_drawing()
    entry = _entry_of_drawing(drawing) if drawing else None
    panel(entry, "panel", follows=True)
    if entry is not None and drawing is not None and not drawing.is_empty:
        correct(entry)


def _entry_of_drawing(drawing: Drawing) -> Entry:
    """The entry of a drawing, read anew when it has changed."""
    session.keep_drawing(drawing)
    entry = session.entry_of(drawing.id)
    if entry is None or entry.picture != drawing.png:
        entry = Entry(drawing.id, "drawing", "draw", drawing.png, drawing.strokes)
    if entry.answer is None:
        entry.version = drawing.version
        entry.read(session.client())
        if not drawing.is_empty:
            remember(session.history(), entry)
    return entry


def _uploaded() -> list[Entry]:
    """The files that were given, each read once."""
    given = st.file_uploader(
        "Pictures: PNG, JPEG, WebP, GIF, BMP or TIFF, one digit each",
        accept_multiple_files=True,
        max_upload_size=LIMITS.content_bytes // 2**20,
        help="Drag files here, or choose some.",
    )
    picture = pasted()
    if len(given) > MOST:
        st.warning(f"{len(given)} files; the first {MOST} are read.")
    fresh = [("pasted picture", picture)] if picture else []
    files = [(file.name, file.getvalue()) for file in given[:MOST]]
    return [_entry_of(name, "upload", content) for name, content in (*fresh, *files)]


def _taken() -> list[Entry]:
    """The snapshot, if there is one."""
    snapshot = st.camera_input("Hold one digit in front of the camera, large and with paper around it")
    return [_entry_of("snapshot", "camera", snapshot.getvalue())] if snapshot else []


def _entry_of(name: str, channel: str, picture: bytes) -> Entry:
    """The entry of a file, by its bytes and its name."""
    picture_id = hashlib.sha256(name.encode(errors="replace") + b"\0" + picture).hexdigest()
    entry = session.entry_of(picture_id) or Entry(picture_id, name, channel, picture)
    if entry.answer is None:
        try:
            entry.picture = as_readable(picture)
            entry.read(session.client())
        except PictureError as error:
            entry.problem = str(error)
        remember(session.history(), entry)
    return entry


def _show_pictures(entries: Iterable[Entry], hint: str) -> None:
    """A panel and a correction for each picture; a bad one has its problem in place."""
    entries = list(entries)
    if not entries:
        st.caption(hint)
    for place, entry in enumerate(entries):
        with st.container(border=len(entries) > 1, key=f"result-{place}"):
            if entry.channel == "upload":
                st.text(entry.name)  # as text: a name may be written to look like markup
            panel(entry, f"panel-{entry.id}-{place}")
            if entry.answer is not None:
                correct(entry, place)
