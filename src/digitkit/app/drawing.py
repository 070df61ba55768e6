"""What the sketch pad tells of a drawing, checked: it comes from a browser, so it may hold anything."""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from digitkit.wire import MAX_POINTS, MAX_STROKES, Point, Strokes

MAX_PNG = 400_000  # characters of base64; a full drawing of 280 px has some 20,000


class StrokeTold(BaseModel):
    """One stroke: points of x, y in px of the pad, ms since the drawing began, and pressure; `width` in px."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: list[Point] = Field(max_length=MAX_POINTS)
    width: float = Field(gt=0, le=100)


class Told(BaseModel):
    """The drawing as the pad tells it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern="^[0-9a-f]{32}$")
    version: int = Field(ge=0)
    png: str = Field(max_length=MAX_PNG)
    dark: bool
    strokes: list[StrokeTold] = Field(max_length=MAX_STROKES)

    @model_validator(mode="after")
    def may_be_sent(self) -> Self:
        """Refuse more points than a submission may have."""
        if sum(len(stroke.points) for stroke in self.strokes) > MAX_POINTS:
            raise ValueError(f"expected at most {MAX_POINTS} points")
        return self


@dataclass(frozen=True)
class Drawing:
    """A drawing that may be read and sent; `told` is what the pad needs to show it again."""

    id: str
    version: int
    png: bytes
    strokes: Strokes
    told: Told

    @property
    def is_empty(self) -> bool:
        """Whether there is no stroke."""
        return not self.strokes


def drawing_of(told: object) -> Drawing | None:
    """The drawing that the pad told of; None for nothing, or for something that no pad says."""
    try:
        checked = Told.model_validate(told)
        png = base64.b64decode(checked.png, validate=True)
    except (ValidationError, binascii.Error, ValueError):
        return None
    return Drawing(checked.id, checked.version, png, [stroke.points for stroke in checked.strokes], checked)
