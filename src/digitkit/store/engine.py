"""Engines: how connections to SQLite and PostgreSQL are made."""

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from digitkit.store.urls import sqlite_path

BEGIN = "digitkit_begin"  # the execution option that says how a transaction begins
# SQLite's write lock at once: a transaction cannot fail half-way for want of it.
IMMEDIATE = {BEGIN: "BEGIN IMMEDIATE"}  # or an error soon
PATIENT = {BEGIN: "BEGIN EXCLUSIVE"}  # or an error when the time is over; with a write-ahead log the same lock
FILE = "file"  # where a pooled connection to SQLite keeps which file it has open: (device, inode)
TIMEOUT = "timeout"  # and how many milliseconds it waits for another process
POLL_MS = 8  # SQLite tries after 1, 2 and 5 ms
CHECKPOINT_PAGES = 4000  # 16 MB: a checkpoint writes each page once, however often it changed
MAX_WAL_BYTES = 64 * 2**20  # what stays of the write-ahead log after a large transaction


def make_engine(url: URL, timeout_s: float, pool_size: int, foreign_keys: bool = True) -> sa.Engine:
    """An engine that connects when it is first used; `timeout_s` bounds every wait."""
    path = sqlite_path(url)
    if path is not None:
        return _sqlite_engine(url, path, timeout_s, pool_size, foreign_keys)
    milliseconds = round(1000 * timeout_s)
    options = (
        f"-c timezone=UTC -c synchronous_commit=on -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    )
    arguments = {
        "options": options,
        "connect_timeout": max(2, round(timeout_s)),  # s; libpq takes 1 for 2
        "tcp_user_timeout": milliseconds,  # a server whose machine is gone
        "application_name": "digitkit",
    }
    return sa.create_engine(
        url, connect_args=arguments, pool_size=pool_size, max_overflow=0, pool_timeout=timeout_s,
        pool_pre_ping=True, pool_use_lifo=True,
    )  # fmt: skip


def _sqlite_engine(url: URL, path: Path, timeout_s: float, pool_size: int, foreign_keys: bool) -> sa.Engine:
    """SQLite with a write-ahead log whose commits are on the disk; opening never makes a file."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )

    def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
            f"journal_size_limit = {MAX_WAL_BYTES}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "trusted_schema = OFF",
            "secure_delete = ON",  # what was deleted is overwritten, and in no later backup
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        found = path.stat()
        entry.info[FILE] = (found.st_dev, found.st_ino)
        entry.info[TIMEOUT] = round(1000 * timeout_s)

    engine = sa.create_engine(
        url, creator=connect, pool_size=pool_size, max_overflow=0, pool_timeout=timeout_s, pool_use_lifo=True
    )
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    """The driver is told to begin nothing by itself (`isolation_level=None`), so that reads are transactions too."""
    statement = str(connection.get_execution_options().get(BEGIN, "BEGIN"))
    if statement != IMMEDIATE[BEGIN]:
        connection.exec_driver_sql(statement)
        return
    # SQLite waits for another process by polling ever more rarely, up to every 100 ms: who has waited long waits on.
    # Here it gives up soon, and `Database` begins again until its own time is over.
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {POLL_MS}")
    try:
        connection.exec_driver_sql(statement)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {connection.info[TIMEOUT]}")
