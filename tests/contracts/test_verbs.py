"""Contract of every verb, present and future: it explains itself, in the terminal and in the docs."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from digitkit import cli

DOCS = Path(__file__).parents[2] / "docs"


def walk(command: object, words: tuple[str, ...]) -> Iterator[tuple[str, TyperCommand]]:
    """Every verb below a command, with the words that call it."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from walk(inner, (*words, name))
    else:
        assert isinstance(command, TyperCommand)
        yield " ".join(words), command


VERBS = dict(walk(get_command(cli.app), ("digitkit",)))
every_verb = pytest.mark.parametrize("verb", VERBS)


@cache
def headings() -> tuple[str, ...]:
    """Every heading of the documentation."""
    texts = [path.read_text() for path in sorted(DOCS.glob("*.md"))]
    return tuple(heading for text in texts for heading in re.findall(r"^#{1,4} (.+)$", text, flags=re.MULTILINE))


@every_verb
def test_a_verb_says_in_one_sentence_what_it_does(verb: str) -> None:
    text = (VERBS[verb].help or "").strip()
    assert text.endswith(".") or text.split("\n\n")[0].endswith("."), f"{verb}: its help is {text!r}"


@every_verb
def test_every_option_and_argument_of_a_verb_is_explained(verb: str) -> None:
    silent = [
        parameter.name
        for parameter in VERBS[verb].params
        if isinstance(parameter, TyperOption | TyperArgument) and not (parameter.help or "").strip()
    ]
    assert silent == []


@every_verb
def test_a_verb_has_a_section_in_the_docs(verb: str) -> None:
    assert any(f"`{verb}`" in heading for heading in headings()), f"no heading in docs/ names `{verb}`"


@every_verb
def test_the_help_of_a_verb_can_be_shown(verb: str) -> None:
    answer = CliRunner().invoke(cli.app, [*verb.split()[1:], "--help"])
    assert answer.exit_code == 0
    assert "Usage" in answer.output
