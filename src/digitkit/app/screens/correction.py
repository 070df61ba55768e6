"""Whether the answer is right: one click, sent once, taken back within a quarter of an hour."""

import streamlit as st

from digitkit.app import session
from digitkit.app.entry import Entry
from digitkit.app.words import named
from digitkit.core.prediction import NOT_A_DIGIT


def correct(entry: Entry, place: int = 0) -> None:
    """The buttons below an answer, or what became of the correction."""
    key = f"{entry.id}-{place}"
    if entry.sent is not None:
        _show_sent(entry, key)
    elif entry.failure and entry.tried is not None:
        _show_failed(entry, entry.tried, key)
    else:
        _ask(entry, key)


def _ask(entry: Entry, key: str) -> None:
    """Is it right, and if not, what is it?"""
    answer = entry.answer
    if answer is None:
        return
    if entry.withdrawn:
        st.info("Taken back: nothing of it is stored any more.")
    if answer.label is not None and answer.verdict != "not a digit":
        st.button(
            f"Correct, it is {named(answer.label)}",
            key=f"right-{key}", type="primary", on_click=_send, args=(entry, answer.label),
        )  # fmt: skip
    labels = [*sorted({*answer.probabilities} - {NOT_A_DIGIT}, key=lambda label: (len(label), label)), NOT_A_DIGIT]
    choice = f"choice-{key}"
    st.pills(
        "No, it is:", labels, key=choice, format_func=named, on_change=_send_choice, args=(entry, choice), wrap=True
    )
    st.caption("Your answer is stored with the picture, to make the model better. Nothing is stored before.")


def _send_choice(entry: Entry, key: str) -> None:
    label = st.session_state.get(key)
    if label is not None:
        _send(entry, str(label))


def _send(entry: Entry, label: str) -> None:
    entry.submit(session.client(), label)


def _show_sent(entry: Entry, key: str) -> None:
    """It is saved; it can be taken back for a while."""
    assert entry.sent is not None
    st.success(f"Saved as {named(entry.sent.true_label)}. Thank you!")
    if entry.failure:
        st.error(entry.failure)
    if entry.may_withdraw:
        until = entry.sent.receipt_until.strftime("%H:%M UTC")
        st.button("Take it back", key=f"undo-{key}", on_click=entry.withdraw, args=(session.client(),))
        st.caption(f"Possible until {until}. Submission {entry.sent.id}.")


def _show_failed(entry: Entry, label: str, key: str) -> None:
    """It is not saved, why, and what to do."""
    st.error(f"Not saved. {entry.failure}")
    with st.container(horizontal=True):
        st.button(
            f"Try again as {named(label)}", key=f"again-{key}", type="primary", on_click=_send, args=(entry, label)
        )
        st.button("Do not send", key=f"leave-{key}", on_click=entry.give_up)
