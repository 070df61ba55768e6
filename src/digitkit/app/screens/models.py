"""The page of models: the champion and the others, what their tests said, and two of them side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from digitkit.app import session
from digitkit.app.components import panel
from digitkit.app.entry import Entry
from digitkit.core.errors import RequestError, StoreError
from digitkit.wire import BundleOut, BundlesOut

if TYPE_CHECKING:
    import altair as alt

CHART_PX = 360  # height


def show() -> None:
    """Every bundle that the service knows."""
    st.markdown("## Models")
    try:
        known = session.client().bundles()
    except (RequestError, StoreError) as error:
        st.error(str(error))
        return
    for bundle in known.bundles:
        with st.container(border=True, key=f"bundle-{bundle.digest[:12]}"):
            _show_bundle(bundle)
    _compare(known)


def _show_bundle(bundle: BundleOut) -> None:
    """What a bundle says of itself."""
    st.text(bundle.id)
    st.caption("Champion: it answers." if bundle.is_champion else "Challenger: it answers when it is asked by its id.")
    facts = facts_of(bundle.report)
    if facts:
        st.table(facts, border="horizontal", hide_header=True)
    else:
        st.text("It carries no report.")
    counts = confusion_of(bundle)
    if counts:
        with st.expander("What its test mixed up"):
            st.altair_chart(confusion_chart(counts))
    st.caption(f"{len(bundle.classes)} classes")


def facts_of(report: Mapping[str, object]) -> dict[str, str]:
    """The figures of a report that people ask for, in words."""
    facts = {}
    test = report.get("test")
    if isinstance(test, Mapping):
        accuracy, n = test.get("accuracy"), test.get("n")
        if isinstance(accuracy, float):
            facts["Test accuracy"] = f"{100 * accuracy:.2f} %{_between(test.get('interval'))}"
        if isinstance(n, int):
            facts["Test pictures"] = f"{n:,}"
    parameters, seconds, hardware = (report.get(name) for name in ("parameters", "train_seconds", "hardware"))
    if isinstance(parameters, int):
        facts["Parameters"] = f"{parameters:,}"
    if isinstance(seconds, int | float):
        where = f" on {hardware}" if isinstance(hardware, str) else ""
        facts["Last training"] = f"{seconds / 60:.1f} min{where}"  # it may have gone on from earlier runs
    return facts


def _between(interval: object) -> str:
    """The interval behind an accuracy, 95 %."""
    if not isinstance(interval, list) or len(interval) != 2 or not all(isinstance(end, float) for end in interval):
        return ""
    low, high = interval
    return f" (95 % interval {100 * low:.2f} to {100 * high:.2f})"


def confusion_of(bundle: BundleOut) -> list[dict[str, object]]:
    """How often each class was read as each, where the bundle tells: one record for each pair that occurs."""
    test = bundle.report.get("test")
    table = test.get("confusion") if isinstance(test, dict) else None
    if not isinstance(table, list) or len(table) != len(bundle.classes):
        return []
    return [
        {"true": true, "read": read, "pictures": count, "right": true == read}
        for true, row in zip(bundle.classes, table, strict=True)
        for read, count in zip(bundle.classes, row if isinstance(row, list) else [], strict=False)
        if isinstance(count, int) and count > 0
    ]


def confusion_chart(counts: list[dict[str, object]]) -> "alt.LayerChart | alt.FacetChart":
    """The confusion as a picture: rows are true classes, columns answers; mistakes by colour, all by number."""
    import altair as alt

    pairs = alt.Chart(alt.InlineData(counts)).encode(
        x=alt.X("read:N", title="read as", axis=alt.Axis(labelAngle=0, orient="top")), y=alt.Y("true:N", title="it was")
    )
    most = max((int(str(each["pictures"])) for each in counts if not each["right"]), default=1)
    mistakes = alt.Scale(domain=[0, most], range=["#fff3e6", "#f28e2b"])
    tone = alt.condition("datum.right", alt.value("#3367d6"), alt.Color("pictures:Q", scale=mistakes, legend=None))
    colour = alt.condition("datum.right", alt.value("white"), alt.value("black"))
    numbers = pairs.mark_text(fontSize=11).encode(text="pictures:Q", color=colour)
    return alt.layer(pairs.mark_rect().encode(color=tone), numbers).properties(height=CHART_PX)


def _compare(known: BundlesOut) -> None:
    """Two bundles on the last drawing."""
    st.markdown("### Compare on your drawing")
    drawing = session.kept_drawing()
    if drawing is None or drawing.is_empty:
        st.info("Draw something on the page Read; here two models read the same drawing.")
        return
    ids = [bundle.id for bundle in known.bundles]
    columns = st.columns(min(2, len(ids)), gap="medium")
    for place, column in enumerate(columns):
        with column:
            chosen = st.selectbox(f"Model {place + 1}", ids, index=place, key=f"model-{place}")
            entry = Entry(drawing.id, "drawing", "draw", drawing.png, version=drawing.version)
            entry.read(session.client(), chosen)
            panel(entry, f"compare-{place}-{chosen}-{drawing.version}")
