"""The documentation tells the truth: its Python runs, its recipes are ones, its links lead somewhere, its pages need no
other machine."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

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

    def filled(text: str) -> str:
        return re.sub(r"\$([A-Z]+)", lambda name: settings.get(name[1], name[0]), text)

    for name, value in SETTING.findall(page):
        settings[name] = filled(value)
    trainings = [shlex.split(filled(line), comments=True) for line in TRAINING.findall(page.replace("\\\n", " "))]
    return [[word for word in words if OVERRIDE.match(word)] for words in trainings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_recipe_of_a_page_is_one_or_its_error_is_there(page: Path) -> None:
    text = page.read_text()
    for overrides in recipes_of(text):
        try:
            compose(overrides)
        except ConfigError as error:
            assert f"\nerror: {error}\n" in text, overrides  # noqa: PT017


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
