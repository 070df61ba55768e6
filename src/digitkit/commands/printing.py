"""How verbs answer: one table for people or one JSON object per line for programs."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager


def print_json(values: Mapping[str, object]) -> None:
    """One object on one line, to standard output."""
    print(json.dumps(values, ensure_ascii=False, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Rich table, to standard output; plain text when the output is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    width = min(len(title), console.width)  # a title does not break while there is room
    table = Table(title=Text(title), title_justify="left", header_style="bold", min_width=width)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))  # a file may be called [red].png
    console.print(table)


def say(text: str) -> None:
    """A line for people, to standard error, so that `--json` and pipes stay clean."""
    print(text, file=sys.stderr, flush=True)


def keep_quiet(text: str) -> None:
    """In place of `say` where nobody wants lines."""


@contextmanager
def talkative(enabled: bool) -> Iterator[None]:
    """Let libraries that are silenced otherwise say what they have to say."""
    logger = logging.getLogger("digitkit")
    before = logger.level
    if enabled:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(before)


def percent(share: float, digits: int = 2) -> str:
    """0.9951 -> "99.51 %"."""
    return f"{100 * share:.{digits}f} %"


def in_kilobytes(show: Callable[[int, int, str], None]) -> Callable[[str, int, int], None]:
    """What takes (file, bytes so far, bytes in all) and shows them on a bar in kB."""
    return lambda name, done, total: show(done // 1000, total // 1000, f"{name}, kB")


@contextmanager
def progress_bar(enabled: bool = True) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on standard error that takes (done, total, what is being done); silent where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (enabled and console.is_terminal):
        yield lambda done, total, text: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)
