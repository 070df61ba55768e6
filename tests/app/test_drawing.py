"""What the pad tells: taken when it makes sense, and never believed otherwise."""

import base64
from typing import Any

import pytest

from digitkit.app.components import asset
from digitkit.app.drawing import MAX_PNG, drawing_of
from digitkit.wire import MAX_POINTS, MAX_STROKES, SubmissionIn


def told(**changes: object) -> dict[str, Any]:
    """What a pad says of a drawing with two points."""
    stroke = {"points": [[10, 20.5, 0, 0.5], [11, 21, 16, 0.25]], "width": 18}
    png = base64.b64encode(b"picture").decode()
    return {"id": "0f" * 16, "version": 3, "png": png, "dark": False, "strokes": [stroke], **changes}


def test_a_drawing_is_picture_and_strokes_with_times() -> None:
    drawing = drawing_of(told())
    assert drawing is not None
    assert drawing.png == b"picture"
    assert drawing.strokes == [[(10, 20.5, 0, 0.5), (11, 21, 16, 0.25)]]
    assert not drawing.is_empty
    assert drawing.told.model_dump(mode="json")["strokes"][0]["width"] == 18


def test_an_empty_pad_is_a_drawing_without_strokes() -> None:
    drawing = drawing_of(told(strokes=[]))
    assert drawing is not None
    assert drawing.is_empty


@pytest.mark.parametrize(
    "nonsense",
    [
        None, "text", 7, [], {}, told(id="../../etc"), told(id=None), told(version=-1), told(png="not base64!"),
        told(png="A" * (MAX_PNG + 4)), told(strokes="many"), told(strokes=[{"points": [[1, 2]], "width": 3}]),
        told(strokes=[{"points": [[float("nan"), 1, 0, 0.5]], "width": 3}]), 
        told(strokes=[{"points": [], "width": 1e9}]),
        told(strokes=[{"points": [[1, 2, -5, 0.5]], "width": 3}]), told(more=1),
        told(strokes=[{"points": [[1, 2, 3, 0.5]] * (MAX_POINTS // 2 + 1), "width": 3}] * 2),
    ],
    ids=range(17),
)  # fmt: skip
def test_what_no_pad_says_is_no_drawing(nonsense: object) -> None:
    assert drawing_of(nonsense) is None


@pytest.mark.parametrize(("name", "limit"), [("MAX_POINTS", MAX_POINTS), ("MAX_STROKES", MAX_STROKES)])
def test_the_pad_takes_no_more_than_can_be_sent(name: str, limit: int) -> None:
    assert f"const {name} = {limit};" in asset("pad.js")


def test_the_largest_drawing_can_be_sent() -> None:
    drawing = drawing_of(told(strokes=[{"points": [[1, 2, 3, 0.5]] * (MAX_POINTS // 2), "width": 3}] * 2))
    assert drawing is not None
    assert SubmissionIn(picture="", true_label="7", strokes=drawing.strokes).strokes == drawing.strokes
