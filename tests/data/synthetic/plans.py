"""Plans that draw the same on every machine, and a source of single digits to write numbers with."""

from pathlib import Path

import numpy as np

from digitkit.core.digitset import DigitSet
from digitkit.data.source import TEST, TRAIN, Source
from digitkit.data.synthetic.plan import Plan
from digitkit.data.synthetic.plan_file import parse_plan
from tests.strokes import draw_digits

EVERYWHERE = ["drawn *", "Aileron*"]


def plan_of(**values: object) -> Plan:
    """A plan of these keys; only fonts that are always there, only digits that tests draw."""
    hand = values.get("style") == "handwriting"
    usual = {"classes": ["7", "23"], "sources" if hand else "fonts": ["drawn-digits"] if hand else EVERYWHERE}
    return parse_plan({**usual, **values}, Path("plan.toml"))


def find(spec: str) -> Source:
    """The one source that these tests know."""
    assert spec == "drawn-digits"
    return Source(spec, "digits drawn by the tests", "none", "", (), (TRAIN, TEST), read_drawn)


def read_drawn(folder: Path, part: str) -> DigitSet:
    return draw_digits(200 if part == TRAIN else 40, np.random.default_rng(0 if part == TRAIN else 1))
