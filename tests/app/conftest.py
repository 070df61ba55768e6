"""A real service for the pages and their client: in a thread, on a free port, with a store of its own."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
import uvicorn

from digitkit.app.client import Client
from digitkit.service.app import create_app
from digitkit.service.settings import read_settings
from digitkit.store import Store

PATIENCE_S = 200  # for a page; a busy machine is no broken promise


@dataclass(frozen=True)
class Running:
    """A client of a service, its store, and tokens by role."""

    client: Client
    store: Store
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service, until the module ends."""
    path = tmp_path_factory.mktemp("service") / "store.sqlite"
    listening = socket.create_server(("127.0.0.1", 0))
    with closing(Store.open(path)) as store:
        store.upgrade()
        tokens = {role: store.keys.create(f"a {role}er", role, by="tests").secret for role in ("read", "review")}
        app = create_app(read_settings(database=str(path), bundle="default"))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        # Both import modules of the same packages at their start, which one at a time can do without losing any.
        with Client(f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
            thread.start()
            client.bundles()  # once it answers, its thread imports nothing more beside that of a page
            yield Running(client, store, tokens)
        server.should_exit = True
        thread.join(30)
        listening.close()


ClientAt = Callable[[str], Client]


@pytest.fixture
def client_at() -> Iterator[ClientAt]:
    """A client for an address; it does not wait between its tries."""
    with ExitStack() as opened:
        yield lambda address: opened.enter_context(Client(address, sleep=lambda pause_s: None))
