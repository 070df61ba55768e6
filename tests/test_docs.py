"""The documentation tells the truth: its Python runs, its trainings can be asked for, its links lead somewhere, its
pages need no other machine."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from string import Template

import pytest

from digitkit.core.errors import ConfigError
from digitkit.learn.compose import compose

ROOT = Path(__file__).parents[1]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
IN_ONE_GO = "walkthrough.md"  # its blocks follow each other: tests/journeys/test_walkthrough.py
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
TRAINING = re.compile(r"^\$ digitkit (?:train|visualize) (.*)$", flags=re.MULTILINE)
SETTING = re.compile(r"^\$ ([A-Z]+)=\"(.*)\"$", flags=re.MULTILINE)  # a variable of the shell
OVERRIDE = re.compile(r"[a-z_][\w.]*=")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
FOREIGN = re.compile(r"""(?:src="|url\(["']?|<link rel="(?:stylesheet|icon|preconnect)" href=")https?:[^"')]+""")

BLOCKS = {
    f"{page.relative_to(ROOT)}:{number}": code
    for page in PAGES
    if page.name != IN_ONE_GO
    for number, code in enumerate(BLOCK.findall(page.read_text()), start=1)
}


@pytest.mark.parametrize("place", BLOCKS)
def test_the_python_of_a_page_runs(place: str) -> None:
    search = {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error", "-c", BLOCKS[place]]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | search, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def recipes_of(page: str) -> list[list[str]]:
    """The overrides of each training that a page asks for."""
    settings: dict[str, str] = {}
    for name, value in SETTING.findall(page):
        settings[name] = Template(value).safe_substitute(settings)
    trainings = TRAINING.findall(page.replace("\\\n", " "))
    words = [shlex.split(Template(line).safe_substitute(settings), comments=True) for line in trainings]
    return [list(filter(OVERRIDE.match, line)) for line in words]


def error_of(overrides: list[str]) -> str:
    """What a user reads who asks for such a training; "" where it is one."""
    try:
        compose(overrides)
    except ConfigError as error:
        return f"error: {error}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_training_of_a_page_can_be_asked_for_or_its_error_is_there(page: Path) -> None:
    text = page.read_text()
    assert {error_of(overrides) for overrides in recipes_of(text)} <= {"", *text.splitlines()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_the_built_pages_ask_no_other_machine_for_anything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    pages = [path for pattern in ("*.html", "*.css") for path in tmp_path.rglob(pattern)]
    assert len(pages) > len(list((ROOT / "docs").glob("*.md")))
    assert [found for path in pages for found in FOREIGN.findall(path.read_text())] == []
