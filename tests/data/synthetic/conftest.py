"""Fonts made on the spot, plans in files, and the drawn digits as a source."""

from collections.abc import Callable
from pathlib import Path

import pytest

from digitkit.data.synthetic.studio import Studio, open_studio
from tests.data.synthetic.plans import find, plan_of


@pytest.fixture(scope="session")
def studio() -> Callable[..., Studio]:
    """Open a studio for a plan given as its keys; fonts are only those that every machine has."""

    def opened(**values: object) -> Studio:
        return open_studio(plan_of(**values), find)

    return opened


@pytest.fixture
def plan_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a plan."""

    def write(text: str) -> Path:
        path = tmp_path / "plan.toml"
        path.write_text(text)
        return path

    return write
