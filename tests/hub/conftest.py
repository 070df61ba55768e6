"""A hub, an account on it, and a small data set to carry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from digitkit.data.source import SOURCES
from digitkit.hub.access import SETTINGS
from digitkit.hub.caches import Cache, Kept
from digitkit.hub.repo import Repo
from tests.fixtures.hub_server import TOKEN, FakeHub, digest, serve
from tests.fixtures.toy_source import IMAGES, LABELS, TOY

LARGE, SMALL = IMAGES, LABELS
FILES = {"images": LARGE, "labels": SMALL}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DIGITKIT_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The token of the fake hub in HF_TOKEN; whoever is logged in on this machine is not seen."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_OIDC_RESOURCE", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    yield
    huggingface_hub.close_session()


@pytest.fixture
def hub(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub on this machine, which huggingface_hub takes for the one of HF_ENDPOINT."""
    import huggingface_hub.constants

    with serve() as served:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.address)
        yield served


@pytest.fixture
def data(hub: FakeHub) -> Repo:
    """A repository of data, which does not exist yet."""
    return Repo.open("alice/digits", "dataset")


@pytest.fixture
def model(hub: FakeHub) -> Repo:
    """A repository of a model, which does not exist yet."""
    return Repo.open("alice/reader", "model")


def keep_still(name: str, done: int, total: int) -> None:
    """The progress of tests."""


def cache_of(folder: Path, files: dict[str, bytes] = FILES, *, published: bool = True, more: str = "") -> Cache:
    """A data set of these files in a folder; `more` is the one that it can do without."""
    kept = {
        name: Kept(name, digest(content) if published else "", len(content) if published else 0)
        for name, content in files.items()
    }
    first = tuple(file for name, file in kept.items() if name != more)
    return Cache("toy", "a toy", "CC0", "", folder, first, tuple(file for file in kept.values() if file not in first))


def write_files(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    """These files in a folder, and one more that belongs to nobody."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "secret.txt").write_text("mine")
    return folder


@pytest.fixture
def fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy data set, which verbs then know by name, as fetched, without the files of its extra part."""
    monkeypatch.setitem(SOURCES._entries, "toy", TOY)
    return write_files(cache / "sources" / "toy")
