"""The page of reviewers: submissions one after the other, decided with a key."""

import streamlit as st

from digitkit.app import session
from digitkit.app.review_queue import ORDERS, Queue
from digitkit.app.screens.access import ask_token
from digitkit.app.thumbnail import pixels_of
from digitkit.app.words import named, percent
from digitkit.core.errors import RequestError, StoreError
from digitkit.core.prediction import NOT_A_DIGIT
from digitkit.wire import ReviewIn, SubmissionOut


def show() -> None:
    """The queue, for a token with the role review."""
    st.markdown("## Review")
    token = ask_token("To review what people sent, give a token with the role review or admin")
    if not token:
        return
    order = st.segmented_control(
        "First", ORDERS, default=ORDERS[0], required=True, key="review-order", help="What is shown first."
    )
    queue = _queue(token, str(order))
    try:
        current = queue.current(session.client())
        picture = session.client().picture(token, current.id) if current else b""
    except (RequestError, StoreError) as error:
        st.error(str(error))
        return
    if queue.failure:
        st.error(queue.failure)
    if current is None:
        st.success("Nothing waits for a review.")
    else:
        _show_one(queue, current, picture)
    if queue.last is not None:
        st.button(
            "Take the last decision back", key="back", shortcut="Z", on_click=queue.take_back, args=(session.client(),)
        )
    if queue.decided:
        st.caption(f"{queue.decided} decided in this session.")


def _queue(token: str, order: str) -> Queue:
    """The queue of this session; another order or token makes a new one."""
    held = st.session_state.get("queue")
    if not isinstance(held, Queue) or (held.token, held.order) != (token, order):
        held = Queue(token, order)
        st.session_state["queue"] = held
    return held


def _show_one(queue: Queue, current: SubmissionOut, picture: bytes) -> None:
    """One submission: the picture, what its sender and the model say, and the keys."""
    left, right = st.columns(2, gap="medium")
    with left:
        pixels = pixels_of(picture)
        if pixels is None:
            st.warning("This picture cannot be shown.")
        else:
            st.image(pixels, width="stretch", alt=f"Submitted picture, sent as {named(current.true_label)}")
    with right:
        st.markdown("Its sender says")
        st.markdown(f"### {_plain(named(current.true_label))}")
        read = "nothing is drawn" if current.predicted is None else named(current.predicted)
        st.text(f"The model says: {read}, {percent(current.confidence)} ({current.verdict})")
        st.caption(f"{current.created_at:%Y-%m-%d %H:%M} UTC, {_plain(current.channel)}, {queue.waiting} loaded")
        _show_decisions(queue, current)


def _show_decisions(queue: Queue, current: SubmissionOut) -> None:
    """Accept, reject, skip; or another label, which accepts with it."""
    client = session.client()
    with st.container(horizontal=True):
        accept = ReviewIn(status="accepted")
        st.button("Accept", key="accept", type="primary", shortcut="A", on_click=queue.decide, args=(client, accept))
        reject = ReviewIn(status="rejected")
        st.button("Reject", key="reject", shortcut="X", on_click=queue.decide, args=(client, reject))
        st.button("Skip", key="skip", shortcut="S", on_click=queue.skip)
    st.caption("Or give it the right label:")
    with st.container(horizontal=True, gap="xsmall", key="labels"):
        for label in (*_labels(current), NOT_A_DIGIT):
            relabel = ReviewIn(status="accepted", reviewed_label=label)
            key = "N" if label == NOT_A_DIGIT else label if len(label) == 1 else None
            st.button(named(label), key=f"as-{label}", shortcut=key, on_click=queue.decide, args=(client, relabel))


def _labels(current: SubmissionOut) -> list[str]:
    """The classes of the model that read it, without the one for what is none."""
    return sorted({*current.probabilities} - {NOT_A_DIGIT}, key=lambda label: (len(label), label))


def _plain(text: str) -> str:
    """A text whose signs mean nothing to Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:" else sign for sign in text)
