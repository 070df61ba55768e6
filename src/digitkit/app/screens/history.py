"""The page of what was read and sent: in this session, and by everybody for those who hold a token."""

import streamlit as st

from digitkit.app import session
from digitkit.app.components import Card, cards
from digitkit.app.entry import Entry
from digitkit.app.screens.access import ask_token
from digitkit.app.thumbnail import thumbnail
from digitkit.app.words import named, percent, words
from digitkit.core.errors import RequestError, StoreError
from digitkit.wire import SubmissionOut, SubmissionsOut

PAGE = 24  # submissions at once
MINE, ALL = "This session", "Everybody's"


def show() -> None:
    """This session's pictures; with a token also what everybody sent."""
    st.markdown("## History")
    which = st.segmented_control(
        "Whose", (MINE, ALL), default=MINE, required=True, key="whose", label_visibility="collapsed"
    )
    if which == ALL:
        _show_all()
    else:
        _show_mine(session.history())


def _show_mine(history: list[Entry]) -> None:
    """The pictures of this session, newest first."""
    if not history:
        st.info("Nothing yet. What you draw, upload or photograph on the page Read appears here.")
        return
    st.caption("Only you see this, and it is gone when you close the tab. What you have sent is stored by the service.")
    cards((_card(entry) for entry in history), key="mine")


def _card(entry: Entry) -> Card:
    """What became of one picture."""
    title = words(entry.answer) if entry.answer else "Not read"
    share = f", {percent(entry.answer.confidence)}" if entry.answer and entry.answer.label is not None else ""
    lines = [f"{entry.name}, {entry.at:%H:%M} UTC{share}"]
    if entry.problem:
        lines.append(entry.problem)
    if entry.sent:
        lines.append(f"Sent as {named(entry.sent.true_label)}")
    elif entry.withdrawn:
        lines.append("Sent, and taken back")
    return Card(entry.small, title, tuple(lines))


def _show_all() -> None:
    """What everybody sent, page by page."""
    token = ask_token("To see what everybody sent, give a token with the role read, review or admin")
    if not token:
        return
    after = str(st.session_state.get("history-after", ""))
    filters = {"limit": str(PAGE), **({"after": after} if after else {})}
    try:
        page = session.client().submissions(token, filters)
        shown = [_submission(each, session.client().picture(token, each.id)) for each in page.submissions]
    except (RequestError, StoreError) as error:
        st.error(str(error))
        return
    if not shown:
        st.info("Nobody has sent anything yet.")
    cards(shown, key=f"all-{after}")
    _turn_pages(page, after)


def _turn_pages(page: SubmissionsOut, after: str) -> None:
    """Forward, and back to the newest."""
    with st.container(horizontal=True):
        if after:
            st.button("Newest", on_click=_go_to, args=("",))
        if page.next:
            st.button("Older", on_click=_go_to, args=(page.next,))


def _go_to(after: str) -> None:
    st.session_state["history-after"] = after


def _submission(each: SubmissionOut, picture: bytes) -> Card:
    """A stored submission."""
    label = each.true_label if each.reviewed_label is None else each.reviewed_label
    read = "nothing" if each.predicted is None else named(each.predicted)
    lines = (f"Read as {read}, {percent(each.confidence)}", f"{each.created_at:%Y-%m-%d %H:%M} UTC", each.status)
    return Card(thumbnail(picture), named(label), lines)
