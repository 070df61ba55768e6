"""The page: Streamlit runs this file once for each visitor and change."""

import streamlit as st

from digitkit.app.components import asset
from digitkit.app.screens import about, history, models, read, review

PAGES = (
    (read.show, "Read", "read", ":material/draw:"),
    (history.show, "History", "history", ":material/history:"),
    (review.show, "Review", "review", ":material/fact_check:"),
    (models.show, "Models", "models", ":material/deployed_code:"),
    (about.show, "About", "about", ":material/info:"),
)


def run() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="digitkit", page_icon="7️⃣", layout="centered")
    st.html(f"<style>{asset('page.css')}</style>")
    pages = [
        st.Page(show, title=title, icon=icon, url_path=path, default=path == "read")
        for show, title, path, icon in PAGES
    ]
    current = st.navigation(pages, position="hidden")
    with st.container(horizontal=True, gap="xsmall", key="pages"):  # in sight on a phone too, unlike Streamlit's list
        for page in pages:
            st.page_link(page)
    current.run()


run()
