"""The token that some pages need: typed in once, kept for the session, never shown again."""

import streamlit as st

from digitkit.app import session


def ask_token(why: str) -> str:
    """The token of this session; asks for one where there is none."""
    if held := session.token():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("You have given a token; it is forgotten when you leave this page's tab.")
            st.button("Forget it now", on_click=session.keep_token, args=("",), type="tertiary")
        return held
    with st.form("token-form", border=False):
        given = st.text_input(why, type="password", autocomplete="off", placeholder="made by: digitkit keys create")
        if st.form_submit_button("Use it") and given.strip():
            session.keep_token(given.strip())
            st.rerun()
    return ""
