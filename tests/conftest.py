"""What every test may use: drawn digits, a cache folder of its own, and no network."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import settings

from digitkit.core.digitset import DigitSet
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.runs import Trained, train_small, write_drawn_source
from tests.strokes import draw_digits

settings.register_profile("house", deadline=None, print_blob=True)  # a busy machine is no broken promise
settings.load_profile("house")

LOOPBACK = ("127.", "::1", "localhost")


class DrawDigits(Protocol):
    """Draw `n` labelled digits of `side` px: uint8 (N,S,S), bright ink on black."""

    def __call__(self, n: int, rng: np.random.Generator, side: int = 28) -> DigitSet: ...


@pytest.fixture(scope="session")
def drawn_digits() -> DrawDigits:
    return draw_digits


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Downloads and prepared pictures of the tests go into a temporary folder, also those of subprocesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def untraced_export() -> Iterator[None]:
    """Torch's exporter runs without coverage, which would look at each of its millions of calls and double its time."""
    if sys.gettrace() is None:
        yield
        return
    import torch.onnx

    export = torch.onnx.export

    def untraced(*args: Any, **options: Any) -> Any:
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return export(*args, **options)
        finally:
            sys.settrace(trace)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", untraced)
        yield


@pytest.fixture(scope="session")
def drawn_source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder of 400 drawn digits to learn from and 100 to test on, as recipes name it."""
    return write_drawn_source(tmp_path_factory.mktemp("drawn") / "digits")


@pytest.fixture(scope="session")
def trained(drawn_source: str, own_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One finished run of the tiny network, for all tests that only look at it."""
    return train_small(drawn_source, tmp_path_factory.mktemp("runs") / "small", ["run.pictures=true"])


@pytest.fixture(scope="session")
def exported(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of that run, outside its folder."""
    from digitkit.export.write import export

    target = tmp_path_factory.mktemp("exported") / "small.onnx"
    export(trained.run, trained.splits.test, target=target)
    return target


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL for all tests that do not stop it; `postgres.new_database()` is the URL of an empty database."""
    with running_postgres(tmp_path_factory.mktemp("postgres") / "data") as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """In tests only this machine answers; everything else is as far away as with the plug pulled."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_near(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX and not is_near(address):
            raise OSError(f"tests have no network, and this one wants {address}")
        connect(self, address)  # type: ignore[arg-type]

    def look_up_near(host: object, *rest: object, **options: object) -> object:
        if host is not None and not str(host).startswith(LOOPBACK):
            raise socket.gaierror(f"tests have no network, and this one asks for {host}")
        return look_up(host, *rest, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_near)
        patch.setattr(socket, "getaddrinfo", look_up_near)
        yield


def is_near(address: object) -> bool:
    """Whether an address of the form (host, port, ...) is this machine's own."""
    return isinstance(address, tuple) and str(address[0]).startswith(LOOPBACK)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows."""
    from digitkit.store import Store  # most tests need no database

    path = tmp_path_factory.mktemp("template") / "migrated.sqlite"
    store = Store.open(path)
    store.upgrade()
    store.close()
    return path
