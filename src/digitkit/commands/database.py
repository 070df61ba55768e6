"""The verbs that look after the database of the service."""

import getpass
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitkit.commands.printing import print_json, say
from digitkit.core.errors import ConfigError, NotFound, StoreError

if TYPE_CHECKING:
    from digitkit.store import Store

Url = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="A file for SQLite, or postgresql://...; if not said, DIGITKIT_DATABASE or a file of yours.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
NAMED_BY_TIME = re.compile(r"digitkit-\d{8}-\d{6}\.sqlite")  # backups in a folder; their names sort by time
# Of a backup that was killed: a temporary name of `core.files.atomic_path`, and what SQLite lays beside it.
HALF_WRITTEN = re.compile(rf"\.{NAMED_BY_TIME.pattern}\.[0-9a-f]{{16}}(?:-(?:wal|shm|journal))?")
HOUR_S = 3600


@contextmanager
def opened(database: str | None, must_exist: bool = True) -> "Iterator[Store]":
    """The store that a verb works on; verbs that may make its file do not ask that it exists.

    Raises: ConfigError when the address is none, NotFound when there is no such file.
    """
    from digitkit.service.settings import read_settings
    from digitkit.store import Store

    store = Store.open(read_settings(database=database).database_place)
    path = store.database.path
    if must_exist and path is not None and not path.exists():
        raise NotFound(f"There is no database {path}. Look at --database, or make it with `digitkit db upgrade`.")
    try:
        yield store
    finally:
        store.close()


def who() -> str:
    """How the audit names whoever runs a verb."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has a number only
        name = str(os.getuid())
    return f"{name} on the command line"


def upgrade(database: Url = None) -> None:
    """Make the tables of a database, or bring them up to date; several processes may do so at once."""
    with opened(database, must_exist=False) as store:
        store.upgrade()
        print(f"{store.address}: its tables are up to date")


def check(database: Url = None, json: Json = False) -> None:
    """Check a database: its version, its tables, what its rows refer to, and the hash of every picture."""
    with opened(database) as store:
        problems = store.check()
        if json:
            print_json({"database": store.address, "problems": problems})
        else:
            for problem in problems:
                print(problem)
        if problems:
            cure = "Stop the service, and restore a backup: digitkit db restore FILE --force."
            raise StoreError(f"{store.address}: {len(problems)} problems. {cure}")
        if not json:
            print(f"{store.address}: no problem found")


def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new file; with --keep a folder of backups.")],
    database: Url = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Name the file by the time and keep the newest N of a folder."),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="HOURS", help="Go on making one every so many hours (with --keep)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Write everything in a database to one file, while the service goes on; the copy is checked."""
    if every is not None and keep is None:
        raise ConfigError("--every goes with --keep N, so that the disk does not fill up.")
    with _stopped_by_sigterm(), opened(database) as store:
        while True:
            file = target if keep is None else _named_by_time(target)
            if file.exists() and not force:
                raise StoreError(f"{file} exists. Choose another name, or give --force to replace it.")
            _answer(store.backup(file), file, json, "written to")
            if keep is not None:
                _keep_newest(target, keep)
            if every is None:
                return
            time.sleep(every * HOUR_S)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A backup made by `digitkit db backup`.")],
    database: Url = None,
    force: Annotated[bool, typer.Option("--force", help="Replace everything that the database holds.")] = False,
    json: Json = False,
) -> None:
    """Put a backup into a database, SQLite or PostgreSQL, whichever it came from: all of it or nothing."""
    with opened(database, must_exist=False) as store:
        _answer(store.restore(source, force), store.address, json, "restored to")


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does: nothing half-written stays, and the first process of a container ends at all."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _named_by_time(folder: Path) -> Path:
    return folder / f"digitkit-{datetime.now(UTC):%Y%m%d-%H%M%S}.sqlite"


def _keep_newest(folder: Path, keep: int) -> None:
    """Only files that were named by time are counted and removed, and what a killed backup left a day ago or more."""
    files = list(folder.iterdir())
    for old in sorted(path for path in files if NAMED_BY_TIME.fullmatch(path.name))[:-keep]:
        old.unlink()
        say(f"{old} removed: {keep} newer ones are there")
    for path in files:
        if HALF_WRITTEN.fullmatch(path.name) and path.stat().st_mtime < time.time() - 24 * HOUR_S:
            path.unlink()
            say(f"{path} removed: a backup that was broken off")


def _answer(rows: Mapping[str, int], place: Path | str, json: bool, did: str) -> None:
    if json:
        print_json({"place": str(place), "rows": dict(rows)})
    else:
        print(f"{rows['submissions']} submissions with {rows['pictures']} pictures {did} {place}", flush=True)
