"""The service of the tests: the real application on a real database, asked through its real layers."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digitkit.core.picture import Pixels
from digitkit.service.app import create_app
from digitkit.service.settings import Settings
from digitkit.store import Store
from tests.conftest import DrawDigits

SEVEN = Path(__file__).parents[2] / "examples" / "seven.png"

Serve = Callable[..., TestClient]


def png(pixels: Pixels, kind: str = "PNG") -> bytes:
    """An array as a file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def seven() -> bytes:
    """A picture of a seven."""
    return SEVEN.read_bytes()


@pytest.fixture(scope="session")
def digits(drawn_digits: DrawDigits) -> list[bytes]:
    """Ten drawn digits as files, dark on white."""
    drawn = drawn_digits(10, np.random.default_rng(3), 64)
    return [png(255 - picture) for picture, _ in drawn]


@pytest.fixture
def database(migrated_file: Path, tmp_path: Path) -> Path:
    """A database of the test's own."""
    return Path(shutil.copy(migrated_file, tmp_path / "digitkit.sqlite"))


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """The store of the test's database, beside the service."""
    store = Store.open(database)
    yield store
    store.close()


@contextmanager
def serving(**given: object) -> Iterator[TestClient]:
    """A client of a service with these settings; the environment of whoever runs the tests is left out."""
    given = {"predict_rate": "off", "submit_rate": "off"} | given
    with TestClient(create_app(Settings(**given)), raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture
def client(database: Path) -> Iterator[TestClient]:
    """A client of a service with a database of its own."""
    with serving(database=str(database)) as client:
        yield client


@pytest.fixture(scope="module")
def reader(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client for tests that leave nothing behind."""
    database = shutil.copy(migrated_file, tmp_path_factory.mktemp("shared") / "digitkit.sqlite")
    with serving(database=str(database)) as client:
        yield client


@pytest.fixture
def token(store: Store) -> Callable[[str], dict[str, str]]:
    """Makes the header of a token with a role."""

    def make(role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {store.keys.create(f'a {role}', role, 'the tests').secret}"}

    return make
