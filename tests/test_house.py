"""The rules of the house that no linter knows: sizes, and what may not stand in any file."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERBS = ROOT / "src" / "digitkit" / "commands"  # as many parameters as a user needs
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 7
MAX_NESTING = 4  # 3 is what we aim for

Function = ast.FunctionDef | ast.AsyncFunctionDef
NESTS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")  # where statements hold others

# Written in pieces, so that this file does not find itself.
REGISTRY = re.compile(
    r"|".join(("pypi" + r"\.org", "python" + "hosted", "/simp" + r"le\b", "(?:index|extra-index)-u" + "rl"))
)
PRIVATE = re.compile(
    r"(?<![\w.~>\-/])/(?:" + "|".join(("tm" + "p", "ho" + "me", "ro" + "ot", "Use" + "rs", "wo" + "rk")) + r")/[\w.]"
)
ABOUT_URLS = "--no-emit-index-u" + "rl"  # the option of `make lock` that keeps addresses out


def python_files() -> list[Path]:
    """Every module and test."""
    return sorted(
        path for folder in ("src", "tests", "benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")
    )


@cache
def functions(path: Path) -> tuple[Function, ...]:
    """Every function of a file, also those inside others."""
    return tuple(node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function))


def place(path: Path, function: Function) -> str:
    """Where a function stands, for people."""
    return f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"


def code_lines(function: Function) -> int:
    """The length of a function in lines, its docstring apart."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or len(function.body) == 1:
        return whole
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def parameters(function: Function) -> int:
    """How many arguments a caller can give."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def nesting(node: ast.AST) -> int:
    """How deep blocks lie in blocks; an `elif` is no deeper than its `if`, an inner function starts anew."""
    depth = 0
    for name in BLOCKS:
        for child in getattr(node, name, ()):
            if isinstance(child, (*Function.__args__, ast.ClassDef)):
                continue
            is_elif = name == "orelse" and isinstance(node, ast.If) and isinstance(child, ast.If)
            depth = max(depth, nesting(child) + (isinstance(child, NESTS) and not is_elif))
    return depth


def own_files() -> list[Path]:
    """Every text file of the project that git keeps or would keep."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, so there is no list of the project's own files")
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Every line of the project's files in which the pattern is found."""
    found = []
    for path in own_files():
        for number, text in enumerate(path.read_text().splitlines(), start=1):
            if pattern.search(text.replace(ABOUT_URLS, "")):
                found.append(f"{path.relative_to(ROOT)}:{number} {text.strip()[:120]}")
    return found


def test_no_file_is_too_long_to_read_in_one_sitting() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files()}
    assert lengths
    assert [f"{path.relative_to(ROOT)}: {n}" for path, n in lengths.items() if n > MAX_FILE_LINES] == []


def test_every_function_fits_on_a_page() -> None:
    assert [
        f"{place(path, function)}: {code_lines(function)} lines"
        for path in python_files()
        for function in functions(path)
        if code_lines(function) > MAX_FUNCTION_LINES
    ] == []


def test_no_function_but_a_verb_takes_many_parameters() -> None:
    assert [
        f"{place(path, function)}: {parameters(function)}"
        for path in python_files()
        if not path.is_relative_to(VERBS)
        for function in functions(path)
        if parameters(function) > MAX_PARAMETERS
    ] == []


def test_no_function_nests_blocks_deeply() -> None:
    assert [
        f"{place(path, function)}: {nesting(function)} deep"
        for path in python_files()
        for function in functions(path)
        if nesting(function) > MAX_NESTING
    ] == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert lines_with(PRIVATE) == []


def test_every_test_has_a_name_of_its_own_in_its_file() -> None:
    for path in python_files():
        tests = [function.name for function in functions(path) if function.name.startswith("test_")]
        assert len(tests) == len(set(tests)), path
