"""The page: Streamlit runs this file once for each visitor and change."""

import streamlit as st

from digitkit.app.components import asset
from digitkit.app.index import PATHS
from digitkit.app.screens import about, history, models, read, review

SHOWN = {
    "read": (read.show, ":material/draw:"),
    "history": (history.show, ":material/history:"),
    "review": (review.show, ":material/fact_check:"),
    "models": (models.show, ":material/deployed_code:"),
    "about": (about.show, ":material/info:"),
}


def run() -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="digitkit", page_icon="7️⃣", layout="centered")
    st.html(f"<style>{asset('page.css')}</style>")
    pages = []
    for path in PATHS:
        show, icon = SHOWN[path]
        pages.append(st.Page(show, title=path.capitalize(), icon=icon, url_path=path, default=path == PATHS[0]))
    current = st.navigation(pages, position="hidden")
    with st.container(horizontal=True, gap="xsmall", key="pages"):  # in sight on a phone too, unlike Streamlit's list
        for page in pages:
            st.page_link(page)
    current.run()


run()
